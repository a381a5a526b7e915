"""The AWS importer on real account dumps, against counts made from the raw JSON."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from graphsvc.errors import BadInput
from graphsvc.importers import aws, graph_jsonl

pytestmark = pytest.mark.real_data
DUMPS = ["account-large.json", "account-small.json"]
ENTITIES = {"User": "UserDetailList", "Group": "GroupDetailList", "Role": "RoleDetailList"}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(dump: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"inline": [], "default": [], "other": [], "trust": []}
    for kind, name in ENTITIES.items():
        for entry in dump[name]:
            for policy in entry.get(f"{kind}PolicyList", []):
                found["inline"] += _list(policy["PolicyDocument"]["Statement"])
            if kind == "Role":
                found["trust"] += _list(entry["AssumeRolePolicyDocument"]["Statement"])
    for policy in dump["Policies"]:
        for version in policy["PolicyVersionList"]:
            kind = "default" if version["IsDefaultVersion"] else "other"
            found[kind] += _list(version["Document"]["Statement"])
    return found


@pytest.mark.parametrize("name", DUMPS)
def test_nodes_and_statements_are_those_of_the_file(real_data: Path, name: str) -> None:
    """Users, groups, roles, policies and statements of each kind agree with a count of the raw JSON."""
    data = (real_data / "aws" / name).read_bytes()
    dump, counts = json.loads(data), aws.read(data, name).report.counts
    statements = _statements(dump)
    permissions = statements["inline"] + statements["default"]
    assert {
        "users": len(dump["UserDetailList"]),
        "groups": len(dump["GroupDetailList"]),
        "roles": len(dump["RoleDetailList"]),
        "policies": len(dump["Policies"]),
        "statements_inline": len(statements["inline"]),
        "statements_managed": len(statements["default"]),
        "statements_not_default": len(statements["other"]),
        "statements_trust": len(statements["trust"]),
        "conditional": sum("Condition" in item for item in permissions),
        "conditional_not_default": sum("Condition" in item for item in statements["other"]),
        "trust_conditional": sum("Condition" in item for item in statements["trust"]),
        "deny": sum(item["Effect"] == "Deny" for item in permissions),
        "not_action": sum("NotAction" in item for item in permissions),
        "not_resource": sum("NotResource" in item for item in permissions),
    }.items() <= counts.items()


def test_published_figures_count_all_versions_and_no_trust(real_data: Path) -> None:
    """The published 325 statements, 52 of them conditional, are inline plus every managed version."""
    counts = aws.read((real_data / "aws" / DUMPS[0]).read_bytes(), DUMPS[0]).report.counts
    assert (
        counts["statements_inline"] + counts["statements_managed"] + counts["statements_not_default"] == 325
    )
    assert counts["conditional"] + counts["conditional_not_default"] == 52
    assert (counts["deny"], counts["not_action"]) == (3, 2)


@pytest.mark.parametrize("name", DUMPS)
def test_edges_are_those_of_the_file(real_data: Path, name: str) -> None:
    """Memberships, grants and trust agree with a count of the raw JSON."""
    data = (real_data / "aws" / name).read_bytes()
    dump, imported = json.loads(data), aws.read(data, name)
    sizes = {
        policy["Arn"]: len(_list(version["Document"]["Statement"]))
        for policy in dump["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    holders = [entry for name in ENTITIES.values() for entry in dump[name]]
    granted = sum(sizes[item["PolicyArn"]] for entry in holders for item in entry["AttachedManagedPolicies"])
    granted += len(_statements(dump)["inline"])
    identities = dump["UserDetailList"] + dump["RoleDetailList"]
    member_of = len(identities) + sum(len(entry["GroupList"]) for entry in dump["UserDetailList"])
    trusts = {
        (principal, role["Arn"])
        for role in dump["RoleDetailList"]
        for statement in _list(role["AssumeRolePolicyDocument"]["Statement"])
        for value in statement["Principal"].values()
        for principal in _list(value)
    }
    types = Counter(edge.type for edge in imported.edges)
    accounts = {entry["Arn"].split(":")[4] for entry in identities}
    expected = {"GRANTED": granted, "MEMBER_OF": member_of, "CAN_ASSUME": len(trusts), "KNOWS": len(accounts)}
    # What is another account's needs that account's word, what is a key's that key's: three permissions a level.
    expected["CAPPED_BY"] = 3 * (len(accounts) if len(accounts) > 1 else len(_on_keys(dump)))
    assert types == Counter(expected)


def _on_keys(dump: dict[str, Any]) -> set[str]:
    """Who is given actions of KMS, by the words of the file."""
    default = {
        policy["Arn"]: _list(version["Document"]["Statement"])
        for policy in dump["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    found = set()
    for name in ENTITIES.values():
        for entry in dump[name]:
            inline = [
                each
                for part, listed in entry.items()
                if part.endswith("PolicyList")
                for one in listed
                for each in _list(one["PolicyDocument"]["Statement"])
            ]
            attached = [
                each for one in entry["AttachedManagedPolicies"] for each in default[one["PolicyArn"]]
            ]
            for each in (*inline, *attached):
                actions = [action.lower() for action in _list(each.get("Action", "*"))]
                about = any(action == "*" or action.startswith("kms:") for action in actions)
                if each["Effect"] == "Allow" and about:
                    found.add(entry["Arn"])
    return found


@pytest.mark.parametrize("name", DUMPS)
def test_every_edge_ends_at_nodes_of_the_import(real_data: Path, name: str) -> None:
    """No edge refers to a node that the import lacks, nothing is skipped and nothing is incomplete."""
    imported = aws.read((real_data / "aws" / name).read_bytes(), name)
    keys = {node.key for node in imported.nodes}
    assert {key for edge in imported.edges for key in (edge.start, edge.end)} <= keys
    assert (imported.report.skipped, imported.report.incomplete) == ((), ())


@pytest.mark.parametrize("name", DUMPS)
def test_statement_texts_are_all_kept(real_data: Path, name: str) -> None:
    """The statements in `native` are exactly those of the inline and default policies of the file."""
    data = (real_data / "aws" / name).read_bytes()
    statements = _statements(json.loads(data))
    kept = []
    for node in aws.read(data, name).nodes:
        native = node.fields.get("native")
        if isinstance(native, dict) and not node.key.endswith(("#own", "aws-kms#key")):
            kept.append(json.dumps(json.loads(str(native["text"])), sort_keys=True))
    wanted = [json.dumps(item, sort_keys=True) for item in statements["inline"] + statements["default"]]
    assert sorted(kept) == sorted(wanted)


@pytest.mark.parametrize("name", DUMPS)
def test_round_trip_through_the_interchange_file(real_data: Path, name: str) -> None:
    """Writing an imported account and reading it again gives the same facts and the same bytes."""
    imported = aws.read((real_data / "aws" / name).read_bytes(), name)
    text = "".join(graph_jsonl.write(imported.nodes, imported.edges))
    again = graph_jsonl.read(text, "graph.jsonl")
    assert (again.nodes, again.edges) == (imported.nodes, imported.edges)
    assert "".join(graph_jsonl.write(again.nodes, again.edges)) == text


@pytest.mark.parametrize("name", DUMPS)
@pytest.mark.parametrize("seed", range(3))
def test_order_of_the_dump_does_not_matter(real_data: Path, name: str, seed: int) -> None:
    """Entities, attachments, memberships, inline policies and tags in any order give the same graph."""
    data, shuffle = (real_data / "aws" / name).read_bytes(), random.Random(seed).shuffle
    dump, first = json.loads(data), aws.read(data, name)
    for entries in dump.values():
        if isinstance(entries, list):
            shuffle(entries)
            for entry in entries:
                for value in entry.values():
                    if isinstance(value, list):
                        shuffle(value)
    again = aws.read(json.dumps(dump), name)
    assert (again.nodes, again.edges) == (first.nodes, first.edges)


def test_dump_cut_in_half_is_refused(real_data: Path) -> None:
    """A dump cut in half is refused with the file, the byte and the fix, whatever strictness."""
    data = (real_data / "aws" / DUMPS[1]).read_bytes()
    half = data[: len(data) // 2]
    with pytest.raises(BadInput, match=rf"account-small\.json.*byte {len(half)} .*again"):
        aws.read(half, DUMPS[1], strict=False)


def test_managed_policies_resolve_what_the_dump_lacks(real_data: Path) -> None:
    """Without its policies the dump is incomplete; the published documents of AWS's own resolve those."""
    dump = json.loads((real_data / "aws" / DUMPS[0]).read_bytes())
    dump["Policies"] = [
        entry for entry in dump["Policies"] if not entry["Arn"].startswith("arn:aws:iam::aws:")
    ]
    text = json.dumps(dump)
    file = real_data / "aws" / "managed-policies.jsonl.gz"
    documents = aws.read_managed_policies(file.read_bytes(), file.name)
    poor, rich = aws.read(text, "a.json"), aws.read(text, "a.json", managed_policies=documents)
    assert (len(documents.documents), len(documents.without_arn)) == (1566, 75)
    assert len(rich.report.notes) == 1
    assert len(poor.report.incomplete) > len(rich.report.incomplete)
    assert rich.report.counts["policies_resolved"] > 0
