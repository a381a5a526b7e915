"""Packs about rights held: each rule needs all its rights, and gives what it says; clusters that show what each means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Closure
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.lint import lint
from graphsvc.core.policy.load import load_policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.explore.combination import combinations
from graphsvc.explore.estate_view import view_of
from graphsvc.importers import kubernetes
from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text
from scripts.rules_page import page

NEW = [name for name in RIGHTS_PACKS if name != "aws_escalation"]
LOADED = {name: load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS}
RULES = [pytest.param(name, pattern, id=pattern.id) for name in NEW for pattern in LOADED[name].patterns]


def _closure(name: str, actions: list[str]) -> Closure:
    bot = "identity:k8s:c:bot"
    account = "identity:k8s:c:system:serviceaccount:shop:web"
    pods = "resource:k8s:c/namespaces/shop/core/pods/"
    kinds = ("core/pods", "core/secrets", "apps/deployments", "batch/jobs")
    nodes = [
        Node(key=bot, fields={"kind": "human", "status": "active"}),
        Node(key=account, fields={"kind": "workload", "status": "active"}),
        *(Node(key=f"resource:k8s:c/namespaces/shop/{kind}/") for kind in kinds),
        Node(key="resource:k8s:c/cluster/core/secrets/"),
        Node(key=f"{pods}web"),
        Node(key="resource:k8s:c/namespaces/shop/core/secrets/token"),
        Node(key="resource:k8s:c/cluster/core/nodes/n1"),
        Node(key="resource:aws:arn:aws:iam::1:policy/p", labels=("admin-version",)),
        Node(key="permission:p", fields={"actions": [*actions], "resources": ["*"]}),
    ]
    holders = (
        f"{pods}web",
        "resource:k8s:c/namespaces/shop/core/secrets/token",
        "resource:k8s:c/cluster/core/nodes/n1",
    )
    edges = [
        Edge(type="GRANTED", start=bot, end="permission:p"),
        *(Edge(type="HOLDS_CREDENTIAL", start=each, end=account) for each in holders),
    ]
    estate = Estate()
    estate.load("test", nodes, edges, replace=True)
    return Gains(compile_ruleset([LOADED[name]]), estate, Rights(estate)).closure(frozenset((bot,)))


def _fired(name: str, closure: Closure) -> set[str]:
    patterns = compile_ruleset([LOADED[name]]).patterns
    return {patterns[number].id for number, _ in closure.firings}


@pytest.mark.parametrize(("name", "pattern"), RULES)
def test_all_rights_together_give_it_and_fewer_do_not(name: str, pattern: Pattern) -> None:
    """The first alternative of each right is enough; without any one of the rights the rule is silent."""
    assert pattern.rights is not None
    wanted = [right.right[0] for right in pattern.rights.all_of]
    whole = _closure(name, wanted)
    assert pattern.id in _fired(name, whole)
    gives = pattern.rights.gives
    if gives is not None:
        assert whole.admin is gives.admin
        assert gives.assume is None or "identity:k8s:c:system:serviceaccount:shop:web" in whole.gained
    for left_out in wanted:
        fewer = _closure(name, [right for right in wanted if right != left_out])
        assert pattern.id not in _fired(name, fewer), left_out


@pytest.mark.parametrize(("name", "pattern"), RULES)
def test_every_alternative_counts(name: str, pattern: Pattern) -> None:
    """Each name listed beside another is as good as the first."""
    assert pattern.rights is not None
    for place, right in enumerate(pattern.rights.all_of):
        for other in right.right[1:]:
            if "$place" in str(right.on) and not any(
                kind in other for kind in ("pods", "deployments", "jobs", "secrets")
            ):
                continue  # the little cluster above makes no such objects
            rights = [each.right[0] for each in pattern.rights.all_of]
            rights[place] = other
            assert pattern.id in _fired(name, _closure(name, rights)), other


@pytest.mark.parametrize("name", NEW)
def test_packs_are_clean_and_say_what_they_rest_on(name: str) -> None:
    pack = LOADED[name]
    assert [str(finding) for finding in lint([pack]) if finding.code != "untested"] == []
    assert pack.pack.data_date
    assert pack.pack.source
    assert all(pattern.title and pattern.harm for pattern in pack.patterns)


def test_rights_packs_load_together() -> None:
    assert len(compile_ruleset(list(LOADED.values())).patterns) > 100


CLUSTER = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: strong, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: elsewhere, namespace: bank}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: maker, namespace: shop}
rules: [RULE]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: maker, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: maker}
subjects: [{kind: User, name: ann}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {serviceAccountName: strong, containers: [{name: c, image: i}]}}}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: key, namespace: shop, annotations: {kubernetes.io/service-account.name: strong}}
"""


def _gained(rule: str) -> dict[str, tuple[str, ...]]:
    read = kubernetes.read([(CLUSTER.replace("RULE", rule), "c.yaml")], cluster="c")
    view = view_of(read.nodes, read.edges, [LOADED["kubernetes_escalation"]])
    found = combinations(view, ["identity:k8s:c:ann"])
    return {each.pattern: tuple(value.rpartition(":")[2] for value in each.values) for each in found}


@pytest.mark.parametrize(
    ("rule", "gained"),
    [
        ('{apiGroups: [""], resources: [pods], verbs: [create]}', {"k8s-create-workload": ("strong",)}),
        ('{apiGroups: [apps], resources: [deployments], verbs: ["*"]}',
         {"k8s-create-workload": ("strong",), "k8s-change-workload": ("strong",)}),
        ("{apiGroups: [apps], resources: [pods], verbs: [create]}", {}),
        ('{apiGroups: [""], resources: [pods/exec], verbs: [create]}', {"k8s-exec": ("strong",)}),
        ('{apiGroups: [""], resources: [pods], verbs: [get, list]}', {}),
        ('{apiGroups: [""], resources: [secrets], resourceNames: [key], verbs: [get]}', {"k8s-read-token": ("strong",)}),
        ('{apiGroups: [""], resources: [secrets], resourceNames: [other], verbs: [get]}', {}),
        ('{apiGroups: [""], resources: [serviceaccounts/token], resourceNames: [strong], verbs: [create]}',
         {"k8s-request-token": ("strong",)}),
        ('{apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate]}', {"k8s-impersonate-account": ("strong",)}),
    ],
)  # fmt: skip
def test_rules_of_a_cluster_mean_what_rbac_means(rule: str, gained: Any) -> None:
    """A Role reaches its namespace alone; API groups and names limit; subresources are rights of their own."""
    assert _gained(rule) == gained


@pytest.mark.parametrize("name", RIGHTS_PACKS)
def test_every_rule_is_explained(name: str) -> None:
    """Why, an example and a remedy for each."""
    for pattern in LOADED[name].patterns:
        assert all(word in pattern.description for word in ("Why: ", "Example: ", "Fix: ")), pattern.id


def test_the_page_of_rules_is_current() -> None:
    """`make rules` writes it anew."""
    page_file = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page_file.read_text("utf-8") == page()
