"""Bad input: one line that names the place and the fix, the right exit code, nothing half stored."""

from __future__ import annotations

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from graphsvc import __version__
from tests.cli.command import POLICY, graphsvc, request
from tests.support.neo4j_server import Neo4jServer


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"chain": "c1"', "ends at byte"),
        ("[]", "holds no JSON object"),
        (json.dumps({**request("a", "b:c"), "subjekt": 1}), "unknown field `subjekt`"),
        (json.dumps({**request("a", "b:c"), "subject": {"type": "agent"}}), "subject"),
        (json.dumps({**request("a", "b:c"), "deadlineMs": "soon"}), "deadlineMs"),
    ],
)
def test_a_malformed_request(filled: Path, text: str, told: str) -> None:
    """A request that is no DecideInput is refused with file and field; nothing is recorded."""
    (filled / "request.json").write_text(text)
    ended = graphsvc("decide", "request.json")
    assert (ended.code, told in ended.error) == (2, True), ended.err
    assert "request.json" in ended.error
    assert '"type":"action"' not in graphsvc("export", "trace").out


def test_a_dump_cut_in_half(folder: Path, real_data: Path) -> None:
    """Half an account dump is told as incomplete; there is not even a store."""
    whole = (real_data / "aws" / "account-small.json").read_bytes()
    (folder / "half.json").write_bytes(whole[: len(whole) // 2])
    ended = graphsvc("import", "aws", "half.json", "--source", "aws")
    assert ended.code == 2
    assert "`half.json` is not complete JSON" in ended.error
    assert not (folder / "graphsvc.db").exists()


def test_a_graph_with_one_bad_line_stores_nothing(filled: Path) -> None:
    """The bad line is named; the good ones before it are not stored."""
    before = graphsvc("export", "jsonl").out
    (filled / "bad.jsonl").write_text(
        '{"node":{"type":"identity","id":"carol"}}\n{"node":{"type":"identity"}}\n'
    )
    ended = graphsvc("import", "jsonl", "bad.jsonl", "--source", "more")
    assert ended.code == 2
    assert "bad.jsonl:2" in ended.error
    assert graphsvc("export", "jsonl").out == before


def test_an_edge_to_nowhere_stores_nothing(filled: Path) -> None:
    """An edge may name nodes of the store, not nodes that nobody knows."""
    edge = '{{"edge":{{"type":"KNOWS","from":"identity:bot","to":"identity:{}"}}}}\n'
    (filled / "good.jsonl").write_text(
        '{"node":{"type":"identity","id":"carol","kind":"human"}}\n' + edge.format("carol")
    )
    assert graphsvc("import", "jsonl", "good.jsonl", "--source", "more").code == 0
    (filled / "bad.jsonl").write_text(edge.format("nobody"))
    ended = graphsvc("import", "jsonl", "bad.jsonl", "--source", "more")
    assert (ended.code, "identity:nobody" in ended.error) == (2, True)


def test_a_missing_file(folder: Path) -> None:
    """A file that is not there is named."""
    ended = graphsvc("replay", "nowhere.jsonl")
    assert (ended.code, "`nowhere.jsonl` does not exist" in ended.error) == (2, True)


def test_an_unknown_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable is an error that names the right one."""
    monkeypatch.setenv("GRAPHSVC_STOER", "memory:")
    ended = graphsvc("doctor")
    assert (ended.code, "did you mean `GRAPHSVC_STORE`" in ended.error) == (2, True)


def test_a_store_of_a_newer_version(filled: Path) -> None:
    """A store with a schema from the future is left alone; exit 3."""
    with sqlite3.connect(filled / "graphsvc.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    ended = graphsvc("policy", "list")
    assert (ended.code, "newer version" in ended.error) == (3, True)


def test_a_file_that_is_no_store(folder: Path) -> None:
    """A file of something else is not touched; exit 3."""
    (folder / "graphsvc.db").write_text("no database, rather a long text" * 100)
    ended = graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr")
    assert ended.code == 3
    assert (folder / "graphsvc.db").read_text().startswith("no database")


def test_a_store_that_is_not_there(folder: Path) -> None:
    """Reading commands make no store."""
    for command in (("export", "jsonl"), ("export", "trace"), ("explain", "x")):
        ended = graphsvc(*command)
        assert (ended.code, "`graphsvc.db` does not exist" in ended.error) == (3, True)
    assert not (folder / "graphsvc.db").exists()


def test_an_unknown_decision(filled: Path) -> None:
    """An id that names nothing is bad input."""
    assert graphsvc("explain", "decision:x").code == 2


def test_a_port_in_use(folder: Path) -> None:
    """The port is named with what to do; no store is made; exit 3."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = graphsvc("serve", "--port", str(port))
    assert ended.code == 3
    assert ended.error == f"port {port} on 127.0.0.1 is in use; choose another with --port"
    assert not (folder / "graphsvc.db").exists()


def test_a_service_that_is_not_there(folder: Path) -> None:
    """`--server` without a service behind it ends with 3."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ended = graphsvc("policy", "list", "--server", url)
    assert (ended.code, "cannot be reached" in ended.error) == (3, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [("postgres://x", "no kind of store"), ("neo4j://u:hunter2@h/d", "GRAPHSVC_NEO4J_PASSWORD")],
)
def test_a_store_url_that_cannot_be(folder: Path, url: str, told: str) -> None:
    """An impossible store URL is bad input, and its password is not repeated."""
    ended = graphsvc("policy", "list", "--store", url)
    assert (ended.code, told in ended.error) == (2, True)
    assert "hunter2" not in ended.err


@pytest.mark.neo4j
def test_a_wrong_neo4j_password(
    folder: Path, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused password is one line that does not repeat it; exit 3."""
    monkeypatch.setenv("GRAPHSVC_NEO4J_PASSWORD", "wrong-password")
    ended = graphsvc("policy", "list", "--store", neo4j_server.store_url)
    assert ended.code == 3
    assert "wrong-password" not in ended.err
    assert ended.error


def test_version_and_help() -> None:
    """`--version` tells the version; every command has help with an example."""
    assert graphsvc("--version").out == f"graphsvc {__version__}\n"
    for command in ("serve", "demo", "tour", "token", "decide", "evaluate", "explain", "replay", "doctor"):
        assert f"graphsvc {command}" in graphsvc(command, "--help").out.partition("Examples:")[2]
    for group, commands in (
        ("import", ("aws", "cloudtrail", "jsonl")),
        ("export", ("jsonl", "trace")),
        ("policy", ("lint", "test", "publish", "list")),
    ):
        for command in commands:
            assert (
                f"graphsvc {group} {command}"
                in graphsvc(group, command, "--help").out.partition("Examples:")[2]
            )


def test_an_empty_graph_says_what_brings_one(folder: Path) -> None:
    """Nothing found is not the same as nothing there."""
    (folder / "rules.yaml").write_text(POLICY)
    assert graphsvc("policy", "publish", "rules.yaml").code == 0
    ended = graphsvc("explore", "combinations")
    assert (ended.code, ended.out) == (0, "no combination found\n")
    assert "`graphsvc import` brings an estate" in ended.err
