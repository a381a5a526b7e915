"""The audit log over a real port, checked with the stand-alone verifier, which shares no line with the product."""

import base64
import hashlib
import json
from typing import Any

import pytest

from graphsvc import audit_verify
from tests.api.served import request, served

pytestmark = pytest.mark.anyio
CHECKPOINT = (
    "query($since: Int) { auditCheckpoint(since: $since) { origin size root note key keys consistency } }"
)
PROOF = "query($id: ID!, $size: Int) { auditProof(id: $id, size: $size) { number record leaf size path } }"


def climbed(number: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, read from the standard."""
    place, last, node = number - 1, size - 1, leaf
    for sibling in path:
        if place % 2 or place == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        place, last = place >> 1, last >> 1
    assert last == 0
    return node


async def test_a_decision_is_proved_to_be_in_the_signed_log() -> None:
    """Checkpoint, record and path from the API; signature and root by other code than the service's."""
    async with served() as service, service.client() as client:
        decision = await client.decide(request())
        await client.decide(request("crm:Read", "record:1"))
        signed = (await service.post(CHECKPOINT, "auditor"))["data"]["auditCheckpoint"]
        note = signed["note"].encode()
        assert audit_verify.is_signed(note, signed["key"])
        origin, size, root = audit_verify.checkpoint_of(note)
        assert (origin, size) == (signed["origin"], signed["size"])
        for named in (decision.id, decision.audit_id):
            proof = (await service.post(PROOF, "auditor", variables={"id": named, "size": size}))["data"][
                "auditProof"
            ]
            record = json.loads(proof["record"])
            assert (record["kind"], f"decision:{record['decision']}") == ("decided", decision.id)
            leaf = hashlib.sha256(b"\x00" + proof["record"].encode()).digest()
            path = [base64.b64decode(each) for each in proof["path"]]
            assert climbed(proof["number"], size, leaf, path) == root
            assert climbed(proof["number"], size, hashlib.sha256(b"\x00{}").digest(), path) != root


async def test_a_later_checkpoint_continues_an_earlier_one() -> None:
    """The consistency proof leads from the older root to the newer."""
    async with served() as service, service.client() as client:
        await client.decide(request())
        old = (await service.post(CHECKPOINT, "auditor"))["data"]["auditCheckpoint"]
        for number in range(5):
            await client.decide(request(chain=f"n{number}"))
        new = (await service.post(CHECKPOINT, "auditor", variables={"since": old["size"]}))["data"][
            "auditCheckpoint"
        ]
        assert new["size"] > old["size"]
        keys = audit_verify.key_row(new["keys"].encode(), new["origin"])
        root = base64.b64decode(new["root"])
        earlier = {"checkpoint": old["note"], "consistency": new["consistency"]}
        audit_verify.check_earlier(earlier, new["origin"], new["size"], root, keys)
        earlier["consistency"] = new["consistency"][:-1]
        with pytest.raises(audit_verify.Fault):
            audit_verify.check_earlier(earlier, new["origin"], new["size"], root, keys)


async def test_the_audit_log_is_for_those_who_audit() -> None:
    """Enforcement points and approvers are refused; what is not there is said with its field."""
    async with served() as service, service.client() as client:
        decision = await client.decide(request())
        for role in ("pep", "approver"):
            for query, given in ((CHECKPOINT, {}), (PROOF, {"id": decision.id})):
                answer = await service.post(query, role, variables=given)
                assert answer["errors"][0]["extensions"]["code"] == "not_allowed", answer
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"id": "decision:nobody"}, "id"),
            ({"id": decision.id, "size": 10**6}, "size"),
            ({"id": decision.id, "size": 0}, "size"),
        ]
        for variables, field in wrong:
            error = (await service.post(PROOF, "auditor", variables=variables))["errors"][0]
            assert error["extensions"]["field"] == field, error
        error = (await service.post(CHECKPOINT, "auditor", variables={"since": 10**6}))["errors"][0]
        assert error["extensions"]["field"] == "since"
