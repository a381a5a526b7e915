"""The history of a store: exported, replayed to the same verdicts, and compared with other packs."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from graphsvc.cli.direct import OPERATOR
from graphsvc.config import load_settings
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller, DecideCommand
from graphsvc.wiring import open_service
from tests.cli.command import POLICY, graphsvc

STORE = "sqlite:///graphsvc.db"
# After anything that the commands, which go by the real clock, have stored.
START_MS = 4_000_000_000_000
NARROW = Caller(subject="pep", roles=frozenset({"pep"}), subjects=("nobody",))
LENIENT = POLICY.replace("on_match: deny", "on_match: monitor")


def asked(number: int, action: str, chain: str, to: str | None = None) -> DecideCommand:
    """A command of the bot; `to` is where a mail goes."""
    properties: dict[str, Json] = {"to": to} if to else {}
    request = AccessRequest(
        id="",
        chain=chain,
        subject=Entity("agent", "bot"),
        action=action,
        action_properties=properties,
        resource=Entity("mailbox", "inbox"),
    )
    return DecideCommand(key=f"k{number}", request=request)


async def live() -> None:
    """A day of a store: leaks stopped, reports, cancels, grants, suspensions, a new version of the pack."""
    clock = itertools.count(START_MS, 1_001)
    async with open_service(load_settings(store=STORE), clock=lambda: next(clock)) as service:
        number = itertools.count()

        async def decide(action: str, chain: str, to: str | None = None, by: Caller = OPERATOR) -> str:
            answer = await service.decide(by, asked(next(number), action, chain, to))
            verdicts.append(answer.decision.verdict)
            return answer.decision.request.id

        verdicts: list[Verdict] = []
        for chain in ("c1", "c2"):
            await service.open_chain(
                OPERATOR, chain, session=None, parent_chain=None, shared_with=["x"], intent={"text": "answer mails"}
            )  # fmt: skip
            await decide("mail:Read", chain)
            read = await decide("crm:Read", chain)
            if chain == "c2":
                await service.cancel(OPERATOR, read)
            else:
                await service.report(OPERATOR, read, "SUCCESS", ["sensitive"], [])
            await decide("mail:Send", chain, "x@evil.example")
        await decide("bank:Pay", "c3")
        granted = await service.grant(
            OPERATOR, identity="bot", actions=["bank:*"], resources=["*"], expires_ms=START_MS + 10**7,
            not_before_ms=None, uses=None, chain=None, purpose="month end",
        )  # fmt: skip
        await decide("bank:Pay", "c3")
        await service.revoke_grant(OPERATOR, granted.grant.id, "done")
        await decide("bank:Pay", "c3")
        await service.suspend(OPERATOR, "bot", "odd", None)
        await decide("mail:Read", "c4")
        await service.reinstate(OPERATOR, "bot")
        await service.publish_policy(OPERATOR, [(LENIENT, "lenient.yaml")], "watch only")
        await decide("mail:Send", "c1", "x@evil.example")
        await service.close_chain(OPERATOR, "c1")
        await decide("mail:Read", "c1")
        await decide("mail:Read", "c5", by=NARROW)
        await service.remove_source(OPERATOR, "hr")
        await decide("mail:Read", "c6")
        assert [str(verdict) for verdict in verdicts] == [
            "PERMIT", "PERMIT", "DENY", "PERMIT", "PERMIT", "PERMIT", "DENY", "PERMIT", "DENY", "DENY", "PERMIT",
            "DENY", "DENY", "DENY",
        ]  # fmt: skip


@pytest.fixture
def lived(filled: Path) -> Path:
    """The folder with a store that has a history, exported as `history.jsonl`."""
    asyncio.run(live())
    assert graphsvc("export", "trace", "-o", "history.jsonl").code == 0
    return filled


def records(file: str = "history.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def test_an_export_replays_to_every_stored_verdict(lived: Path) -> None:
    """Without any further input the trace gives verdict, completions and risk of every decision again."""
    ended = graphsvc("replay", "history.jsonl", "--check")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "13 stored verdicts compared, 0 differ; 1 not given by rules\n"
    plain = graphsvc("replay", "history.jsonl")
    assert (plain.code, plain.err) == (0, "")
    stored = [record for record in records() if record["type"] == "action"]
    judged = [(line["id"], line["verdict"], line["completed"]) for line in plain.lines()]
    assert judged[:12] == [(each["id"], each["enforced"], each["completed"]) for each in stored[:12]]


def test_a_changed_verdict_is_found(lived: Path) -> None:
    """A stored verdict, completion or risk that the replay does not give is shown; exit 1."""
    changed = records()
    first = next(record for record in changed if record["type"] == "action")
    first |= {"verdict": "DENY", "completed": ["leak"], "risk": {"before_micros": 1, "after_micros": 2}}
    Path("changed.jsonl").write_text("".join(json.dumps(record) + "\n" for record in changed))
    ended = graphsvc("replay", "changed.jsonl", "--check", "--format", "json")
    assert ended.code == 1
    assert [(row["id"], row["what"]) for row in ended.json()] == [
        (first["id"], what) for what in ("verdict", "completed", "risk before", "risk after")
    ]
    assert "13 stored verdicts compared, 1 differ" in ended.err
    assert "verdict" in graphsvc("replay", "changed.jsonl", "--check").out


def test_a_trace_without_stored_verdicts_cannot_be_checked(lived: Path) -> None:
    """Nothing compared is no success."""
    plain = {**next(record for record in records() if record["type"] == "action")}
    for name in ("verdict", "enforced", "completed", "reasons", "risk"):
        del plain[name]
    Path("plain.jsonl").write_text(json.dumps(plain) + "\n")
    ended = graphsvc("replay", "plain.jsonl", "--check")
    assert (ended.code, "no action of the trace holds a stored verdict" in ended.error) == (2, True)


def test_given_packs_replace_those_of_the_trace(lived: Path) -> None:
    """With --policy the packs of the trace are left out, each told with its place."""
    Path("lenient.yaml").write_text(LENIENT)
    ended = graphsvc("replay", "history.jsonl", "--policy", "lenient.yaml")
    assert ended.code == 0
    assert [line["verdict"] for line in ended.lines()][:3] == ["PERMIT", "PERMIT", "PERMIT"]
    assert ended.err.startswith("warning: history.jsonl:2: pack: `mail` 1 is left out: the packs of --policy")


def test_a_pack_of_the_trace_that_is_broken_is_refused(lived: Path) -> None:
    """A text that is no policy ends the replay before anything is judged by the rules before it."""
    changed = records()
    pack = next(record for record in changed if record["type"] == "policy")
    pack |= {"text": "graphsvc: 1\npack: {id: mail}\nrules: []\n", "sha256": None}
    Path("changed.jsonl").write_text("".join(json.dumps(record) + "\n" for record in changed))
    ended = graphsvc("replay", "changed.jsonl")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith("policy.yaml:3:1: ")


def test_a_pack_that_the_trace_only_names(folder: Path) -> None:
    """Rules that were in force but are not there are told, unless the same text is given."""
    trace = {"type": "policy", "pack": "mail", "version": "1", "at": "2026-11-23T10:00:00Z"}
    Path("trace.jsonl").write_text(json.dumps(trace) + "\n")
    ended = graphsvc("replay", "trace.jsonl")
    assert "trace.jsonl:1: pack: `mail` 1 took effect here, but the trace holds no text of it" in ended.err
    assert graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml").err == ""
    Path("trace.jsonl").write_text(json.dumps({**trace, "sha256": "ab"}) + "\n")
    assert "took effect here" in graphsvc("replay", "trace.jsonl", "--policy", "policy.yaml").err


def test_a_draft_against_the_packs_in_force(lived: Path) -> None:
    """One line for every action that the draft answers otherwise; the store's own history is the trace."""
    asked = ("replay", "--against", STORE, "--policy", "policy.yaml")
    ended = graphsvc(*asked)
    assert ended.code == 1
    leaks = [each for each in ended.lines() if each["after"]["completed"]]
    assert leaks
    assert leaks[0]["before"] == {"verdict": "PERMIT", "completed": ["leak"]}
    assert leaks[0]["after"] == {"verdict": "DENY", "completed": ["leak"]}
    assert ended.err == "14 actions, 2 differ: 2 PERMIT -> DENY\n"
    assert graphsvc(*asked).out == ended.out
    assert "completed before" in graphsvc(*asked, "--format", "table").out
    assert "before" in graphsvc(*asked, "--format", "json").json()[0]


def test_the_packs_in_force_against_themselves(lived: Path) -> None:
    """Nothing differs, exit 0; a trace of one's own takes the place of the history."""
    Path("lenient.yaml").write_text(LENIENT)
    for trace in ((), ("history.jsonl",)):
        ended = graphsvc("replay", *trace, "--against", STORE, "--policy", "lenient.yaml")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err.endswith("14 actions, 0 differ\n")


def test_packs_that_were_not_given_are_named(lived: Path) -> None:
    """A draft that leaves out a pack in force is compared, and the pack is named."""
    Path("other.yaml").write_text("graphsvc: 1\npack: {id: other}\n")
    ended = graphsvc("replay", "--against", STORE, "--policy", "other.yaml")
    assert f"warning: --policy: `mail` is in force in `{STORE}` but not given" in ended.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "TRACE.jsonl is missing"),
        (("--against", STORE), "--against: name the packs"),
        (("policy.yaml",), "TRACE: `policy.yaml` is a policy file; write `--policy policy.yaml`"),
        (("--against", STORE, "--policy", "policy.yaml", "--check"), "--against and --check exclude"),
        (("t.jsonl", "--check", "--micros"), "--micros goes with plain verdicts"),
        (("--against", "http://127.0.0.1:1", "--policy", "policy.yaml"), "--against: the service at"),
        (("t.jsonl", "--entitlement", "maybe"), "--entitlement: `maybe` is none of"),
    ],
)
def test_options_that_do_not_fit(folder: Path, options: tuple[str, ...], told: str) -> None:
    """What is missing or contradicts is told before anything is read; exit 2."""
    ended = graphsvc("replay", *options)
    assert (ended.code, ended.error.startswith(told)) == (2, True), ended.err


def test_a_store_that_is_not_there(folder: Path) -> None:
    """A live store is never made by comparing with it."""
    ended = graphsvc("replay", "--against", "sqlite:///none.db", "--policy", "policy.yaml")
    assert (ended.code, "does not exist" in ended.error) == (3, True)
    assert not Path("none.db").exists()


def test_the_history_of_one_chain(lived: Path) -> None:
    """--chain leaves out actions, reports, reviews, grants and chains of others; times cut the rest."""
    assert graphsvc("export", "trace", "--chain", "chain:c2", "-o", "one.jsonl").code == 0
    kept = records("one.jsonl")
    chains = {record["chain"] for record in kept if record["type"] in {"action", "open", "close"}}
    assert chains == {"c2"}
    assert [record["type"] for record in kept if "action" in record and record["type"] != "action"] == [
        "cancel"
    ]
    cut = next(record["at"] for record in records() if record["type"] == "close")
    ended = graphsvc("export", "trace", "--from", cut)
    assert [line["type"] for line in ended.lines()] == ["close", "action", "action", "graph", "action"]


def test_a_warning_is_told_once(folder: Path) -> None:
    """A field that nobody knows is told where it occurs first, and counted."""
    line = {"type": "close", "chain": "c", "at": "2026-11-23T10:00:00Z", "colour": "blue"}
    Path("trace.jsonl").write_text((json.dumps(line) + "\n") * 3)
    assert graphsvc("replay", "trace.jsonl").err.splitlines() == [
        "warning: trace.jsonl:1: colour: no field of this type of record; ignored",
        "warning: colour: no field of this type of record; ignored (2 more times)",
    ]
