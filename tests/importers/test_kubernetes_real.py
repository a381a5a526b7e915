"""The Kubernetes importer on real manifests, against counts made from the raw YAML by another parser."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.importers import graph_jsonl, kubernetes
from graphsvc.importers.result import Imported
from tests.importers.rbac_oracle import Request, is_allowed

pytestmark = pytest.mark.real_data
FILES = ["kube-prometheus-rbac.yaml", "ingress-nginx-deploy.yaml"]


def _objects(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for document in YAML(typ="safe", pure=True).load_all(path.read_text()):
        found += document["items"] if document["kind"].endswith("List") else [document]
    return found


def _read(path: Path) -> Imported:
    return kubernetes.read([(path.read_bytes(), path.name)], cluster="c")


@pytest.mark.parametrize("name", FILES)
def test_counts_are_those_of_the_file(real_data: Path, name: str) -> None:
    """Roles, rules, bindings, accounts and workloads agree with a count of the raw YAML; nothing is skipped."""
    path = real_data / "kubernetes" / name
    objects, report = _objects(path), _read(path).report
    kinds = Counter(each["kind"] for each in objects)
    assert {
        "roles": kinds["Role"],
        "cluster_roles": kinds["ClusterRole"],
        "bindings": kinds["RoleBinding"] + kinds["ClusterRoleBinding"],
        "service_accounts": kinds["ServiceAccount"],
        "rules": sum(len(each.get("rules") or []) for each in objects if each["kind"].endswith("Role")),
        "workloads": kinds["Deployment"] + kinds["Job"],
    }.items() <= report.counts.items()
    assert report.skipped == ()


@pytest.mark.parametrize("name", FILES)
def test_every_rule_of_the_file_is_a_right_of_whom_it_is_bound_to(real_data: Path, name: str) -> None:
    """For every account, and every verb and resource that any rule names, the graph answers as the authorizer."""
    path = real_data / "kubernetes" / name
    objects, imported = _objects(path), _read(path)
    estate = Estate()
    estate.load("c", imported.nodes, imported.edges, replace=True)
    rights = Rights(estate)
    users = [
        f"system:serviceaccount:{each['metadata']['namespace']}:{each['metadata']['name']}"
        for each in objects
        if each["kind"] == "ServiceAccount"
    ]
    rules = [rule for each in objects if each["kind"].endswith("Role") for rule in each.get("rules") or []]
    asked = {
        (verb, group, resource)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
    }
    spaces = ["", *sorted({each["metadata"].get("namespace", "") for each in objects} - {""})]
    allowed = 0
    for user in users:
        for verb, group, combined in sorted(asked):
            resource, _, sub = combined.partition("/")
            for space in spaces:
                request = Request(user, verb, group, resource, sub, space, "x")
                kind = f"{group or 'core'}/{resource}"
                where = f"c/namespaces/{space}" if space else "c/cluster"
                action = f"k8s:{verb}:{kind}" + (f"/{sub}" if sub else "")
                right = rights.check(f"identity:k8s:c:{user}", action, f"resource:k8s:{where}/{kind}/x")
                wanted = is_allowed(objects, request)
                assert right.allowed == wanted, request
                allowed += wanted
    assert allowed > 50


def test_no_edge_ends_outside_and_the_interchange_file_gives_it_back(real_data: Path) -> None:
    """Both files as one cluster: every edge ends at a node, and export and import change nothing."""
    paths = [real_data / "kubernetes" / name for name in FILES]
    imported = kubernetes.read([(path.read_bytes(), path.name) for path in paths], cluster="c")
    keys = {node.key for node in imported.nodes}
    assert {key for edge in imported.edges for key in (edge.start, edge.end)} <= keys
    again = graph_jsonl.read("".join(graph_jsonl.write(imported.nodes, imported.edges)))
    assert (again.nodes, again.edges) == (imported.nodes, imported.edges)
    turned = kubernetes.read([(path.read_bytes(), path.name) for path in reversed(paths)], cluster="c")
    assert (turned.nodes, turned.edges) == (imported.nodes, imported.edges)
