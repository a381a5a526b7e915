"""The life of rules over the client: trials, drafts, emergencies, and reviews that several people answer."""

from __future__ import annotations

import pytest

from graphsvc.errors import Conflict, NotAllowed
from tests.api.served import request, served

pytestmark = pytest.mark.anyio
PACK = """
graphsvc: 1
pack: {id: client, version: "%s"}
settings: {entitlement: "off"}
patterns:
  - {id: pay, on_match: escalate, steps: {a: {action: "bank:Pay"}}}
reviews: [{action: "bank:Pay", quorum: 2}]
break_glass: {subject: {id: bot}, action: "bank:*", for: 1h}
"""


async def test_a_pack_is_tried_drafted_and_published() -> None:
    """What the service says of each step comes back typed; a trial ends, and a draft is taken back, once."""
    async with (
        served() as service,
        service.client("analyst", subject="ann") as analyst,
        service.client("admin", subject="root") as admin,
        service.client() as pep,
    ):
        tried = await analyst.shadow_policy(PACK % "1", comment="a look")
        assert tried.pack == "client"
        await pep.decide(request("bank:Pay", "record:1"))
        (trial,) = await analyst.trials()
        assert (trial.pack, trial.by, trial.canary, trial.spoke) == ("client", "ann", 0.0, 1)
        await analyst.end_trial("client")
        assert await analyst.trials() == []
        drafted = await analyst.draft_policy((PACK % "2", "client.yaml"), comment="two people")
        (draft,) = await analyst.drafts()
        assert (draft.draft, draft.files, draft.drafted_by) == (drafted.draft, ["client.yaml"], "ann")
        with pytest.raises(NotAllowed):
            await analyst.publish_draft(draft.draft)
        await admin.publish_draft(draft.draft, "fine")
        assert await analyst.drafts() == []
        other = await analyst.draft_policy(PACK % "3")
        await analyst.withdraw_draft(other.draft)
        assert await analyst.drafts() == []


async def test_reviews_of_several_people_and_emergencies() -> None:
    """Two approve, narrower than was asked; one is withdrawn; an emergency is declared and counts what waits for its review."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="dana") as dana,
        service.client("approver", subject="eve") as eve,
    ):
        await admin.publish_policy(PACK % "1")
        pay = {"name": "bank:Pay", "properties": {"amount": 90}}
        held = await pep.decide(request(pay, "record:1"))
        assert held.review is not None
        first = await dana.approve_review(held.review.id, "fine")
        assert (first.status, first.quorum, first.endorsed_by) == ("OPEN", 2, ["identity:dana"])
        second = await eve.approve_review(held.review.id, "less", properties={"amount": 50})
        assert (second.status, second.narrowed is not None) == ("APPROVED", True)
        less = {"name": "bank:Pay", "properties": {"amount": 50}}
        assert (await pep.decide({**request(less, "record:1"), "review": held.review.id})).permitted
        again = await pep.decide(request(pay, "record:2", chain="c2"))
        assert again.review is not None
        assert (await pep.withdraw_review(again.review.id, "not needed")).status == "WITHDRAWN"
        with pytest.raises(Conflict):
            await dana.approve_review(again.review.id, "late")
        emergency = await pep.break_glass("bot", "payroll is down")
        assert (emergency.identity, emergency.pack) == ("identity:bot", "client")
        assert (await pep.decide(request(pay, "record:3", chain="c3"))).permitted
        (told,) = await dana.emergencies()
        assert (told.id, told.unreviewed) == (emergency.id, 1)
