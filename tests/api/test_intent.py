"""Control by intent over a real port: declared, kept, narrowed, widened by an approver, inherited by what is spawned."""

import pytest

from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.api.served import Served, request, served
from tests.service.harness import PACK

pytestmark = pytest.mark.anyio
READ_MAIL = {"actions": ["mail:*"], "resources": ["mailbox:*"], "text": "sort the inbox"}


def _codes(decision: object) -> list[str]:
    return [reason.code for reason in decision.reasons]  # type: ignore[attr-defined]  # either client's decision


async def test_an_action_outside_the_intent_is_held_for_a_person() -> None:
    """Inside PERMIT; outside ESCALATE, and an approval lets exactly that action through."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await pep.open_chain("c1", intent=READ_MAIL)
        assert (await pep.decide(request())).verdict is Verdict.PERMIT
        held = await pep.decide(request("crm:Read", "record:1"))
        assert (held.verdict, _codes(held)) == (Verdict.ESCALATE, ["outside_intent"])
        assert "does not name the action `crm:Read`" in held.reasons[0].message
        assert held.review is not None
        await dana.approve_review(held.review.id, "the customer asked")
        again = await pep.decide({**request("crm:Read", "record:1"), "review": held.review.id})
        assert again.verdict is Verdict.PERMIT
        other = await pep.decide({**request("crm:Read", "record:2")})
        assert other.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    ("intent", "told"),
    [
        ({"resources": ["record:2"]}, "does not name the resource `record:1`"),
        ({"effects": ["send"]}, "does not name the effect `read`"),
        ({"actions": []}, "does not name the action `crm:Read`"),
    ],
)
async def test_every_part_counts(intent: dict[str, list[str]], told: str) -> None:
    """Actions, resources and effects each limit; what is not said is free."""
    async with served() as service, service.client() as pep:
        first = await pep.decide({**request("crm:Read", "record:1"), "intent": intent})
        assert first.verdict is Verdict.ESCALATE
        assert told in first.reasons[0].message


async def test_effects_of_an_action_that_nobody_declared_are_unknown() -> None:
    """An intent that limits effects does not let it through."""
    async with served() as service, service.client() as pep:
        answer = await pep.decide({**request("odd:Do", "record:1"), "intent": {"effects": ["read"]}})
        assert "outside_intent" in _codes(answer)


async def test_the_first_request_declares_and_later_ones_cannot() -> None:
    """A later request with a wider intent changes nothing."""
    async with served() as service, service.client() as pep:
        assert (await pep.decide({**request(), "intent": READ_MAIL})).verdict is Verdict.PERMIT
        wider = {**request("crm:Read", "record:1"), "intent": {"actions": ["*"]}}
        assert _codes(await pep.decide(wider)) == ["outside_intent"]


async def test_an_owner_narrows_and_an_approver_widens() -> None:
    """The owner may say it first or say less; more is refused and says what, and changes nothing."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await pep.decide(request())
        await pep.declare_intent("c1", {"actions": ["mail:*", "crm:Read"]})
        assert (await pep.decide(request("crm:Read", "record:1"))).verdict is Verdict.PERMIT
        await pep.declare_intent("c1", {"actions": ["mail:Re*"]})
        assert _codes(await pep.decide(request("crm:Read", "record:1"))) == ["outside_intent"]
        for wide in (
            {"actions": ["mail:*"]},
            {"actions": ["mail:Re?d*", "crm:Read"]},
            {"resources": ["record:1"]},
        ):
            with pytest.raises(NotAllowed, match="widen the declared intent"):
                await pep.declare_intent("c1", wide)
        assert _codes(await pep.decide(request("crm:Read", "record:1"))) == ["outside_intent"]
        await dana.declare_intent("c1", {"actions": ["mail:*", "crm:*"]})
        assert (await pep.decide(request("crm:Read", "record:1"))).verdict is Verdict.PERMIT


async def test_a_spawned_chain_stays_within_what_it_was_spawned_from() -> None:
    """However wide its own intent is; and a later narrowing above counts below at once."""
    async with served() as service, service.client() as pep:
        await pep.open_chain("c1", intent={"actions": ["mail:*"]})
        await pep.decide(request())
        child = {"chain": "c2", "parentChain": "c1", "intent": {"actions": ["*"]}}
        assert (await pep.decide({**request(), **child})).verdict is Verdict.PERMIT
        held = await pep.decide(request("crm:Read", "record:1", chain="c2"))
        assert _codes(held) == ["outside_intent"]
        assert "of chain `c1`, which this one was spawned from" in held.reasons[0].message
        grandchild = {"chain": "c3", "parentChain": "c2"}
        assert _codes(await pep.decide({**request("crm:Read", "record:1"), **grandchild})) == [
            "outside_intent"
        ]
        await pep.declare_intent("c1", {"actions": []})
        assert _codes(await pep.decide(request(chain="c3"))) == ["outside_intent"]


async def test_what_an_intent_must_be() -> None:
    """Each error names the field, and nothing is stored."""
    async with served() as service, service.client() as pep, service.client(subject="gateway-2") as other:
        before = service.harness.service.revision()
        for intent, field in (
            ({"effects": ["teleport"]}, "intent.effects"),
            ({"actions": ["a"] * 101}, "intent.actions"),
            ({"actions": [""]}, "intent.actions"),
            ({"text": "x" * 1_001}, "intent.text"),
        ):
            with pytest.raises(BadInput, match=field):
                await pep.decide({**request(), "intent": intent})
            with pytest.raises(BadInput, match=field):
                await pep.open_chain("c1", intent=intent)
        with pytest.raises(BadInput, match="no chain `c1`"):
            await pep.declare_intent("c1", READ_MAIL)
        assert service.harness.service.revision() == before
        await pep.decide(request())
        with pytest.raises(NotAllowed, match="not yours"):
            await other.declare_intent("c1", READ_MAIL)
        await pep.close_chain("c1")
        with pytest.raises(Conflict, match="is closed"):
            await pep.declare_intent("c1", READ_MAIL)


@pytest.mark.parametrize(("level", "verdict"), [("deny", Verdict.DENY), ("monitor", Verdict.PERMIT)])
async def test_the_level_is_a_setting(level: str, verdict: Verdict) -> None:
    """Packs say what outside means; the strictest wins, ESCALATE when none does."""
    async with served() as service, service.client() as pep, service.client("admin", subject="root") as admin:
        strict = PACK.replace("entitlement: required", f"entitlement: required, outside_intent: {level}")
        await admin.publish_policy(strict)
        answer = await pep.decide({**request(), "intent": {"actions": ["crm:*"]}})
        assert (answer.verdict, _codes(answer)) == (verdict, ["outside_intent"])


async def test_a_restart_remembers(tmp_path: object) -> None:
    """Folding the log again gives the same answer: intents of openings, first requests and declarations."""
    del tmp_path

    async def asked(service: Served) -> list[list[str]]:
        async with service.client() as pep:
            return [
                _codes(await pep.evaluate(request("crm:Read", "record:1", chain=chain)))
                for chain in ("c1", "c2", "c3")
            ]

    async with served() as service:
        async with service.client() as pep:
            await pep.open_chain("c1", intent=READ_MAIL)
            await pep.decide({**request(chain="c2"), "intent": READ_MAIL})
            await pep.decide(request(chain="c3"))
            await pep.declare_intent("c3", READ_MAIL)
        told = await asked(service)
        assert told == [["outside_intent"]] * 3
        world = service.harness.service.world
        from graphsvc.core.snapshot import restore, snapshot

        again = restore(snapshot(world))
        assert again.cells == world.cells
        assert snapshot(again) == snapshot(world)


TEMPLATES = PACK.replace(
    "patterns:",
    "intents:\n  inbox: {actions: ['mail:*'], destinations: ['*@example.com'], lasts: 1h}\npatterns:",
    1,
)


async def test_a_template_is_named_and_drift_is_shown() -> None:
    """A chain lies within its pack's template; the chain tells how many of its actions did not."""
    shown = 'query { chain(id: "c1") { drift { intent actions outside share newest } } }'
    async with served() as service, service.client() as pep, service.client("admin") as admin:
        await admin.publish_policy((TEMPLATES, "test.yaml"))
        with pytest.raises(BadInput, match="no pack has the template `outbox`; there are `inbox`"):
            await pep.decide({**request(), "intent": {"template": "outbox"}})
        assert (await pep.decide({**request(), "intent": {"template": "inbox"}})).verdict is Verdict.PERMIT
        held = await pep.decide(request("crm:Read", "record:1"))
        assert (held.verdict, _codes(held)) == (Verdict.ESCALATE, ["outside_intent"])
        sent = {"name": "mail:Send", "properties": {"to": "ann@example.org"}}
        assert "does not name the destination `ann@example.org`" in str(
            [reason.message for reason in (await pep.decide(request(sent))).reasons]
        )
        await service.drawn()
        found = (await service.post(shown, "analyst"))["data"]["chain"]["drift"]
        assert (found["intent"], found["actions"], found["outside"], found["share"]) == (
            {"template": "inbox"},
            3,
            2,
            0.666667,
        )
        with pytest.raises(BadInput, match=r"intent\.amount"):
            await pep.decide({**request(chain="c7"), "intent": {"amount": {"max": -2}}})
