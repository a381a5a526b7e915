"""The register of findings over a real port: risks accepted for a while, owners, and what becomes of findings."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from graphsvc.cli.main import app
from graphsvc.core.codec import decode_records, encode_records
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.errors import BadInput, NotAllowed
from tests.api.account import account
from tests.api.served import Served, served

pytestmark = pytest.mark.anyio
FINDINGS = """{ findings(filter: {pattern: "aws-iam-003"}) { edges { node {
  fingerprint identities status owner due acceptedUntil acceptedBy reason entries } } } }"""
GRAPH = "mutation($i: UpsertGraphInput!) { upsertGraph(input: $i) { ... on Ack { revision } } }"
RIGHTS = ["iam:CreateAccessKey", "iam:DeleteAccessKey"]
# The clock of the service stands in September 2026.
DAY_MS = 86_400_000


async def _load(service: Served) -> None:
    records = account(["ann", "bob"], RIGHTS)
    await service.post(GRAPH, "admin", variables={"i": {"source": "t", "records": records}})


async def _found(service: Served, role: str = "analyst") -> list[dict[str, Any]]:
    answer = await service.post(FINDINGS, role)
    return [each["node"] for each in answer["data"]["findings"]["edges"]]


async def test_an_accepted_risk_says_who_accepted_it_and_lapses() -> None:
    """Up to and including its day; then the finding is open again and shows that it has lapsed."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        await _load(service)
        mark = (await _found(service))[0]["fingerprint"]
        entry = await dana.accept_risk("2026-10-31", "sealed and alarmed", fingerprint=mark)
        found = next(each for each in await _found(service) if each["fingerprint"] == mark)
        assert (found["status"], found["acceptedBy"], found["reason"]) == (
            "ACCEPTED",
            "dana",
            "sealed and alarmed",
        )
        assert found["entries"] == [entry.id]
        service.harness.clock.now_ms += 60 * DAY_MS
        lapsed = next(each for each in await _found(service) if each["fingerprint"] == mark)
        assert (lapsed["status"], lapsed["acceptedUntil"]) == ("OPEN", "2026-10-31")
        assert [each.lapsed for each in await dana.finding_register()] == [True]


async def test_an_accepted_risk_keeps_its_owner() -> None:
    """Who answers is named by one, the risk accepted by another; only identities that fit are concerned."""
    async with (
        served() as service,
        service.client("approver", subject="dana") as dana,
        service.client("analyst", subject="ana") as ana,
    ):
        await _load(service)
        await ana.assign_finding("cloud", pattern="aws-iam-*", due="2026-12-31")
        await dana.accept_risk("2026-10-31", "migration", pattern="aws-iam-003", identity="*:user/ann")
        told = {
            each["identities"][0].rpartition("/")[2]: (each["status"], each["owner"], each["due"])
            for each in await _found(service)
        }
        assert told == {"ann": ("ACCEPTED", "cloud", "2026-12-31"), "bob": ("OPEN", "cloud", "2026-12-31")}


async def test_a_withdrawn_entry_counts_no_more() -> None:
    """The finding is open again at once; the register is empty; both stay in the log."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        await _load(service)
        entry = await dana.accept_risk("2026-10-31", "migration", pattern="aws-iam-003")
        await dana.withdraw_entry(entry.id, "it stays after all")
        assert {each["status"] for each in await _found(service)} == {"OPEN"}
        assert await dana.finding_register() == []
        with pytest.raises(BadInput, match="no entry"):
            await dana.withdraw_entry(entry.id, "again")
        kinds = [each["record"]["kind"] for each in await _log(service)]
        assert [kind for kind in kinds if kind.startswith("finding")] == [
            "finding_registered",
            "finding_released",
        ]


async def _log(service: Served) -> list[dict[str, Any]]:
    answer = await service.post("{ logRecords(first: 100) { records } }", "auditor")
    records: list[dict[str, Any]] = answer["data"]["logRecords"]["records"]
    return records


async def test_the_same_findings_have_one_accepted_risk() -> None:
    """Accepting them again replaces what was accepted before."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        await dana.accept_risk("2026-10-31", "migration", pattern="aws-*")
        await dana.accept_risk("2026-11-30", "it takes longer", pattern="aws-*")
        assert [(each.accepted_until, each.reason) for each in await dana.finding_register()] == [
            ("2026-11-30", "it takes longer")
        ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"until": "2026-01-01", "reason": "r", "pattern": "a"}, "is over"),
        ({"until": "2029-01-01", "reason": "r", "pattern": "a"}, "366 days"),
        ({"until": "2026-10-31", "reason": " ", "pattern": "a"}, "characters why"),
        ({"until": "2026-10-31", "reason": "r"}, "nobody can answer for every finding"),
        ({"until": "2026-10-31", "reason": "r", "fingerprint": "x"}, "16 hex digits"),
    ],
)
async def test_what_nobody_can_answer_for_is_refused(given: dict[str, str], told: str) -> None:
    """The field is named and nothing is stored."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        with pytest.raises(BadInput, match=told):
            await dana.accept_risk(**given)
        assert await dana.finding_register() == []


async def test_an_analyst_names_owners_and_accepts_nothing() -> None:
    """Accepting is for approvers, who see the findings too."""
    async with served() as service, service.client("analyst", subject="ana") as ana:
        await _load(service)
        with pytest.raises(NotAllowed):
            await ana.accept_risk("2026-10-31", "migration", pattern="aws-iam-003")
        assert await _found(service, "approver") == await _found(service)


async def test_the_register_outlives_a_restart() -> None:
    """It stands in a snapshot, and in the log as it is written."""
    async with served() as service, service.client("approver", subject="dana") as dana:
        await dana.accept_risk("2026-10-31", "migration", pattern="aws-iam-003")
        await dana.assign_finding("cloud", pattern="aws-*", due="2026-12-31")
        world = service.harness.service.world
        held = world.governance.registered
        assert restore(snapshot(world)).governance.registered == held
        written = decode_records(encode_records(list(held.values()), b"salt" * 8))
        assert list(written) == list(held.values())


async def test_people_do_it_by_command() -> None:
    """Accepted, listed, seen by `explore findings` of the running service, withdrawn."""
    async with served() as service:
        await _load(service)
        mark = (await _found(service))[0]["fingerprint"]
        token = service.token("approver", "analyst", "admin", subject="dana")
        run = ("--format", "json", "--server", service.url, "--token", token)

        async def told(*arguments: str) -> Any:
            ended = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *run])
            assert ended.exit_code == 0, ended.output
            return json.loads(ended.stdout)

        entry = await told("risk", "accept", mark, "--until", "2026-10-31", "--reason", "sealed")
        await told("risk", "assign", "--pattern", "aws-*", "--owner", "cloud")
        assert [each["owner"] for each in await told("risk", "list")] == ["cloud", ""]
        found = {each["fingerprint"]: each for each in (await told("explore", "findings"))["findings"]}
        assert (found[mark]["owner"], found[mark]["accepted_by"]) == ("cloud", "dana")
        await told("risk", "withdraw", entry["id"], "--reason", "over")
        assert [each["owner"] for each in await told("risk", "list")] == ["cloud"]


def test_a_command_without_a_service_says_so() -> None:
    """Exit 3 and the address it tried."""
    refused = CliRunner().invoke(app, ["risk", "list", "--server", "http://127.0.0.1:9"])
    assert refused.exit_code == 3
    assert "127.0.0.1:9" in refused.output
