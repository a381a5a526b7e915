"""Warnings about identities over a real port."""

import pytest

from graphsvc.errors import BadInput, NotAllowed
from tests.api.served import request, served

pytestmark = pytest.mark.anyio


async def test_a_signal_raises_the_risk_and_fades() -> None:
    """Half of it is gone after its half-life, for whoever acts as or for the identity."""
    async with served() as service, service.client() as pep, service.client("analyst") as analyst:
        before = await pep.decide(request())
        service.harness.clock.now_ms += 1_000
        await analyst.send_signal("bot", weight=0.4, half_life="1h", cause="odd hours")
        during = await pep.evaluate(request("mail:Read"))
        assert before.risk.after < 0.4 <= during.risk.before
        service.harness.clock.now_ms += 3_600_000
        later = await pep.evaluate(request("mail:Read"))
        assert during.risk.before > later.risk.before > before.risk.before


async def test_what_a_signal_must_say() -> None:
    """A weight, a half-life, a cause, an identity of the graph."""
    async with served() as service, service.client("analyst") as analyst:
        for given, told in (
            ({"weight": 0.0, "half_life": "1h", "cause": "x"}, "above 0"),
            ({"weight": 0.5, "half_life": "soon", "cause": "x"}, "halfLife: `soon` is not a duration"),
            ({"weight": 0.5, "half_life": "1h", "cause": " "}, "what was seen"),
        ):
            with pytest.raises(BadInput, match=told):
                await analyst.send_signal("bot", **given)  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(BadInput, match="no identity `nobody`"):
            await analyst.send_signal("nobody", weight=0.5, half_life="1h", cause="x")


async def test_a_pep_warns_about_identities_of_its_own_chains() -> None:
    """It names the chain; another's chain, or an identity that does not act there, is refused."""
    async with served() as service, service.client() as pep, service.client(subject="gateway-2") as other:
        await pep.decide(request())
        said = {"weight": 0.5, "half_life": "1h", "cause": "x"}
        with pytest.raises(BadInput, match="name the chain"):
            await pep.send_signal("bot", **said)  # type: ignore[arg-type]  # a dict of both
        await pep.send_signal("bot", chain="c1", **said)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed):
            await pep.send_signal("mallory", chain="c1", **said)  # type: ignore[arg-type]
        with pytest.raises(NotAllowed):
            await other.send_signal("bot", chain="c1", **said)  # type: ignore[arg-type]
