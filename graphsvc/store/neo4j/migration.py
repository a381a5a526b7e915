"""The schema of the Neo4j store: numbered files, applied once, in order, by one process at a time.

Schema and data cannot share a transaction in Neo4j, so a file holds one kind. A schema file is safe to
run again (every statement says IF NOT EXISTS) and is recorded once its constraints were seen to exist;
a data file is recorded in its own transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass

from neo4j import Query
from neo4j.exceptions import ClientError, TransientError

from graphsvc import cypher_root
from graphsvc.errors import StoreError, StoreTooNew
from graphsvc.store.neo4j.connection import Connection
from graphsvc.store.neo4j.failure import writing
from graphsvc.store.neo4j.query import named

__all__ = ["Element", "Migration", "known_migrations", "migrate", "verify"]

_FILE = re.compile(r"V(\d{3})__(\w+)\.cypher")
_CONSTRAINT = re.compile(r"CREATE CONSTRAINT (\w+) IF NOT EXISTS FOR \(n:(\w+)\) REQUIRE n\.(\w+) IS UNIQUE")
_INDEX = re.compile(r"CREATE INDEX (\w+) IF NOT EXISTS FOR \(n:(\w+)\) ON \(([\w., ]+)\)")
_BOOTSTRAP = (
    "CREATE CONSTRAINT migration_version IF NOT EXISTS FOR (n:Migration) REQUIRE n.version IS UNIQUE",
    "CREATE CONSTRAINT migration_lock_id IF NOT EXISTS FOR (n:MigrationLock) REQUIRE n.id IS UNIQUE",
)
_SCHEMA_TIMEOUT_S = 120.0
_LOCK_TRIES = 12  # of the server's lock timeout each


@dataclass(frozen=True, slots=True, order=True)
class Element:
    """A constraint or index that must be there. kind: UNIQUENESS or RANGE."""

    name: str
    kind: str
    label: str
    properties: tuple[str, ...]
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered change."""

    version: int
    name: str
    checksum: str
    statements: tuple[str, ...]

    @property
    def elements(self) -> tuple[Element, ...]:
        """What a schema file creates; empty for a data file."""
        return tuple(_element(statement) for statement in self.statements if _is_schema(statement))


def known_migrations() -> list[Migration]:
    """The migrations that this version ships, in order."""
    found = []
    for file in (cypher_root() / "migrations").iterdir():
        if match := _FILE.fullmatch(file.name):
            source = file.read_text(encoding="utf-8")
            lines = [line for line in source.splitlines() if not line.lstrip().startswith("//")]
            statements = tuple(" ".join(part.split()) for part in "\n".join(lines).split(";") if part.strip())
            kinds = {_is_schema(statement) for statement in statements}
            assert len(kinds) == 1, f"{file.name} mixes schema and data"
            checksum = hashlib.sha256("\n".join(source.splitlines()).encode()).hexdigest()
            found.append(Migration(int(match[1]), match[2], checksum, statements))
    found.sort(key=lambda migration: migration.version)
    assert [migration.version for migration in found] == list(range(1, len(found) + 1))
    return found


async def migrate(connection: Connection) -> None:
    """Apply what is missing, then verify the whole schema.

    StoreTooNew for a store that a newer version migrated; StoreError for a migration that was changed
    after it was applied and for a constraint that is missing or belongs to something else.
    """
    migrations = known_migrations()
    if len(await _applied(connection, migrations)) < len(migrations):
        for statement in _BOOTSTRAP:
            await _run_schema(connection, statement)
        await _locked_migrate(connection, migrations)
    await verify(connection, [_element(statement) for statement in _BOOTSTRAP])
    await verify(connection, [element for migration in migrations for element in migration.elements])


async def _applied(connection: Connection, migrations: list[Migration]) -> set[int]:
    rows = await connection.rows("migration/applied", leader=True)
    where, known = f"store `{connection.address.url}`", len(migrations)
    newest = max((row["version"] for row in rows), default=0)
    if newest > known:
        raise StoreTooNew(
            f"{where}: the store was written by a newer version (schema {newest}), "
            f"this graphsvc knows {known}: upgrade graphsvc"
        )
    for row in rows:
        if migrations[row["version"] - 1].checksum != row["checksum"]:
            raise StoreError(
                f"{where}: migration `V{row['version']:03}__{row['name']}` was changed after it was applied; "
                "use the files of the release"
            )
    return {row["version"] for row in rows}


async def _locked_migrate(connection: Connection, migrations: list[Migration]) -> None:
    for attempt in range(_LOCK_TRIES):
        try:
            with writing(connection.address):
                # The lock ends with the transaction, so also when this process is killed.
                async with (
                    connection.session() as session,
                    await session.begin_transaction(timeout=_SCHEMA_TIMEOUT_S * 5) as lock,
                ):
                    await (await lock.run(named("migration/lock").text)).consume()
                    applied = await _applied(connection, migrations)
                    for migration in migrations:
                        if migration.version not in applied:
                            await _apply(connection, migration)
                    await lock.commit()
            return
        except StoreError as error:
            cause = error.__cause__
            is_locked = isinstance(cause, TransientError | ClientError) and "ock" in (cause.code or "")
            if not is_locked or attempt == _LOCK_TRIES - 1:
                raise


async def _apply(connection: Connection, migration: Migration) -> None:
    if migration.elements:
        for statement in migration.statements:
            await _run_schema(connection, statement)
        with writing(connection.address):
            async with connection.session() as session:
                await (await session.run("CALL db.awaitIndexes(60)")).consume()
        await verify(connection, list(migration.elements))
    record = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
    with writing(connection.address):
        async with connection.session() as session, await session.begin_transaction() as transaction:
            if not migration.elements:
                for statement in migration.statements:
                    await (await transaction.run(statement)).consume()
            await (await transaction.run(named("migration/record").text, record)).consume()
            await transaction.commit()


async def _run_schema(connection: Connection, statement: str) -> None:
    """Run one schema statement; it says IF NOT EXISTS, so running it again is safe.

    Creating a constraint while another replica does the same ends one of them as a deadlock.
    """
    query = Query(statement, timeout=_SCHEMA_TIMEOUT_S)
    for attempt in range(1, _LOCK_TRIES + 1):
        try:
            with writing(connection.address):
                async with asyncio.timeout(_SCHEMA_TIMEOUT_S), connection.session() as session:
                    await (await session.run(query)).consume()
            return
        except StoreError as error:
            if not isinstance(error.__cause__, TransientError) or attempt == _LOCK_TRIES:
                raise
        # Each its own pause, or the two would meet again.
        await asyncio.sleep(secrets.randbelow(100) * attempt / 1_000)


async def verify(connection: Connection, expected: list[Element]) -> None:
    """StoreError naming the first constraint or index that is missing, other than expected, or not usable.

    A name that something else owns makes CREATE ... IF NOT EXISTS do nothing, silently.
    """
    constraints = await connection.rows_of(
        Query("SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties"), leader=True
    )
    indexes = await connection.rows_of(
        Query("SHOW INDEXES YIELD name, type, state, entityType, labelsOrTypes, properties"), leader=True
    )
    there = {
        row["name"]: Element(
            row["name"], row["type"], "|".join(row["labelsOrTypes"] or ()), tuple(row["properties"] or ())
        )
        for row in [*indexes, *constraints]
    }
    offline = {row["name"] for row in indexes if row["state"] != "ONLINE"}
    where = f"store `{connection.address.url}`"
    for element in expected:
        found = there.get(element.name)
        if found is None:
            raise StoreError(f"{where}: `{element.name}` is missing; create it again: {element.statement}")
        is_same = (found.kind, found.label, found.properties) == (
            element.kind,
            element.label,
            element.properties,
        )
        if not is_same:
            raise StoreError(
                f"{where}: the name `{element.name}` belongs to another constraint or index "
                f"({found.kind} on {found.label}); drop that one and start again"
            )
        if element.name in offline:
            raise StoreError(f"{where}: the index `{element.name}` is not online; wait for it or rebuild it")


def _is_schema(statement: str) -> bool:
    return statement.startswith(("CREATE CONSTRAINT", "CREATE INDEX", "DROP CONSTRAINT", "DROP INDEX"))


def _element(statement: str) -> Element:
    if match := _CONSTRAINT.fullmatch(statement):
        return Element(match[1], "UNIQUENESS", match[2], (match[3],), statement)
    match = _INDEX.fullmatch(statement)
    assert match is not None, statement
    properties = tuple(part.strip().removeprefix("n.") for part in match[3].split(","))
    return Element(match[1], "RANGE", match[2], properties, statement)
