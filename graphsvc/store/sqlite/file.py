"""The database file: who owns it, how it is opened, which schema it has."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

from graphsvc.errors import StoreError, StoreOwned, StoreTooNew
from graphsvc.store.address import absolute_hint

__all__ = ["Damaged", "Migration", "connect_reader", "connect_writer", "known_migrations", "migrate", "own"]

# Marks a file as ours, beside the version that `user_version` holds ("gsvc").
APPLICATION_ID = 0x67737663
_OLDEST_SQLITE = (3, 38, 0)
_BUSY_TIMEOUT_MS = 5_000


class Damaged(StoreError):
    """What a database file holds is not whole."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered change of the schema."""

    version: int
    name: str
    sql: str


def known_migrations(folder: str = "") -> list[Migration]:
    """The migrations that this version ships, in order. folder: `graph`, those of the drawing's file."""
    found = [
        Migration(int(match[1]), match[2], item.read_text(encoding="utf-8"))
        for item in (files("graphsvc.store.sqlite") / "migrations" / folder).iterdir()
        if (match := re.fullmatch(r"V(\d+)__(\w+)\.sql", item.name))
    ]
    found.sort(key=lambda migration: migration.version)
    assert [migration.version for migration in found] == list(range(1, len(found) + 1))
    return found


def own(path: Path) -> IO[str]:
    """Take the file for this process until the returned lock is closed or the process ends.

    The lock is on `<path>.lock`, which stays: removing it would let two processes lock two files of
    that name. StoreError when another process has it or the folder cannot be written.
    """
    lock_path = path.with_name(path.name + ".lock")
    if not path.parent.is_dir():
        raise StoreError(
            f"store `{path}`: the folder `{path.parent}` does not exist; create it{absolute_hint(path)}"
        )
    if path.is_dir():
        raise StoreError(f"store `{path}`: is a folder; name a file in it")
    try:
        lock = os.fdopen(os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    except OSError as error:
        raise StoreError(f"store `{path}`: `{lock_path}` cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = lock.read(32).strip()
        lock.close()
        who = f"another process ({owner})" if owner.isdigit() else "another process"
        raise StoreOwned(
            f"store `{path}`: {who} owns it", "stop that one, or ask it with `--server URL`"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def connect_writer(path: Path, *, known: bool = False) -> sqlite3.Connection:
    """A connection that writes; a commit returns when it is on the disk.

    known: it is there, and was looked through just now. StoreError for a file that is read-only, Damaged for one that is damaged
    or no database.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            f"store: SQLite {sqlite3.sqlite_version} is too old; Python needs one of 3.38 or newer"
        )
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"store `{path}`: may not be written by this user; change its permissions")
    if not path.exists() and not known:
        # Decisions are nobody else's business.
        path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(
                f"store `{path}`: this file system cannot keep a write-ahead log; use a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        # Where the system's fsync leaves data in the drive's cache (macOS), ask for more.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        # What is removed is written over, or it would stay readable in the file.
        connection.execute("PRAGMA secure_delete = ON")
        (problem,) = ("ok",) if known else connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise Damaged(f"store `{path}`: is damaged ({problem}); restore it from a backup")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _translated(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path, graph: Path | None = None) -> sqlite3.Connection:
    """A connection that only reads, the drawing's file too, and never waits for who writes."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    if graph is not None:
        connection.execute("ATTACH ? AS graph", (str(graph),))
    connection.execute("PRAGMA query_only = ON")
    return connection


def migrate(
    path: Path,
    connection: sqlite3.Connection,
    migrations: list[Migration],
    before: Mapping[str, Callable[[], None]] | None = None,
) -> None:
    """Bring the schema to the newest version, each step whole or not at all.

    before: what has to be done ahead of a step, by its name, outside of its transaction. StoreTooNew for a store written by a newer version; StoreError for a database of something else.
    """
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        known = len(migrations)
        if owner != APPLICATION_ID and (owner or version or tables):
            raise StoreError(f"store `{path}`: is a database of another program; choose another file")
        if version > known:
            raise StoreTooNew(
                f"store `{path}`: the store was written by a newer version (schema {version}), "
                f"this graphsvc knows {known}: upgrade graphsvc"
            )
        for migration in migrations[version:]:
            if before is not None and migration.name in before:
                before[migration.name]()
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement in _statements(migration.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {migration.version}")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except sqlite3.DatabaseError as error:
        raise _translated(path, error) from error


def _statements(sql: str) -> list[str]:
    # `executescript` would commit first; this keeps a migration in one transaction.
    found: list[str] = []
    text = ""
    for line in sql.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found


def _translated(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_NOTADB"):
        return Damaged(f"store `{path}`: is not a database; choose another file or restore a backup")
    if name.startswith("SQLITE_CORRUPT"):
        return Damaged(f"store `{path}`: is damaged; restore it from a backup")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreError(
            f"store `{path}`: cannot be written here; check the permissions of the file and its folder"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"store `{path}`: another program holds it open for writing; stop that program")
    return StoreError(f"store `{path}`: {error}")
