"""AuthZEN evaluations: defaults, order, semantics, and what becomes of a bad item."""

from typing import Any

import pytest

from tests.api.authzen_fixture import (
    ADMIN_BOB,
    ALICE,
    ARCHIVED,
    BOB,
    RECORD_1,
    RECORD_2,
    Door,
    asking,
    scenario,
)

pytestmark = pytest.mark.anyio
_YES, _NO = {"decision": True}, {"decision": False}
_READ, _WRITE = {"action": {"name": "read"}}, {"action": {"name": "write"}}


async def _batch(door: Door, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await door.post("evaluations", body)
    assert answer.status == 200, answer.body
    assert list(answer.body) == ["evaluations"]
    found: list[dict[str, Any]] = answer.body["evaluations"]
    return found


async def test_answers_keep_the_order_and_are_bare() -> None:
    """Defaults fill what an item leaves out; every well-formed item is answered by exactly a decision."""
    cases: list[tuple[dict[str, Any], list[Any]]] = [
        ({"subject": BOB, "resource": RECORD_1, "evaluations": [_READ, _WRITE, _READ]}, [_YES, _NO, _YES]),
        ({"evaluations": [asking(ALICE), asking(BOB, "write"), asking(BOB)]}, [_YES, _NO, _YES]),
        (
            {"subject": ALICE, **_WRITE, "evaluations": [{"resource": RECORD_1}, {"resource": ARCHIVED}]},
            [_YES, _NO],
        ),
        (
            {**_WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN_BOB}]},
            [_NO, _YES],
        ),
        (
            {
                "subject": ALICE, **_READ, "context": {"time": "2025-06-27T18:03-07:00"},
                "evaluations": [{"resource": RECORD_1}, {"resource": RECORD_2, "context": {"source": "own"}}],
            },
            [_YES, _YES],
        ),
    ]  # fmt: skip
    async with scenario() as door:
        for body, expected in cases:
            assert await _batch(door, body) == expected, body


async def test_defaults_are_replaced_as_a_whole() -> None:
    """An item's own entity takes nothing from the default but what names it: no property, no context member."""
    admin = {"type": "user", "id": "alice", "properties": {"role": "admin"}}
    async with scenario() as door:
        body = {"subject": admin, **_WRITE, "resource": ARCHIVED}
        kept, replaced = await _batch(door, {**body, "evaluations": [{}, {"subject": ALICE}]})
        assert (kept, replaced) == (_YES, _NO)
        # The explanation is asked for in the default context; an item with its own context does not inherit it.
        explain = {"graphsvc": {"explain": True}}
        told, bare = await _batch(
            door, {**asking(), "context": explain, "evaluations": [{}, {"context": {"source": "own"}}]}
        )
        assert told["context"]["graphsvc"]["verdict"] == "PERMIT"
        assert bare == _YES
        # The scenario's test 3.2.7: the type of a resource may stand at the top.
        items = [{"resource": {"id": "record-1"}}, {"resource": RECORD_2}]
        typed = {"subject": ALICE, **_READ, "resource": {"type": "record"}, "evaluations": items}
        assert await _batch(door, typed) == [_YES, _YES]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [_YES, _NO, _YES, _NO]),
        ("execute_all", [_YES, _NO, _YES, _NO]),
        ("deny_on_first_deny", [_YES, _NO]),
        ("permit_on_first_permit", [_YES]),
    ],
)
async def test_the_semantic_says_where_to_stop(semantic: str | None, expected: list[Any]) -> None:
    """The array ends with the answer that ended the evaluation."""
    body: dict[str, Any] = {
        "subject": BOB, "resource": RECORD_1, "evaluations": [_READ, _WRITE, _READ, _WRITE],
    }  # fmt: skip
    if semantic is not None:
        body["options"] = {"evaluations_semantic": semantic, "another": 1}
    async with scenario() as door:
        assert await _batch(door, body) == expected
        # An item that is malformed stops what stops at a denial, and never what waits for a permit.
        body["evaluations"] = [{"action": 1}, _READ]
        assert len(await _batch(door, body)) == (1 if semantic == "deny_on_first_deny" else 2)


async def test_a_bad_item_is_false_and_says_why() -> None:
    """A valid batch is 200 whatever its items: one that lacks something is false, with the status it would have had."""
    async with scenario() as door:
        items: list[Any] = [
            {"resource": RECORD_1}, {}, {"resource": {"id": "x"}}, {"resource": 5}, "x", None,
            {"resource": RECORD_1, "context": {"graphsvc": {"chain": 3}}}, {"resource": RECORD_2},
        ]  # fmt: skip
        answers = await _batch(door, {"subject": ALICE, **_READ, "evaluations": items})
        assert [answer["decision"] for answer in answers] == [True, *[False] * 6, True]
        for answer in answers[1:-1]:
            assert answer["context"]["error"]["status"] == 400
            assert answer["context"]["error"]["message"]
        assert "resource" in answers[1]["context"]["error"]["message"]


async def test_without_evaluations_it_is_a_single_one() -> None:
    """Missing, null or empty: the answer, or the 400, of the single endpoint."""
    async with scenario() as door:
        none: list[dict[str, Any]] = [{}, {"evaluations": []}, {"evaluations": None}]
        for more in none:
            answer = await door.post("evaluations", {**asking(BOB, "write"), **more})
            assert (answer.status, answer.body) == (200, _NO)
            lacking = await door.post("evaluations", {"subject": ALICE, **_READ, **more})
            assert (lacking.status, lacking.body["error"]["field"]) == (400, "resource")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"options": {"evaluations_semantic": "first_come"}}, "options.evaluations_semantic"),
        ({"options": {"evaluations_semantic": 3}}, "options.evaluations_semantic"),
        ({"options": "execute_all"}, "options"),
        ({"evaluations": {}}, "evaluations"),
        ({"evaluations": [{}] * 201}, "evaluations"),
    ],
)
async def test_what_is_wrong_with_the_whole_is_400(more: dict[str, Any], field: str) -> None:
    """An unknown semantic, evaluations that are no list, or too many of them."""
    async with scenario() as door:
        answer = await door.post("evaluations", {**asking(), "evaluations": [{}], **more})
        assert (answer.status, answer.body["error"]["field"]) == (400, field)


async def test_items_do_not_see_each_other() -> None:
    """A batch is no history: however its items are ordered, each is judged as if it were alone."""
    bot = {"type": "agent", "id": "bot"}
    steps = [
        {"action": {"name": "mail:Read"}, "resource": {"type": "mailbox", "id": "alice"}},
        {"action": {"name": "crm:Read"}, "resource": {"type": "record", "id": "42"}},
        {
            "action": {"name": "mail:Send", "properties": {"to": "eve@example.org"}},
            "resource": {"type": "mailbox", "id": "alice"},
        },
    ]
    async with scenario() as door:
        await door.service.harness.prepare()
        body = {"subject": bot, "context": {"graphsvc": {"chain": "c1"}}}
        for items in (steps, steps[::-1]):
            assert await _batch(door, {**body, "evaluations": items}) == [_YES, _YES, _YES]
