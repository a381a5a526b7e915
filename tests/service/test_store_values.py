"""`store_values: referenced`: what is kept of requests, and what that changes for those who ask, approve and draft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graphsvc import packs
from graphsvc.core.cel import compile_condition
from graphsvc.core.graph import Edge, Node
from graphsvc.core.marker import NOT_KEPT, is_unkept
from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.trace import to_trace_records
from graphsvc.core.value import Json
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.command import Answer, Caller, DecideCommand
from graphsvc.decide.values import Values
from graphsvc.errors import BadInput, Conflict
from graphsvc.store.memory import open_memory
from graphsvc.store.sqlite import open_sqlite
from tests.service.harness import ADMIN, GATEWAY, Harness, serving

pytestmark = pytest.mark.anyio

DANA = Caller(subject="dana", roles=frozenset({"approver"}))
PACK = """
graphsvc: 1
pack: {id: values, version: "%s"}
settings: {entitlement: required}
actions:
  "mail:Send": {effects: [send], arguments: {to: destination}}
patterns:
  - id: large
    on_match: escalate
    steps: {pay: {action: "bank:Pay", when: "%s"}}
"""
SECRET = "the-secret-of-nobody"
WHOLE: Any = {"as_of": None, "from_ms": None, "to_ms": None, "limit": 10, "within_s": 30.0}


async def prepare(harness: Harness, when: str = "context.sum > 10", version: str = "1") -> None:
    """The test's estate and a pack that reads one attribute."""
    await harness.prepare()
    await publish(harness, when, version)


async def publish(harness: Harness, when: str, version: str) -> None:
    await harness.service.publish_policy(ADMIN, [(PACK % (version, when), "values.yaml")], "")


def bytes_in(folder: Path) -> bytes:
    """Of every file of a store."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def newest(harness: Harness) -> AccessRequest:
    """The request of the newest decision as it is kept."""
    record = list(harness.service.world.decided.values())[-1]
    assert isinstance(record, Decided)
    return record.request


def codes(answer: Answer) -> set[ReasonCode]:
    return {reason.code for reason in answer.decision.reasons}


async def again(harness: Harness, answer: Answer, *, key: str = "", **context: Json) -> Answer:
    """The payment asked for once more, by its review."""
    request = AccessRequest(
        id="", chain="c1", subject=Entity("agent", "bot"), action="bank:Pay", resource=Entity("account", "1"),
        context=context, review=answer.decision.request.id,
    )  # fmt: skip
    harness.clock.now_ms += 1_000
    return await harness.service.decide(
        GATEWAY, DecideCommand(key=key or f"again-{harness.clock.now_ms}", request=request)
    )


async def test_only_what_is_read_is_in_the_files_and_in_the_export(tmp_path: Path) -> None:
    """A value that no rule reads is nowhere in the file, its log beside it or the export; one that a rule reads is."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        async with serving(store, store_values="referenced") as harness:
            await prepare(harness, "context.read == 'x'")
            await harness.act("bank:Pay", "account:1", context={"read": "seen-by-a-rule", "note": SECRET})
            await harness.act("mail:Send", to="stranger@example.org", body=SECRET)
            request = AccessRequest(
                id="", chain="c1", action="bank:Pay", subject=Entity("agent", "bot", {"badge": SECRET}),
                resource=Entity("account", "1", {"plan": {"deep": [SECRET]}}),
                on_behalf_of=(Entity("human", "alice", {"badge": SECRET}),),
            )  # fmt: skip
            await harness.service.decide(GATEWAY, DecideCommand(key="k", request=request))
            await harness.service.wait_drawn()
            files = bytes_in(tmp_path)
            history = [numbered async for numbered in harness.service._all_records(0)]
            salt = await store.salt()
    finally:
        await store.close()
    files += bytes_in(tmp_path)
    exported = json.dumps(list(to_trace_records(history)))
    for value in ("seen-by-a-rule", "stranger@example.org"):
        assert value.encode() in files
        assert value in exported
    assert SECRET.encode() not in files
    assert SECRET not in exported
    assert NOT_KEPT in exported
    assert salt.hex() not in exported


async def test_everything_is_kept_where_it_is_set_so() -> None:
    """Not by default."""
    async with serving(await open_memory(), store_values="all") as harness:
        await prepare(harness)
        await harness.act("bank:Pay", "account:1", context={"sum": 1, "note": SECRET})
        assert newest(harness).context == {"sum": 1, "note": SECRET}


async def test_equal_values_have_equal_markers_within_a_store_and_no_others() -> None:
    """A number written in two ways is one value; another store has other markers."""
    kept = []
    for _ in range(2):
        async with serving(await open_memory(), store_values="referenced") as harness:
            await prepare(harness)
            context: dict[str, Json] = {
                "a": 1,
                "b": 1.0,
                "c": "1",
                "d": True,
                "e": {"f": [1.0]},
                "g": {"f": [1]},
            }
            await harness.act("bank:Pay", "account:1", context=context)
            kept.append(newest(harness).context)
    first, second = kept
    assert all(map(is_unkept, first.values()))
    assert first["a"] == first["b"]
    assert first["e"] == first["g"]
    assert len({json.dumps(first[name]) for name in "acde"}) == 4
    assert first["a"] != second["a"]


async def test_an_approval_is_for_the_very_values_that_are_not_kept() -> None:
    """With another value nobody reads the request is another one; with the same it is let through, once."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        asked = await harness.act("bank:Pay", "account:1", context={"sum": 11, "note": SECRET})
        assert asked.verdict is Verdict.ESCALATE
        await harness.service.approve_review(DANA, asked.decision.request.id, "fine")
        other = await again(harness, asked, sum=11, note="another")
        assert ReasonCode.review_invalid in codes(other)
        forged = await again(harness, asked, sum=11, note=asked.decision.request.context["note"])
        assert ReasonCode.review_invalid in codes(forged)
        assert (await again(harness, asked, sum=11, note=SECRET)).verdict is Verdict.PERMIT
        assert (await again(harness, asked, sum=11, note=SECRET)).verdict is Verdict.DENY


async def test_an_approval_outlives_a_rule_that_reads_less() -> None:
    """What was kept of the request that was approved is compared, though no rule reads it any more."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness, "context.sum > 10 && context.note != ''")
        asked = await harness.act("bank:Pay", "account:1", context={"sum": 11, "note": "n"})
        await harness.service.approve_review(DANA, asked.decision.request.id, "fine")
        await publish(harness, "context.sum > 10", "2")
        other = await again(harness, asked, sum=11, note="another")
        assert ReasonCode.review_invalid in codes(other)
        assert "another" not in json.dumps(newest(harness).context)
        last = await again(harness, asked, sum=11, note="n")
        assert ReasonCode.review_invalid not in codes(last)


async def test_a_rule_that_reads_more_makes_an_approval_another_one() -> None:
    """Nobody can say that the value is the one that was approved, so it has to be approved again."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        asked = await harness.act("bank:Pay", "account:1", context={"sum": 11, "note": "n"})
        await harness.service.approve_review(DANA, asked.decision.request.id, "fine")
        await publish(harness, "context.sum > 10 && context.note != ''", "2")
        last = await again(harness, asked, sum=11, note="n")
        assert last.verdict is Verdict.DENY
        assert ReasonCode.review_invalid in codes(last)


async def test_a_property_that_is_not_kept_cannot_be_narrowed() -> None:
    """The approver is told why."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness, "true")
        asked = await harness.act("bank:Pay", "account:1", copies=3, amount=5)
        with pytest.raises(BadInput, match="`copies` cannot be narrowed: no rule reads it"):
            await harness.service.approve_review(DANA, asked.decision.request.id, "few", None, {"copies": 1})
        view = await harness.service.approve_review(
            DANA, asked.decision.request.id, "less", None, {"amount": 4}
        )
        assert view.narrowed is not None
        assert view.narrowed["amount"] == 4


async def test_a_property_that_a_pack_wants_shown_is_kept_and_can_be_narrowed() -> None:
    """For whoever has to answer for it, though no rule reads it; no other is."""
    shown = PACK.replace("patterns:", """  "bank:Pay": {effects: [pay], shown: [copies]}\npatterns:""") % (
        "1",
        "true",
    )
    async with serving(await open_memory(), store_values="referenced") as harness:
        await harness.prepare()
        await harness.service.publish_policy(ADMIN, [(shown, "values.yaml")], "")
        asked = await harness.act("bank:Pay", "account:1", copies=3, note=SECRET)
        assert newest(harness).action_properties["copies"] == 3
        assert is_unkept(newest(harness).action_properties["note"])
        view = await harness.service.approve_review(
            DANA, asked.decision.request.id, "one", None, {"copies": 1}
        )
        assert view.narrowed is not None
        assert view.narrowed["copies"] == 1


async def test_a_key_is_for_one_request_whatever_is_kept() -> None:
    """Asked again it is replayed, before and after the setting changes; with another unread value it is refused."""
    store = await open_memory()
    async with serving(store, name="a", store_values="all") as harness:
        await prepare(harness)
        await harness.act("bank:Pay", "account:1", key="old", context={"note": SECRET})
    async with serving(store, name="b", store_values="referenced") as harness:
        assert (await harness.act("bank:Pay", "account:1", key="old", context={"note": SECRET})).replayed
        await harness.act("bank:Pay", "account:1", key="new", context={"note": SECRET})
        await publish(harness, "context.note == 'n'", "2")
        assert (await harness.act("bank:Pay", "account:1", key="new", context={"note": SECRET})).replayed
        for key in ("old", "new"):
            with pytest.raises(Conflict):
                await harness.act("bank:Pay", "account:1", key=key, context={"note": "another"})


async def test_what_conditions_of_permissions_read_is_kept() -> None:
    """In CEL and as AWS writes them, from the moment at which the graph has them."""
    statement = json.dumps({"Condition": {"StringEquals": {"aws:SourceVpc": "${aws:RequestedRegion}"}}})
    conditions: list[tuple[str, dict[str, Json]]] = [
        ("cel", {"condition": "resource.properties.owner == 'x' || context.level > 3"}),
        ("aws", {"native": {"text": statement, "version": "2012-10-17"}}),
    ]
    nodes = [
        Node(
            key=f"permission:{name}",
            fields={"actions": ["*"], "resources": ["*"], "effect": "allow", **fields},
        )
        for name, fields in conditions
    ]
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        context: dict[str, Json] = {"level": 4, "AWS:sourcevpc": "v", "aws:requestedregion": "r", "other": 1}
        await harness.act("crm:Read", "record:1", context=context)
        assert all(map(is_unkept, newest(harness).context.values()))
        edges = [Edge(type="GRANTED", start="identity:bot", end=node.key) for node in nodes]
        await harness.service.load_graph(ADMIN, "more", nodes, edges, replace=True)
        await harness.act("crm:Read", "record:1", context=context)
        assert [name for name, value in newest(harness).context.items() if is_unkept(value)] == ["other"]
        await harness.service.load_graph(ADMIN, "more", [], [], replace=True)
        await harness.act("crm:Read", "record:1", context=context)
        assert all(map(is_unkept, newest(harness).context.values()))


async def test_what_a_pack_on_trial_reads_is_kept() -> None:
    """Else its trial would say nothing."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        text = PACK % ("2", "context.tried == 1")
        await harness.service.desk.shadow(ADMIN, text.replace("id: large", "id: tried"), "t.yaml", 0, "")
        answer = await harness.act("bank:Pay", "account:1", context={"sum": 1, "tried": 1, "note": SECRET})
        assert [each.pattern for each in answer.decision.shadow if each.completes] == ["tried"]
        assert [name for name, value in newest(harness).context.items() if is_unkept(value)] == ["note"]


async def test_values_of_critical_arguments_are_kept_where_provenance_is_judged() -> None:
    """Whether the graph knows a value is asked of those that an argument is named after."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        arguments = (Argument(name="iban", role="target", fact="clean"),)
        request = AccessRequest(
            id="", chain="c1", subject=Entity("agent", "bot"), action="bank:Pay", resource=Entity("account", "1"),
            action_properties={"iban": "x", "other": "y"}, arguments=arguments,
        )  # fmt: skip
        await harness.service.decide(GATEWAY, DecideCommand(key="k1", request=request))
        assert all(map(is_unkept, newest(harness).action_properties.values()))
        text = (Path(packs.__file__).parent / "agent_provenance.yaml").read_text()
        await harness.service.publish_policy(ADMIN, [(text, "agent_provenance.yaml")], "")
        await harness.service.decide(GATEWAY, DecideCommand(key="k2", request=request))
        kept = newest(harness).action_properties
        assert (kept["iban"], is_unkept(kept["other"])) == ("x", True)


async def test_a_draft_that_asks_for_what_is_not_kept_is_undecidable() -> None:
    """Such decisions are counted and the attribute is named; those that have it in full are judged."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        await harness.act("bank:Pay", "account:1", context={"sum": 1, "note": SECRET}, chain="a")
        await harness.act("bank:Pay", "account:1", context={"sum": 7, "note": SECRET}, chain="b")
        draft = [(PACK % ("2", "context.note == 'n'"), "values.yaml")]
        found = await harness.service.desk.replay_diff(draft, **WHOLE)
        assert (found.undecidable, found.differing) == (2, 0)
        assert [(each.name, each.decisions) for each in found.unstored] == [("context.note", 2)]
        draft = [(PACK % ("2", "size(context) > 1"), "values.yaml")]
        assert (await harness.service.desk.replay_diff(draft, **WHOLE)).undecidable == 2
        draft = [(PACK % ("2", "context.sum > 5"), "values.yaml")]
        found = await harness.service.desk.replay_diff(draft, **WHOLE)
        assert (found.undecidable, found.differing) == (0, 1)


async def test_rules_published_later_cannot_tell_what_a_marker_stands_for() -> None:
    """That there was a value is known, and which is not: no key, and a condition on it or on all of them is not answered."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness)
        await harness.act("bank:Pay", "account:1", context={"note": "x"})
        happened = harness.service.world.happened(newest(harness).id)
        assert happened is not None
        event = happened.event
        assert event.value(("context", "note")) is None
        assert event.hides(("context", "note", "deep"))
        assert not event.hides(("context", "other"))
        for text, answer in (
            ("context.note == 'x'", None), ("context.note != 'x'", None), ("context.note.size() == 1", None),
            ("context.note == 'x' || action.name == 'bank:Pay'", True), ("context.note == 'x' && chain == ''", False),
            ("has(context.note)", True), ("has(context.other)", False), ("has(context.note.deep)", None),
            ("has(context.note) && chain.size() > 0", None), ("has(context.other) && chain.size() > 0", False),
            ("'note' in context", None), ("size(context) > 1", None), ("context.all(name, name != 'note')", None),
            ("size(subject.properties) == 0", True),
        ):  # fmt: skip
            assert compile_condition(text).judge(event) is answer, text


LATER = """
graphsvc: 1
pack: {id: later, version: "1"}
patterns:
  - id: twice
    on_match: %s
    steps:
      read: {action: "crm:Read", %s, then: pay}
      pay: {action: "bank:Pay"%s}
"""
BY_KEY = "key: {t: context.ticket}", ", key: {t: context.ticket}"


@pytest.mark.parametrize(
    ("asks", "code"),
    [(BY_KEY, ReasonCode.key_missing), (('when: "has(context.ticket)"', ""), ReasonCode.pattern_completed)],
)
async def test_rules_published_later_fail_closed_for_what_was_not_kept(
    asks: tuple[str, str], code: ReasonCode, tmp_path: Path
) -> None:
    """What may have been the first half counts as it, live, evaluated, as of then, and for whoever starts later."""
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        async with serving(store, name="a", store_values="referenced") as harness:
            await prepare(harness, "false")
            first = await harness.act("crm:Read", "record:1", context={"ticket": "T1"})
            assert first.verdict is Verdict.PERMIT
            other = await harness.act("crm:Read", "record:1", chain="c2", context={"note": "no ticket"})
            assert other.verdict is Verdict.PERMIT
            await harness.service.publish_policy(ADMIN, [(LATER % ("deny", *asks), "later.yaml")], "")
            ask: dict[str, Any] = {"context": {"ticket": "T1"}}
            answer = await harness.act("bank:Pay", "account:1", **ask)
            assert (answer.verdict, codes(answer)) == (Verdict.DENY, {code})
            if code is ReasonCode.key_missing:
                (reason,) = answer.decision.reasons
                assert reason.message == (
                    "an earlier action fits a step of `twice`, but its key was not kept, for no rule read it then"
                )
            # Where nothing was sent there is nothing to fear.
            assert (await harness.act("bank:Pay", "account:1", chain="c2", **ask)).verdict is Verdict.PERMIT
            request = replace(answer.decision.request, id="")
            judged = await harness.service.hindsight.evaluate(
                ADMIN, request, harness.service.world.seq_of(answer.decision.request.id) - 1, ""
            )
            assert [each.code for each in judged.reasons] == [code]
            # From now on it is read, so it is kept, and judged for what it is.
            await harness.act("crm:Read", "record:1", chain="c3", context={"ticket": "T1"})
            assert newest(harness).context == {"ticket": "T1"}
            expected = Verdict.PERMIT if code is ReasonCode.key_missing else Verdict.DENY
            last = await harness.act("bank:Pay", "account:1", chain="c3", context={"ticket": "T2"})
            assert last.verdict is expected
        async with serving(store, name="b", store_values="referenced") as harness:
            assert codes(await harness.act("bank:Pay", "account:1", **ask)) == {code}
    finally:
        await store.close()


async def test_a_person_may_go_past_a_key_that_was_not_kept() -> None:
    """As past anything that only escalates."""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness, "false")
        await harness.act("crm:Read", "record:1", context={"ticket": "T1"})
        await harness.service.publish_policy(ADMIN, [(LATER % ("escalate", *BY_KEY), "later.yaml")], "")
        asked = await harness.act("bank:Pay", "account:1", context={"ticket": "T1"})
        assert (asked.verdict, codes(asked)) == (Verdict.ESCALATE, {ReasonCode.key_missing})
        await harness.service.approve_review(DANA, asked.decision.request.id, "the tickets differ")
        assert (await again(harness, asked, ticket="T1")).verdict is Verdict.PERMIT


@pytest.mark.parametrize(("before", "verdict"), [(1, Verdict.PERMIT), (2, Verdict.DENY)])
async def test_a_count_published_later_counts_what_it_cannot_place(before: int, verdict: Verdict) -> None:
    """Under every key, so that a limit by key is never passed unseen; and not more than once."""
    text = """
graphsvc: 1
pack: {id: later, version: "1"}
patterns:
  - id: often
    on_match: deny
    within: 1h
    count: {step: {action: "bank:Pay", key: {t: context.ticket}}, more_than: 2}
"""
    async with serving(await open_memory(), store_values="referenced") as harness:
        await prepare(harness, "false")
        for number in range(before):
            await harness.act("bank:Pay", "account:1", context={"ticket": f"T{number}"})
        await harness.service.publish_policy(ADMIN, [(text, "later.yaml")], "")
        last = await harness.act("bank:Pay", "account:1", context={"ticket": "T9"})
        assert last.verdict is verdict
        assert codes(last) == ({ReasonCode.key_missing} if verdict is Verdict.DENY else set())
        harness.clock.now_ms += 3_601_000
        assert (
            await harness.act("bank:Pay", "account:1", context={"ticket": "T9"})
        ).verdict is Verdict.PERMIT


def test_the_key_of_a_request_that_is_kept_whole_holds_under_another_salt() -> None:
    """As in a store that was restored; where something is not kept nobody can say that it is the same request."""
    one, other = Values(b"1" * 32), Values(b"2" * 32)
    subject, resource = Entity("agent", "bot"), Entity("account", "1")
    whole = AccessRequest(
        id="", chain="c", subject=subject, action="bank:Pay", resource=resource, context={"sum": 1}
    )
    partly = replace(whole, context={"sum": {NOT_KEPT: "0" * 32}})
    assert other.is_same(one.digest("ab", whole), "ab")
    assert one.is_same(one.digest("ab", partly), "ab")
    assert not other.is_same(one.digest("ab", partly), "ab")
