"""The same questions asked of a store and of the service that owns it have the same answers."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ended, graphsvc, request
from tests.cli.test_serve_command import served, token
from tests.support.requirement import real_data_folder

USER = "arn:aws:iam::200611803367:user/privesc15-PassExistingRoleToNewLambdaThenInvoke-user"
COMBINATIONS = """query($i: ID) { combinations(identity: $i, minSeverity: "low") { complete truncated revision packs { pack version }
  combinations { identity pattern title severity certainty gives values
    permissions { right on permission via { type from to } conditions } } } }"""
PATHS = """{ paths(from: "%s", to: "admin") { truncated revision paths { from to
  hops { from to how pattern rights conditions certainty } } } }"""
BLAST = '{ blastRadius(from: "%s") { truncated total reached { node kind tier hops how certainty } } }'

NARROW = """{ chokePoints(to: "admin", limit: 5) { sources truncated chokePoints { node from to how cutsOff suchAs } }
  cut(to: "admin", from: "%s") { proven lowerBound sources uncut { to } edges { type from to ways } } }"""


def _asked(url: str, role: str, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token(role)}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/graphql", body, headers), timeout=120) as read:
        return json.loads(read.read())


def test_a_real_account_is_explored_over_the_api_as_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Combinations, paths, blast radius and what-if: by `--server` and by GraphQL, against `--store`."""
    monkeypatch.chdir(tmp_path)
    account = real_data_folder() / "aws"
    managed = str(account / "managed-policies.jsonl.gz")
    graphsvc(
        "import", "aws", account / "account-large.json", "--source", "aws", "--managed-policies", managed
    )
    edge = f"identity:{USER} -MEMBER_OF-> group:nobody"
    commands = (
        ("explore", "combinations"),
        ("explore", "paths", "--from", USER, "--to", "admin"),
        ("explore", "blast-radius", "--from", USER),
        ("explore", "what-if", "--add", edge),
        ("explore", "choke-points", "--to", "admin", "--limit", "5"),
        ("explore", "cut", "--to", "admin", "--from", USER),
        ("export", "jsonl"),
    )
    form = ("--format", "json")
    there = [graphsvc(*each, *(form if each[0] == "explore" else ())) for each in commands]
    with served() as (url, _):
        options = ("--server", url, "--token", token("analyst"))
        over = [graphsvc(*each, *(form if each[0] == "explore" else ()), *options) for each in commands]
        assert [(each.code, each.out) for each in over] == [(each.code, each.out) for each in there]
        found = there[0].json()
        answer = _asked(url, "analyst", COMBINATIONS)["data"]["combinations"]
        assert [_as_printed(each) for each in answer["combinations"]] == found["combinations"]
        assert {each["pack"]: each["version"] for each in answer["packs"]} == found["packs"]
        assert (
            (answer["complete"], answer["truncated"])
            == (found["complete"], found["truncated"])
            == (True, False)
        )
        assert answer["revision"] == found["revision"]
        paths = _asked(url, "analyst", PATHS % USER)["data"]["paths"]["paths"]
        for path in paths:
            for hop in path["hops"]:
                if hop["pattern"] is None:
                    del hop["pattern"]
        assert paths == there[1].json()["paths"] != []
        blast = _asked(url, "analyst", BLAST % USER)["data"]["blastRadius"]
        assert blast["reached"] == there[2].json()["reached"]
        assert blast["total"] == len(blast["reached"])
        narrow = _asked(url, "analyst", NARROW % USER)["data"]
        assert narrow["chokePoints"]["sources"] == there[4].json()["sources"] == 59
        assert [each["cutsOff"] for each in narrow["chokePoints"]["chokePoints"]] == [
            each["cuts_off"] for each in there[4].json()["choke_points"]
        ]
        assert narrow["cut"]["edges"] == there[5].json()["cut"] != []
        assert (narrow["cut"]["proven"], narrow["cut"]["lowerBound"]) == (True, len(narrow["cut"]["edges"]))
        one = _asked(url, "analyst", COMBINATIONS, i=USER.replace("privesc15", "privesc51"))
        assert "did you mean" in one["errors"][0]["message"]
        refused = _asked(url, "pep", "{ combinations { truncated } }")
        assert refused["errors"][0]["extensions"]["code"] == "not_allowed"


def test_a_history_is_exported_over_the_api(filled: Path) -> None:
    """The trace by `--server` is the trace of the store, and replays to the same verdicts."""
    with served() as (url, _):
        options = ("--server", url, "--token", token("pep", "analyst", "auditor"))
        asked = (
            request("mail:Read", "mailbox:inbox"),
            request("crm:Read", "record:r1"),
            request("mail:Send", "mailbox:inbox", to="x@evil.example"),
        )
        for each in asked:
            (filled / "request.json").write_text(json.dumps(each))
            last = graphsvc("decide", "request.json", "--format", "json", *options)
        decision = last.json()["id"]
        trace: Ended = graphsvc("export", "trace", "-o", "over.jsonl", *options)
        assert trace.code == 0, trace.err
        told = graphsvc("explain", decision, "--counterfactual", "--format", "json", *options)
        assert told.code == 0, told.err
        source = graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr", "--dry-run", *options)
        assert source.code == 0, source.err
    graphsvc("export", "trace", "-o", "there.jsonl")
    assert (filled / "over.jsonl").read_bytes() == (filled / "there.jsonl").read_bytes()
    assert graphsvc("replay", "over.jsonl", "--check").code == 0
    again = graphsvc("explain", decision, "--counterfactual", "--format", "json")
    # The service tells more of a decision that it made; what both tell is the same.
    assert again.json() == {name: value for name, value in told.json().items() if name in again.json()}


def test_the_graph_in_pages(filled: Path) -> None:
    """Every fact once, by pages of two; a cursor of an older graph is refused, for pages would not fit."""
    query = "query($after: String) { graphRecords(first: 2, after: $after) { records endCursor revision } }"
    with served() as (url, _):
        seen: list[Any] = []
        after = first = None
        while True:
            page = _asked(url, "analyst", query, after=after)["data"]["graphRecords"]
            seen += page["records"]
            first = first or page["endCursor"]
            after = page["endCursor"]
            if after is None:
                break
        lines = [json.loads(line) for line in (filled / "estate.jsonl").read_text().splitlines()]
        assert sorted(map(_key, seen)) == sorted(map(_key, lines))
        (filled / "more.jsonl").write_text('{"node":{"type":"identity","id":"carol","kind":"human"}}\n')
        options = ("--server", url, "--token", token("admin"))
        assert graphsvc("import", "jsonl", "more.jsonl", "--source", "more", *options).code == 0
        refused = _asked(url, "analyst", query, after=first)
        assert refused["errors"][0]["extensions"] == {"code": "invalid_request", "field": "after"}


def _key(record: dict[str, Any]) -> str:
    fact = record.get("node") or record["edge"]
    return f"{fact['type']} {fact.get('id')} {fact.get('from')} {fact.get('to')}"


def _as_printed(combination: dict[str, Any]) -> dict[str, Any]:
    gives, values = combination.pop("gives"), combination.pop("values")
    combination["identity"] = combination["identity"].removeprefix("identity:")
    return combination if gives is None else {**combination, "gives": {gives: values or True}}
