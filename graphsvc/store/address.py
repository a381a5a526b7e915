"""Where a store is: the URL of `--store`, read into one of three addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from graphsvc.errors import BadInput

__all__ = [
    "MemoryAddress",
    "Neo4jAddress",
    "SqliteAddress",
    "StoreAddress",
    "absolute_hint",
    "parse_store_url",
]

_FORMS = (
    "`memory:`, `sqlite:///path.db`, `neo4j://user@host:7687/database` or `bolt://user@host:7687/database`"
)
_NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_ADVICE = "the password goes into GRAPHSVC_NEO4J_PASSWORD or a secrets file, never into the URL"


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """A store that lives and dies with the process."""


@dataclass(frozen=True, slots=True)
class SqliteAddress:
    """A store in one file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Neo4jAddress:
    """A store in a Neo4j database; `url` holds scheme, host and port, and no user."""

    url: str
    user: str = "neo4j"
    database: str = "neo4j"


StoreAddress = MemoryAddress | SqliteAddress | Neo4jAddress


def parse_store_url(url: str) -> StoreAddress:
    """The address that a `--store` URL names; BadInput (field `store`) tells the forms.

    `sqlite:///path.db` is relative to the working folder, `sqlite:////var/lib/path.db` absolute. The
    error never repeats a password.
    """
    scheme, colon, rest = url.partition(":")
    if not colon:
        raise _refused(f"store: `{url}` is no store; write {_FORMS}")
    if scheme == "memory":
        if rest.strip("/"):
            raise _refused("store: `memory:` takes no path; write `memory:` alone")
        return MemoryAddress()
    if scheme == "sqlite":
        return _sqlite(url, rest)
    if scheme in _NEO4J_SCHEMES:
        return _neo4j(url, scheme)
    raise _refused(f"store: `{scheme}` is no kind of store; write {_FORMS}")


def _sqlite(url: str, rest: str) -> SqliteAddress:
    path = unquote(rest.removeprefix("///"))
    if not rest.startswith("///") or not path or path.endswith("/"):
        raise _refused(
            f"store: `{url}` names no file; write `sqlite:///path.db` or `sqlite:////absolute/path.db`"
        )
    if "?" in rest or "#" in rest:
        raise _refused(f"store: `{url}` has options; `sqlite:` takes a path only")
    return SqliteAddress(path=Path(path))


def _neo4j(url: str, scheme: str) -> Neo4jAddress:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 7687
    except ValueError:
        raise _refused(f"store: the port of the `{scheme}` URL is no port; write {_FORMS}") from None
    if parts.password is not None:
        raise _refused(f"store: the URL holds a password; {_ADVICE}")
    if not host:
        raise _refused(f"store: the `{scheme}` URL names no host; write `{scheme}://user@host:7687/database`")
    if parts.query or parts.fragment:
        raise _refused(f"store: the `{scheme}` URL has options; write `{scheme}://user@host:7687/database`")
    database = unquote(parts.path.strip("/")) or "neo4j"
    if "/" in database:
        raise _refused(f"store: `{database}` is no database; write `{scheme}://user@host:7687/database`")
    host = f"[{host}]" if ":" in host else host
    user = unquote(parts.username) if parts.username else "neo4j"
    return Neo4jAddress(url=f"{scheme}://{host}:{port}", user=user, database=database)


def absolute_hint(path: Path) -> str:
    """What to say of a relative path that is not there, when a slash was most likely forgotten; else nothing."""
    here = Path.cwd()
    if path.is_absolute() and not path.is_relative_to(here):
        return ""
    # It may have been made absolute already.
    given = path.relative_to(here) if path.is_absolute() else path
    rooted = Path("/") / given
    if rooted == path or len(given.parts) < 2 or not rooted.parent.is_dir():
        return ""
    return f"; for `{rooted}` write `sqlite:///{rooted}`"


def _refused(message: str) -> BadInput:
    return BadInput(message, field="store")
