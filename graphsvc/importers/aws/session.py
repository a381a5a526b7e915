"""Sessions with policies of their own: a role's or user's rights, narrowed until the session ends.

What a session may become by its own next step is another session: its policy narrows that first step and nothing after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import parse_arn
from graphsvc.importers.aws.cap import cap, nothing_cap
from graphsvc.importers.aws.companion import File, listed
from graphsvc.importers.aws.permission import permissions
from graphsvc.importers.aws.policy import Policies
from graphsvc.importers.result import Collector

__all__ = ["take_sessions"]

_FORM = "{Session: ARN, Of: ARN, Policy, PolicyArns: [ARN]}"


def take_sessions(
    files: Sequence[File], known: Mapping[str, str], policies: Policies, collector: Collector
) -> list[str]:
    """Take an identity for each session, with what its role holds, capped by its policies; their keys.

    known: ids of identities by ARN and by how sessions of a role begin.
    """
    taken: list[str] = []
    for place, entry in listed(files, _FORM):
        arn = entry.get("Session")
        if not isinstance(arn, str) or parse_arn(arn) is None:
            collector.skip(f"{place}.Session", "must be the ARN of a session")
            continue
        of = entry.get("Of")
        role = known.get(str(of)) if of is not None else known.get(arn.rpartition("/")[0])
        if role is None:
            collector.skip(f"{place}.Of", f"`{of or arn}` is no role or user of the dump")
            continue
        key = f"identity:{arn}"
        taken.append(key)
        properties: dict[str, Json] = {"aws_type": "session", "session_of": role}
        fields: dict[str, Json] = {
            "kind": "service",
            "status": "active",
            "name": arn.rpartition("/")[2],
        }
        collector.node(Node(key=key, fields=fields, properties=properties))
        collector.edge("MEMBER_OF", key, f"identity:{role}")
        collector.counts["sessions"] += 1
        keys: list[str] = []
        named = entry.get("PolicyArns") or []
        for policy in named if isinstance(named, list) else []:
            policy_arn = str(policy.get("arn") or policy.get("Arn") if isinstance(policy, dict) else policy)
            keys += policies.attached(policy_arn, arn) or [nothing_cap(f"{arn}#unknown-session", collector)]
        if entry.get("Policy") is not None:
            document = entry["Policy"]
            keys += permissions(
                document, owner=arn, name="session", place=f"{place}.Policy", collector=collector
            ) or [nothing_cap(f"{arn}#unknown-session", collector)]
        for permission in keys:
            cap(key, permission, "session", arn, collector)
    return taken
