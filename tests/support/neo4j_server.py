"""One real Neo4j for a test session, and servers of their own for tests that kill or freeze them.

A server that is given wins: GRAPHSVC_TEST_NEO4J_URL (or NEO4J_URL), such as
`bolt://neo4j@127.0.0.1:7687`, with its password in GRAPHSVC_TEST_NEO4J_PASSWORD (or NEO4J_PASSWORD).
Tests empty its database. Otherwise one is assembled and started on a free port.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from neo4j import Driver, GraphDatabase

from scripts.neo4j_home import (
    Neo4jHomeError,
    Neo4jProcess,
    assemble,
    create_home,
    find_toolchain,
    free_port,
)
from tests.support.requirement import skip_or_fail

DATABASE = "neo4j"
_PASSWORD = "only-for-tests"


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """A server that answers.

    url: for drivers, without user and password, such as `bolt://127.0.0.1:41231`.
    process: None for a server that was given; then it cannot be stopped or killed.
    """

    url: str
    user: str
    password: str
    process: Neo4jProcess | None = None
    database: str = DATABASE

    @property
    def store_url(self) -> str:
        """The same as a `--store` URL: with user and database, without the password."""
        scheme, rest = self.url.split("://", 1)
        return f"{scheme}://{self.user}@{rest}/{self.database}"

    @property
    def auth(self) -> tuple[str, str]:
        """User and password, as drivers take them."""
        return (self.user, self.password)

    def driver(self) -> Driver:
        """A new synchronous driver; the caller closes it."""
        # Advice about queries over labels that are not there yet is not for tests.
        return GraphDatabase.driver(self.url, auth=self.auth, notifications_min_severity="OFF")

    def clear(self) -> None:
        """Remove every node, relationship, constraint and index of the database."""
        with self.driver() as driver, driver.session(database=self.database) as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()
            for name in session.run("SHOW CONSTRAINTS YIELD name").value():
                session.run(f"DROP CONSTRAINT `{name}` IF EXISTS").consume()
            for name in session.run(
                "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"
            ).value():
                session.run(f"DROP INDEX `{name}` IF EXISTS").consume()


def given_server() -> Neo4jServer | None:
    """The server that the environment names, if it names one."""
    url = os.environ.get("GRAPHSVC_TEST_NEO4J_URL") or os.environ.get("NEO4J_URL")
    if not url:
        return None
    parts = urlsplit(url)
    password = os.environ.get("GRAPHSVC_TEST_NEO4J_PASSWORD") or os.environ.get("NEO4J_PASSWORD") or ""
    port = parts.port or 7687
    return Neo4jServer(
        url=f"{parts.scheme}://{parts.hostname}:{port}",
        user=parts.username or "neo4j",
        password=parts.password or password,
        database=parts.path.strip("/") or DATABASE,
    )


@contextmanager
def own_server(home: Path) -> Iterator[Neo4jServer]:
    """A running server with its store under `home`; ended afterwards.

    Skips where Java or Maven is absent, fails there if GRAPHSVC_REQUIRE names neo4j.
    """
    try:
        tools = find_toolchain()
        lib = assemble(tools)
    except Neo4jHomeError as error:
        skip_or_fail("neo4j", str(error))
    port = free_port()
    create_home(home, lib=lib, tools=tools, password=_PASSWORD, port=port, page_cache="32m")
    process = Neo4jProcess(home=home, tools=tools, port=port, password=_PASSWORD)
    process.start()
    try:
        yield Neo4jServer(url=process.url, user="neo4j", password=_PASSWORD, process=process)
    finally:
        process.stop()
