"""Rights of an imported cluster against the authorizer's rules, on random clusters and requests."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.importers import graph_jsonl, kubernetes
from graphsvc.importers.result import Imported
from tests.importers.rbac_oracle import Manifest, Request, is_allowed

API = "rbac.authorization.k8s.io"
NAMESPACES = ["a", "b", "apps", "pods"]
USERS = [
    "ann", "system:anonymous", "system:node:n1", "system:serviceaccount:a:job", "system:serviceaccount:b:job",
]  # fmt: skip
# A group and resources that are called alike, and a subresource called like a resource.
GROUPS = ["", "apps", "scale.example"]
RESOURCES = ["pods", "scale", "apps"]
SUBRESOURCES = ["exec", "scale"]
NAMES = ["x", "pods", "a"]

_some = st.sampled_from


def _list(values: list[str], size: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(_some(values), min_size=1, max_size=size, unique=True)


_resource_rule = st.fixed_dictionaries(
    {
        "verbs": _list(["get", "create", "deletecollection", "*", "ge*"]),
        "apiGroups": _list([*GROUPS, "*"]),
        "resources": _list([*RESOURCES, "pods/exec", "scale/scale", "*", "*/scale", "po*"]),
    },
    optional={"resourceNames": _list([*NAMES, "*"])},
)
_url_rule = st.fixed_dictionaries(
    {"verbs": _list(["get", "*"]), "nonResourceURLs": _list(["/healthz", "/api/*", "*", "/a*i"])}
)
_rules = st.lists(_resource_rule, min_size=1, max_size=2)
_flag = _some(["true", "false"])
_labels = st.fixed_dictionaries({}, optional={"to-admin": _flag, "to-edit": _flag})
_selectors = st.one_of(st.fixed_dictionaries({"to-admin": _flag}), _labels)


@st.composite
def _clusters(draw: st.DrawFn) -> list[Manifest]:
    def meta(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, **more}

    found: list[Manifest] = []
    for name in ("r1", "r2", "a"):
        role: Manifest = {"kind": "ClusterRole", "metadata": meta(name, labels=draw(_labels))}
        if draw(st.integers(0, 3)) == 0:
            selectors = draw(st.lists(_selectors, min_size=1, max_size=2))
            role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": each} for each in selectors]}
            role["rules"] = None
        else:
            role["rules"] = draw(_rules) + draw(st.lists(_url_rule, max_size=1))
        found.append(role)
    found += [
        {"kind": "Role", "metadata": meta("r1", namespace=home), "rules": draw(_rules)} for home in ("a", "b")
    ]
    for number in range(draw(st.integers(1, 4))):
        wide = draw(st.booleans())
        home = {} if wide else {"namespace": draw(_some(NAMESPACES))}
        kinds = ["ClusterRole"] if wide else ["Role", "ClusterRole"]
        ref = {"apiGroup": API, "kind": draw(_some(kinds)), "name": draw(_some(["r1", "r2", "a", "gone"]))}
        binding = {
            "kind": "ClusterRoleBinding" if wide else "RoleBinding",
            "metadata": meta(f"b{number}", **home),
        }
        subjects = draw(st.lists(_subjects, max_size=2))
        found.append({**binding, "roleRef": ref, "subjects": subjects or None})
    return [{"apiVersion": f"{API}/v1", **each} for each in found]


_subjects = st.one_of(
    _some(USERS).map(lambda name: {"kind": "User", "name": name, "apiGroup": API}),
    _some(
        [
            "system:authenticated",
            "system:serviceaccounts",
            "system:serviceaccounts:a",
            "system:unauthenticated",
            "team",
        ]
    ).map(lambda name: {"kind": "Group", "name": name, "apiGroup": API}),
    _some(["a", "b"]).map(lambda space: {"kind": "ServiceAccount", "name": "job", "namespace": space}),
)
# Who creates an object names it in its body, not in the request.
_REQUESTS = [
    Request(user, verb, group, resource, subresource, namespace, name)
    for user, verb, group, resource, subresource, namespace, name in product(
        USERS, ["get", "create"], GROUPS, RESOURCES, ["", *SUBRESOURCES], ["", *NAMESPACES], NAMES
    )
    if subresource or verb != "create"
]
_REQUESTS += [
    Request(user, verb, group, resource, "", namespace)
    for user, verb, group, resource, namespace in product(
        USERS, ["get", "create", "deletecollection"], GROUPS, RESOURCES, ["", *NAMESPACES]
    )
]
_REQUESTS += [
    Request(user, verb, url=url)
    for user, verb, url in product(USERS, ["get", "put"], ["/healthz", "/api/v1", "/ai"])
]


def _read(manifests: list[Manifest]) -> Imported:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    return kubernetes.read([(text, "all.json")], cluster="c")


def _ask(rights: Rights, request: Request) -> bool:
    user = f"identity:k8s:c:{request.user}"
    if request.url:
        return rights.check(user, f"k8s:{request.verb}:url", f"resource:k8s-url:c{request.url}").allowed
    where = f"namespaces/{request.namespace}" if request.namespace else "cluster"
    kind = f"{request.group or 'core'}/{request.resource}"
    action = f"k8s:{request.verb}:{kind}" + (f"/{request.subresource}" if request.subresource else "")
    return rights.check(user, action, f"resource:k8s:c/{where}/{kind}/{request.name}").allowed


@settings(max_examples=200)
@given(_clusters(), st.randoms(use_true_random=False))
def test_rights_are_those_of_the_authorizer(manifests: list[Manifest], random: Any) -> None:
    """A right is in the graph exactly when Kubernetes would allow the request."""
    imported = _read(manifests)
    estate = Estate()
    estate.load("c", imported.nodes, imported.edges, replace=True)
    rights = Rights(estate)
    # Somebody whom no binding names is unknown to the graph, though groups may give rights.
    held = {user for user in USERS if estate.node(f"identity:k8s:c:{user}")}
    requests = [request for request in _REQUESTS if request.user in held]
    for request in random.sample(requests, min(len(requests), 300)):
        assert _ask(rights, request) == is_allowed(manifests, request), request


@given(_clusters(), st.randoms(use_true_random=False))
def test_order_of_the_input_does_not_matter(manifests: list[Manifest], random: Any) -> None:
    """Objects, rules, subjects and the items of lists in any order, over any files, give the same graph."""
    first = _read(manifests)
    shuffled = json.loads(json.dumps(manifests))
    random.shuffle(shuffled)
    for each in shuffled:
        for listed in (each.get("rules"), each.get("subjects")):
            random.shuffle(listed or [])
        for rule in each.get("rules") or []:
            for values in rule.values():
                random.shuffle(values)
    half = len(shuffled) // 2
    files = [
        ("\n---\n".join(json.dumps(each) for each in part), name)
        for part, name in ((shuffled[:half], "one.yaml"), (shuffled[half:], "two.yaml"))
    ]
    again = kubernetes.read([file for file in files if file[0]], cluster="c")
    assert (again.nodes, again.edges) == (first.nodes, first.edges)


@given(_clusters())
def test_import_export_import_is_the_identity(manifests: list[Manifest]) -> None:
    """A cluster survives the interchange file."""
    first = _read(manifests)
    again = graph_jsonl.read("".join(graph_jsonl.write(first.nodes, first.edges)))
    assert (again.nodes, again.edges) == (first.nodes, first.edges)
