"""Drafts of declarations from an MCP server's tool list, for a person to confirm: a first guess with its reasons.

Names, argument names and descriptions are written by whoever made the server, so a draft is never put into force by itself.
What is not recognized gets the strict reading, and annotations may make a guess stricter, never milder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_json

__all__ = ["Draft", "draft_of", "listed_tools", "write_draft"]

_SERVER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Effects by the verb that a tool's name holds; the first that fits counts, so the harder ones come first.
_VERBS: Final = (
    ("execute", "run exec execute eval shell command script spawn invoke"),
    ("pay", "pay transfer refund charge purchase checkout invoice withdraw"),
    ("destroy", "delete remove drop purge destroy erase truncate cancel kill revoke ban kick"),
    ("grant", "grant permission permissions invite authorize role member collaborator"),
    ("account", "password credential credentials login signup register profile"),
    ("send", "send email mail forward share publish upload push submit tweet webhook export"),
    ("message", "post reply comment message notify chat remind react reaction"),
    ("commit", "book reserve merge deploy release order schedule"),
    (
        "modify",
        "update edit modify move rename set change patch append replace write put reset checkout mark",
    ),
    ("write", "create add insert save new draft make generate fork copy"),
    ("fetch", "fetch navigate browse open goto download crawl scrape"),
    (
        "read",
        "get list read search find query describe show view lookup check count status history log diff info tree",
    ),
)
_ROLES: Final = (
    ("destination", "to recipient recipients cc bcc email emails address addresses channel attendee attendees participant participants destination iban webhook receiver owner"),
    ("amount", "amount price sum total quantity value_amount"),
    ("query", "query q search pattern filter keyword keywords term sql jql"),
    ("content", "body text content message subject title description comment summary html markdown note notes snippet edits files attachments caption"),
    ("locator", "url uri link path paths file folder directory repo repository page"),
    ("target", "id ids key name target branch issue number ref revision event task row table database user"),
    ("value", "password status state role permission permissions level command code script function expression"),
)  # fmt: skip
_PRIVATE: Final = frozenset(
    [
        "mail",
        "email",
        "message",
        "inbox",
        "calendar",
        "event",
        "contact",
        "customer",
        "record",
        "file",
        "document",
        "user",
        "account",
        "drive",
        "chat",
        "note",
        "database",
        "query",
    ]
)
_PLAIN: Final = frozenset(
    [
        "limit",
        "offset",
        "page_size",
        "per_page",
        "cursor",
        "max",
        "min",
        "sort",
        "order",
        "format",
        "verbose",
        "timeout",
        "depth",
        "encoding",
        "count",
        "start",
        "end",
        "date",
        "day",
        "time",
    ]
)
_READS: Final = ("read", "fetch")


class Draft(NamedTuple):
    """One tool's guess. reasons: why, one a guess; is_sure: False when somebody should look twice."""

    name: str
    declared: dict[str, Json]
    reasons: tuple[str, ...]
    is_sure: bool


def draft_of(tool: Mapping[str, Any]) -> Draft:
    """A guess at what a tool of a `tools/list` answer means."""
    name = str(tool.get("name", ""))
    words = [word.casefold() for word in _WORD.findall(name)]
    hints = tool.get("annotations") or {}
    schema = tool.get("inputSchema") or {}
    arguments = list(schema.get("properties", {})) if isinstance(schema, Mapping) else []
    effects, reasons, sure = _effects(words, hints, arguments)
    is_read = set(effects) <= set(_READS)
    roles, unsure = _roles(arguments, effects, is_read=is_read)
    if unsure:
        reasons.append(f"no idea what {', '.join(unsure)} is, so it counts as a destination")
    declared: dict[str, Json] = {"effects": [*effects]}
    labels = _labels(words, str(tool.get("description", "")), hints, effects)
    if labels:
        result: dict[str, Json] = {"labels": [*labels]}
        if "untrusted" in labels:
            result["text"] = "*"
        declared["result"] = result
    if roles:
        declared["arguments"] = dict[str, Json](roles)
    return Draft(name, declared, tuple(reasons), sure and not unsure)


def listed_tools(files: Sequence[tuple[bytes | str, str]], server: str) -> list[dict[str, Json]]:
    """The tools of pages of a list; BadInput names the place and the fix. server: as in `write_draft`."""
    if not _SERVER.fullmatch(server):
        raise BadInput(f"--name: `{server}` must be letters, digits, `.`, `_` and `-`", field="name")
    found: list[dict[str, Json]] = []
    for data, file in files:
        document = decode_json(data, file)
        if isinstance(document, dict):
            document = document.get("result", document)
        listed = document.get("tools") if isinstance(document, dict) else document
        if not isinstance(listed, list):
            raise BadInput(
                f'`{file}` is no tool list: write {{"tools": [...]}} as `tools/list` answers', field=file
            )
        for index, tool in enumerate(listed):
            name = tool.get("name") if isinstance(tool, dict) else None
            if not isinstance(tool, dict) or not isinstance(name, str) or not name or set(name) & set("*?"):
                place = f"{file}.tools[{index}].name"
                raise BadInput(f"{place}: must be text without `*` and `?`", field=place)
            found.append(tool)
    return found


def write_draft(tools: Iterable[Mapping[str, Any]], server: str) -> Iterator[str]:
    """The text of a pack with the drafts of a server's tools; what to look at twice comes with CHECK."""
    yield "# A draft by `graphsvc policy suggest`: nothing of it was confirmed by a person yet.\n"
    yield "# Read every line, above all those with CHECK: what can outsiders write in its result, what does a call do, which\n"
    yield "# argument says where it goes? Then give the pack a version and publish it. docs/provenance.md says what the keys mean.\n"
    yield f'graphsvc: 1\npack: {{id: {_json(server)}, version: "draft"}}\nactions:\n'
    empty = True
    for draft in sorted((draft_of(tool) for tool in tools), key=lambda each: each.name):
        empty = False
        mark = "" if draft.is_sure else "CHECK: "
        yield f"  # {mark}{'; '.join(draft.reasons)}\n"
        yield f"  {_json(f'{server}:{draft.name}')}: {_json(draft.declared)}\n"
    if empty:
        yield "  {}\n"


def _effects(
    words: list[str], hints: Mapping[str, Any], arguments: list[str]
) -> tuple[list[str], list[str], bool]:
    found: list[str] = []
    reasons: list[str] = []
    # The verb comes first in most names; whatever else the name holds may be a noun.
    for word in words:
        effect = next((name for name, verbs in _VERBS if word in verbs.split()), None)
        if effect is not None:
            found.append(effect)
            reasons.append(f"`{word}` sounds like {effect}")
            break
    if found == ["read"] and any(_last(name) in {"url", "uri", "link"} for name in arguments):
        found = ["fetch"]
        reasons.append("it reads a place that an argument names")
    sure = bool(found)
    if not found:
        found = ["execute"]
        reasons.append("the name says nothing, so it may do anything")
    if hints.get("destructiveHint") is True and "destroy" not in found and found[0] not in _READS:
        found.append("destroy")
        reasons.append("its annotation says destructive")
    if hints.get("readOnlyHint") is False and set(found) <= set(_READS):
        found.append("modify")
        reasons.append("its annotation says it does not only read")
    if hints.get("readOnlyHint") is True and not set(found) <= set(_READS):
        reasons.append("its annotation says it only reads, which is not believed")
        sure = False
    return found, reasons, sure


def _roles(arguments: list[str], effects: list[str], *, is_read: bool) -> tuple[dict[str, str], list[str]]:
    roles: dict[str, str] = {}
    unsure: list[str] = []
    for name in arguments:
        if name.casefold() in _PLAIN or _last(name) in _PLAIN:
            continue
        words = {name.casefold(), _last(name)}
        role = next((role for role, names in _ROLES if not words.isdisjoint(names.split())), None)
        if role is None:
            # As for a tool that nobody declared.
            role = "locator" if is_read else "destination"
            if not is_read:
                unsure.append(_json(name))
        if is_read and role in ("destination", "target", "value", "content"):
            role = "locator"
        if not is_read and role == "locator":
            role = "destination" if "send" in effects and _last(name) in {"url", "uri", "link"} else "target"
        roles[name] = role
    return roles, unsure


def _labels(words: list[str], description: str, hints: Mapping[str, Any], effects: list[str]) -> list[str]:
    labels = set()
    if set(effects) <= set(_READS) or hints.get("openWorldHint") is True or effects == ["execute"]:
        labels.add("untrusted")
    spoken = {*words, *(word.casefold() for word in _WORD.findall(description))}
    singular = spoken | {word.removesuffix("s") for word in spoken}
    if set(effects) & {"read", "execute"} and not singular.isdisjoint(_PRIVATE):
        labels.add("sensitive")
    return sorted(labels)


def _last(name: str) -> str:
    words = _WORD.findall(name)
    return words[-1].casefold() if words else name.casefold()


def _json(value: object) -> str:
    """JSON, which YAML reads as it stands."""
    return msgspec.json.encode(value).decode()
