"""The local Neo4j starts, answers, survives a crash, and says plainly what is wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scripts.neo4j_home import (
    Neo4jHomeError,
    Neo4jProcess,
    Toolchain,
    find_toolchain,
    free_port,
    is_port_taken,
    toolchain,
)
from scripts.neo4j_home.__main__ import main
from tests.support.neo4j_server import Neo4jServer

TOOLS = Toolchain(java_home=Path("/nowhere"), java_major=17, mvn=None)


def test_a_free_port_is_not_taken() -> None:
    """A port that was just found free can be told from one that is listened on."""
    port = free_port()
    assert not is_port_taken(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_port_taken(port)


def test_a_taken_port_is_refused_before_java_starts(tmp_path: Path) -> None:
    """Starting on a port in use fails at once with one line that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = Neo4jProcess(home=tmp_path, tools=TOOLS, port=port, password="irrelevant")
        with pytest.raises(Neo4jHomeError, match=f"port {port} of 127.0.0.1 is taken"):
            server.start()


def test_the_command_line_says_in_one_line_that_the_port_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`make neo4j` on a taken port ends with exit code 2 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert main(["--port", str(listener.getsockname()[1])]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: port ")
    assert told.err.count("\n") == 1


def test_a_missing_java_is_named_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a fit Java the error names what was found and what to install."""
    monkeypatch.setattr(toolchain, "_installed_javas", lambda: iter([(Path("/jdk"), 11)]))
    with pytest.raises(Neo4jHomeError, match=r"needs Java 17 or 21, found only Java 11; .*openjdk-17"):
        find_toolchain(cache=tmp_path)


def test_java_17_is_preferred_over_newer_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of several Javas the one that the long-term release is made for is taken."""
    javas = [(Path("/jdk25"), 25), (Path("/jdk21"), 21), (Path("/jdk17"), 17)]
    monkeypatch.setattr(toolchain, "_installed_javas", lambda: iter(javas))
    monkeypatch.setattr(toolchain, "is_assembled", lambda cache, version: True)
    assert find_toolchain(cache=tmp_path).java_home == Path("/jdk17")


def test_a_missing_maven_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Maven and without fetched jars the error says what to install."""
    monkeypatch.setattr(toolchain, "_installed_javas", lambda: iter([(Path("/jdk17"), 17)]))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Neo4jHomeError, match="install Maven"):
        find_toolchain(cache=tmp_path)


@pytest.mark.neo4j
def test_the_server_of_the_session_is_neo4j_community(empty_neo4j: Neo4jServer) -> None:
    """What the tests talk to is a real Neo4j, and an emptied one holds nothing."""
    with empty_neo4j.driver() as driver, driver.session(database=empty_neo4j.database) as session:
        row = session.run("CALL dbms.components() YIELD versions, edition").single(strict=True)
        count = session.run("MATCH (n) RETURN count(n) AS n").single(strict=True)["n"]
    assert row["edition"] in {"community", "enterprise"}
    assert count == 0


@pytest.mark.neo4j
@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(own_neo4j: Neo4jServer) -> None:
    """A node written before SIGKILL is there after the next start, and a stop ends with code 0."""
    process = own_neo4j.process
    assert process is not None
    with own_neo4j.driver() as driver, driver.session(database="neo4j") as session:
        session.run("CREATE (:Kept {id: 1})").consume()
    process.kill()
    assert process.pid is None
    process.start()
    with own_neo4j.driver() as driver, driver.session(database="neo4j") as session:
        assert session.run("MATCH (k:Kept) RETURN count(k) AS n").single(strict=True)["n"] == 1
    process.pause()
    process.resume()
    assert process.stop() == 0
