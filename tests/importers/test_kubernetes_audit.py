"""Audit logs of Kubernetes as chains and as an estate, on small events of our own in the form of `audit.k8s.io/v1`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.policy.load import load_policy
from graphsvc.errors import BadInput
from graphsvc.explore.combination import combinations
from graphsvc.explore.estate_view import view_of
from graphsvc.importers import kubernetes_audit
from graphsvc.packs import pack_file, pack_text
from tests.cli.command import graphsvc

ANN: dict[str, Any] = {"username": "ann", "groups": ["dev", "system:authenticated"]}
ROBOT: dict[str, Any] = {
    "username": "system:serviceaccount:ci:deployer",
    "uid": "d3b07384",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"],
    "extra": {"authentication.kubernetes.io/credential-id": ["JTI=7a1c"]},
}
PODS = {"resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1"}


def _event(name: str, verb: str, target: Any = PODS, second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": name,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/pods/web-1",
        "verb": verb,
        "user": ANN,
        "sourceIPs": ["203.0.113.9"],
        "userAgent": "kubectl/v1.36.1",
        "objectRef": target,
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": f"2026-11-29T10:00:{second:02d}.000000Z",
        "stageTimestamp": f"2026-11-29T10:00:{second:02d}.004000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        **more,
    }


def _read(*events: dict[str, Any]) -> list[dict[str, Any]]:
    return kubernetes_audit.read_events("\n".join(map(json.dumps, events)), "audit.log")


def _trace(*events: dict[str, Any]) -> list[Any]:
    return kubernetes_audit.to_trace(_read(*events), "c")


EVENTS = [_event("a", "get"), _event("b", "delete", second=1)]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, EVENTS)),
        json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": EVENTS}, indent=1),
        json.dumps(EVENTS),
    ],
)
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_events_are_read_in_each_form(text: str, pack: Any) -> None:
    """A line each, as the API server writes them; an EventList, as its webhook sends them; a list."""
    assert [each["auditID"] for each in kubernetes_audit.read_events(pack(text), "audit.log")] == ["a", "b"]


def test_a_request_is_one_action_whatever_stages_were_logged() -> None:
    received = _event("a", "get", stage="RequestReceived", responseStatus=None)
    refused = _event("a", "get", responseStatus={"code": 403})
    for events in ((received, refused), (refused, received)):
        (record,) = _trace(*events)
        assert record["executed"] is False


def test_requests_come_in_the_order_of_their_arrival() -> None:
    """A log is written when requests end: one that took long stands behind those that came after it."""
    assert [each["id"] for each in _trace(_event("late", "get", second=9), _event("early", "get"))] == [
        "early",
        "late",
    ]


@pytest.mark.parametrize(
    ("verb", "target", "uri", "action", "resource"),
    [
        ("get", PODS, "/x", "k8s:get:core/pods", ("k8s", "c/namespaces/shop/core/pods/web-1")),
        (
            "create",
            {**PODS, "subresource": "exec"},
            "/x?command=id",
            "k8s:create:core/pods/exec",
            ("k8s", "c/namespaces/shop/core/pods/web-1"),
        ),
        (
            "patch",
            {"resource": "deployments", "apiGroup": "apps", "namespace": "shop", "name": "web"},
            "/x",
            "k8s:patch:apps/deployments",
            ("k8s", "c/namespaces/shop/apps/deployments/web"),
        ),
        (
            "list",
            {"resource": "clusterroles", "apiGroup": "rbac.authorization.k8s.io"},
            "/x",
            "k8s:list:rbac.authorization.k8s.io/clusterroles",
            ("k8s", "c/cluster/rbac.authorization.k8s.io/clusterroles/"),
        ),
        ("get", None, "/metrics?x=1", "k8s:get:url", ("k8s-url", "c/metrics")),
    ],
)
def test_what_was_asked_is_named_as_roles_name_it(
    verb: str, target: Any, uri: str, action: str, resource: tuple[str, str]
) -> None:
    (record,) = _trace(_event("a", verb, target, requestURI=uri))
    assert record["action"]["name"] == action
    assert (record["resource"]["type"], record["resource"]["id"]) == resource


def test_what_is_made_is_named_as_the_answer_names_it() -> None:
    target = {"resource": "pods", "namespace": "shop"}
    made = _event("a", "create", target, responseObject={"metadata": {"name": "web-x7f2"}})
    assert _trace(made)[0]["resource"]["id"] == "c/namespaces/shop/core/pods/web-x7f2"


@pytest.mark.parametrize(
    ("more", "executed"),
    [
        ({"responseStatus": {"code": 201}}, True),
        ({"responseStatus": {"code": 403}}, False),
        ({"responseStatus": {"code": 409}}, False),
        ({"stage": "Panic"}, False),
        ({"requestURI": "/x?dryRun=All"}, False),
        ({"responseStatus": None, "stage": "RequestReceived"}, True),
    ],
)
def test_what_failed_or_was_only_tried_did_not_happen(more: dict[str, Any], executed: bool) -> None:
    """How a request ended that was only received nobody knows, so it counts as done."""
    assert _trace(_event("a", "create", **more))[0]["executed"] is executed


def test_a_credential_is_a_chain_and_a_user_without_one_too() -> None:
    chains = [each["chain"] for each in _trace(_event("a", "get"), _event("b", "get", user=ROBOT))]
    assert chains == ["k8s:c:ann", "k8s:c:JTI=7a1c"]


def test_a_token_begins_a_chain_of_the_one_that_asked_for_it() -> None:
    token = {"resource": "serviceaccounts", "namespace": "ci", "name": "deployer", "subresource": "token"}
    notes = {"authentication.kubernetes.io/issued-credential-id": "JTI=7a1c"}
    asked = _event("a", "create", token, annotations=notes)
    first, second = _trace(asked, _event("b", "get", user=ROBOT, second=1))
    assert (first["chain"], second["chain"], second["parent_chain"]) == (
        "k8s:c:ann",
        "k8s:c:JTI=7a1c",
        "k8s:c:ann",
    )


def test_impersonation_is_an_action_and_what_follows_is_the_others() -> None:
    """`kubectl --as`: the impersonator's chain spawns the other's, and its own right is told once."""
    as_robot: dict[str, Any] = {
        "impersonatedUser": {"username": ROBOT["username"], "groups": ROBOT["groups"]}
    }
    records = _trace(_event("a", "get", **as_robot), _event("b", "list", second=1, **as_robot))
    assert [(each["id"], each["subject"]["id"], each["parent_chain"]) for each in records] == [
        ("a#impersonate", "k8s:c:ann", None),
        ("a", "k8s:c:system:serviceaccount:ci:deployer", "k8s:c:ann"),
        ("b", "k8s:c:system:serviceaccount:ci:deployer", "k8s:c:ann"),
    ]
    assert records[0]["action"]["name"] == "k8s:impersonate:core/serviceaccounts"
    assert records[0]["resource"]["id"] == "c/namespaces/ci/core/serviceaccounts/deployer"


def test_rights_are_what_was_done_and_not_what_was_refused() -> None:
    refused = _event("b", "delete", responseStatus={"code": 403}, second=1)
    imported = kubernetes_audit.to_estate(_read(_event("a", "get"), refused), "c")
    (permission,) = [node for node in imported.nodes if node.kind == "permission"]
    assert permission.fields["actions"] == ["k8s:get:core/pods"]
    assert imported.report.counts["requests_refused"] == 1
    assert ("MEMBER_OF", "identity:k8s:c:ann", "group:k8s:c:dev") in {
        (edge.type, edge.start, edge.end) for edge in imported.edges
    }


def test_rules_about_clusters_read_what_the_log_shows() -> None:
    """Somebody who was seen to ask for tokens of an account could have become it."""
    token = {"resource": "serviceaccounts", "namespace": "ci", "name": "deployer", "subresource": "token"}
    imported = kubernetes_audit.to_estate(
        _read(_event("a", "create", token), _event("b", "get", user=ROBOT)), "c"
    )
    pack = load_policy(pack_text("kubernetes_escalation"), pack_file("kubernetes_escalation"))
    view = view_of(imported.nodes, imported.edges, [pack])
    found = [(each.identity, each.pattern, each.values) for each in combinations(view, view.identities())]
    assert found == [("k8s:c:ann", "k8s-request-token", ("k8s:c:system:serviceaccount:ci:deployer",))]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"kind": "Pod"}, "is no event of audit.k8s.io/v1"),
        ({"apiVersion": "v1"}, "is no event of audit.k8s.io/v1"),
        ({"auditID": ""}, "auditID: must be text"),
        ({"stage": "Later"}, "stage: must be one of"),
        ({"user": {}}, "user.username: must be text"),
        ({"requestReceivedTimestamp": "noon"}, "not an RFC 3339 time"),
    ],
)
def test_a_malformed_event_is_refused_with_its_line(spoil: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        _read(_event("a", "get"), {**_event("b", "get"), **spoil})
    assert "audit.log:2" in str(caught.value.field) or "audit.log:2" in str(caught.value)


def test_the_command_imports_and_writes_chains_that_replay(tmp_path: Path) -> None:
    log, chains = tmp_path / "audit.log", tmp_path / "requests.jsonl"
    log.write_text("\n".join(map(json.dumps, EVENTS)) + "\n")
    done = graphsvc(
        "import", "kubernetes-audit", log, "--source", "audit", "--cluster", "c", "--trace", chains,
        "--store", f"sqlite:///{tmp_path / 'g.db'}",
    )  # fmt: skip
    assert done.code == 0, done.out
    assert len(chains.read_text().splitlines()) == 2
    policy = tmp_path / "p.yaml"
    policy.write_text('graphsvc: 1\npack: {id: p, version: "1"}\nsettings: {entitlement: "off"}\n')
    told = graphsvc("replay", chains, "--policy", policy)
    assert [json.loads(line)["verdict"] for line in told.out.splitlines()] == ["PERMIT", "PERMIT"]
