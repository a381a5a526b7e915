"""Findings over a real port: listed, filtered, with owners, due days and accepted risks."""

from typing import Any

import pytest

from tests.api.account import account
from tests.api.served import Served, served

pytestmark = pytest.mark.anyio
FINDINGS = """query($first: Int, $after: String, $filter: FindingFilter, $register: [FindingEntryInput!]) {
  findings(first: $first, after: $after, filter: $filter, register: $register) {
    truncated totalCount pageInfo { hasNextPage endCursor }
    edges { node { fingerprint pattern severity status owner due acceptedUntil identities example { permissions { right } } } } } }"""
RIGHTS = ["iam:CreateAccessKey", "iam:DeleteAccessKey"]
GRAPH = "mutation($i: UpsertGraphInput!) { upsertGraph(input: $i) { ... on Ack { revision } ... on Failure { message } } }"


async def _asked(service: Served, role: str = "analyst", **variables: Any) -> Any:
    return await service.post(FINDINGS, role, variables=variables)


async def _load(service: Served) -> None:
    answer = await service.post(
        GRAPH, "admin", variables={"i": {"source": "t", "records": account(["ann", "bob"], RIGHTS)}}
    )
    assert "revision" in answer["data"]["upsertGraph"], answer


async def test_findings_are_listed_filtered_and_owned() -> None:
    async with served() as service:
        await _load(service)
        answer = await _asked(service, filter={"pattern": "aws-iam-003"})
        nodes = [each["node"] for each in answer["data"]["findings"]["edges"]]
        assert {each["pattern"] for each in nodes} == {"aws-iam-003"}
        assert {each["status"] for each in nodes} == {"OPEN"}
        assert [each["right"] for each in nodes[0]["example"]["permissions"]] == [
            "iam:CreateAccessKey",
            "iam:DeleteAccessKey",
        ]
        register = [
            {
                "identity": "*:user/ann",
                "owner": "cloud",
                "acceptedUntil": "2099-01-01",
                "acceptedBy": "dana",
                "reason": "migration",
            },
            {"identity": "*:user/bob", "owner": "apps", "due": "2020-01-01"},
        ]
        answer = await _asked(service, filter={"pattern": "aws-iam-003"}, register=register)
        told = {each["node"]["owner"]: each["node"]["status"] for each in answer["data"]["findings"]["edges"]}
        assert told == {"cloud": "ACCEPTED", "apps": "OVERDUE"}
        late = await _asked(service, filter={"status": "OVERDUE"}, register=register)
        assert {each["node"]["owner"] for each in late["data"]["findings"]["edges"]} == {"apps"}


async def test_pages_hold_every_finding_once() -> None:
    async with served() as service:
        await _load(service)
        whole = (await _asked(service))["data"]["findings"]
        seen: list[str] = []
        after = None
        while True:
            page = (await _asked(service, first=1, after=after))["data"]["findings"]
            seen += [each["node"]["fingerprint"] for each in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert seen == [each["node"]["fingerprint"] for each in whole["edges"]]
        assert len(seen) == whole["totalCount"] > 1


async def test_a_risk_is_accepted_by_somebody_for_a_reason() -> None:
    async with served() as service:
        answer = await _asked(service, register=[{"acceptedUntil": "2099-01-01"}])
        assert "register[0]: acceptedUntil needs acceptedBy and reason" in answer["errors"][0]["message"]


async def test_an_enforcement_point_does_not_see_findings() -> None:
    async with served() as service:
        assert (await _asked(service, "pep")).get("errors")
