"""The Kubernetes importer on small clusters that show one thing each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.errors import BadInput
from graphsvc.importers import kubernetes
from graphsvc.importers.result import Imported

API = "rbac.authorization.k8s.io"
JOB = "identity:k8s:c:system:serviceaccount:a:job"


def _meta(name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, **({"namespace": namespace} if namespace else {}), **more}


def _rule(verbs: str, group: str, resources: str, *names: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**rule, "resourceNames": list(names)} if names else rule


def _role(
    name: str, *rules: Any, namespace: str | None = None, labels: Any = None, **more: Any
) -> dict[str, Any]:
    kind = "Role" if namespace else "ClusterRole"
    meta = _meta(name, namespace, labels=labels or {})
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": meta, "rules": list(rules) or None, **more}


def _bind(role: dict[str, Any], namespace: str | None = None, **subject: Any) -> dict[str, Any]:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    who = subject or {"kind": "ServiceAccount", "name": "job", "namespace": "a"}
    return {
        "apiVersion": f"{API}/v1",
        "kind": kind,
        "metadata": _meta(f"b-{role['metadata']['name']}", namespace),
        "roleRef": {"apiGroup": API, "kind": role["kind"], "name": role["metadata"]["name"]},
        "subjects": [who],
    }


def _read(*manifests: Any, cluster: str = "c", strict: bool = True) -> Imported:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    return kubernetes.read([(text, "k.json")], cluster=cluster, strict=strict)


def _may(imported: Imported, action: str, resource: str, who: str = JOB) -> bool:
    estate = Estate()
    estate.load("k", imported.nodes, imported.edges, replace=True)
    return Rights(estate).check(who, f"k8s:{action}", f"resource:k8s:{resource}").allowed


def _dangers(imported: Imported) -> set[str]:
    found: set[str] = set()
    for node in imported.nodes:
        listed = node.properties.get("dangers")
        found |= {str(name) for name in listed} if isinstance(listed, list) else set()
    return found


def _ends(imported: Imported, edge_type: str) -> list[tuple[str, str]]:
    return [(edge.start, edge.end) for edge in imported.edges if edge.type == edge_type]


# -- failure classes of other importers ---------------------------------------------------------------


def test_aggregated_role_with_null_rules_gathers_by_label() -> None:
    """`rules: null` with an aggregation rule means the rules of all roles with the labels, transitively."""
    view = _role("view", _rule("get", "", "pods"), labels={"to-edit": "true"})
    edit = _role(
        "edit",
        labels={"to-admin": "yes"},
        aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to-edit": "true"}}]},
    )
    selector = {"matchExpressions": [{"key": "to-admin", "operator": "In", "values": ["yes"]}]}
    admin = _role("admin", aggregationRule={"clusterRoleSelectors": [selector]})
    imported = _read(view, edit, admin, _bind(admin))
    assert _may(imported, "get:core/pods", "c/namespaces/x/core/pods/p")
    assert not _may(_read(edit, admin, _bind(admin)), "get:core/pods", "c/namespaces/x/core/pods/p")


def test_aggregated_role_in_a_manifest_loses_its_own_rules_and_says_so() -> None:
    """The controller overwrites rules beside an aggregation rule; in a dump of a cluster they are its work."""
    rule = {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}
    written = _role("admin", _rule("get", "", "pods"), aggregationRule=rule)
    dumped = json.loads(json.dumps(written))
    dumped["metadata"]["uid"] = "7"
    place = ("get:core/pods", "c/namespaces/x/core/pods/p")
    assert not _may(_read(written, _bind(written)), *place)
    assert "left out" in _read(written).report.incomplete[0]
    assert _may(_read(dumped, _bind(dumped)), *place)


def test_api_group_must_match() -> None:
    """A right to `deployments` of one API group is none to those of another, nor to the core group's."""
    role = _role("r", _rule("get", "apps", "deployments"))
    imported = _read(role, _bind(role))
    assert _may(imported, "get:apps/deployments", "c/namespaces/x/apps/deployments/d")
    assert not _may(imported, "get:extensions/deployments", "c/namespaces/x/extensions/deployments/d")
    assert not _may(imported, "get:core/deployments", "c/namespaces/x/core/deployments/d")


def test_role_binding_to_a_cluster_role_holds_in_its_namespace_alone() -> None:
    """A ClusterRole bound by a RoleBinding gives nothing outside the binding's namespace."""
    role = _role("r", _rule("get", "", "pods secrets"), {"verbs": ["get"], "nonResourceURLs": ["/metrics"]})
    imported = _read(role, _bind(role, "a"))
    assert _may(imported, "get:core/secrets", "c/namespaces/a/core/secrets/s")
    assert not _may(imported, "get:core/secrets", "c/namespaces/b/core/secrets/s")
    assert not _may(imported, "get:core/pods", "c/cluster/core/pods/")
    both = _read(role, _bind(role, "a"), _bind(role))
    assert _may(both, "get:core/secrets", "c/namespaces/b/core/secrets/s")


def test_namespace_called_like_a_group_or_resource_opens_no_other() -> None:
    """Rights in a namespace `apps` are none to things of the API group or the kind `apps` elsewhere."""
    role = _role("r", _rule("*", "*", "*"))
    imported = _read(role, _bind(role, "apps"))
    assert _may(imported, "get:apps/deployments", "c/namespaces/apps/apps/deployments/d")
    assert not _may(imported, "get:apps/deployments", "c/namespaces/b/apps/deployments/d")
    assert not _may(imported, "get:argo.example/apps", "c/namespaces/b/argo.example/apps/x")


def test_resource_names_limit_a_right_and_never_match_a_nameless_request() -> None:
    """A rule with names covers these objects alone, and neither `create` nor a whole collection."""
    role = _role("r", _rule("get create delete deletecollection", "", "secrets", "db"))
    imported = _read(role, _bind(role))
    assert _may(imported, "get:core/secrets", "c/namespaces/x/core/secrets/db")
    assert not _may(imported, "get:core/secrets", "c/namespaces/x/core/secrets/other")
    assert not _may(imported, "get:core/secrets", "c/namespaces/x/core/secrets/")
    assert not _may(imported, "create:core/secrets", "c/namespaces/x/core/secrets/db")
    wild = _role("w", _rule("*", "", "secrets", "db"))
    assert not _may(_read(wild, _bind(wild)), "create:core/secrets", "c/namespaces/x/core/secrets/db")
    tokens = _role("t", _rule("create", "", "serviceaccounts/token", "build"))
    place = ("create:core/serviceaccounts/token", "c/namespaces/x/core/serviceaccounts/build")
    assert _may(_read(tokens, _bind(tokens)), *place)


@pytest.mark.parametrize(
    ("rule", "danger"),
    [
        (_rule("escalate", API, "clusterroles"), "escalate"),
        (_rule("bind", API, "roles", "admin"), "bind"),
        (_rule("impersonate", "", "users"), "impersonate"),
        (_rule("impersonate", "authentication.k8s.io", "userextras/scopes"), "impersonate"),
        (_rule("create", "", "pods"), "create_pods"),
        (_rule("create", "batch", "cronjobs"), "create_pods"),
        (_rule("patch", "apps", "daemonsets"), "change_pods"),
        (_rule("create", "", "pods/exec"), "exec"),
        (_rule("get", "", "pods/exec"), "exec"),
        (_rule("get", "", "nodes/proxy"), "exec"),
        (_rule("create", "", "serviceaccounts/token"), "request_tokens"),
        (_rule("list", "", "secrets"), "read_secrets"),
        (
            _rule("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
            "approve_certificates",
        ),
    ],
)
def test_escalating_verbs_are_named(rule: dict[str, Any], danger: str) -> None:
    """escalate, bind, impersonate, making pods, exec, tokens and secrets are marked on the permission that gives them."""
    assert _dangers(_read(_role("r", rule))) == {danger}


def test_escalating_verbs_are_no_part_of_ordinary_ones() -> None:
    """A right to update roles is none to escalate or bind; `*` is one to all; `pods` is none to `pods/exec`."""
    writer = _role("r", _rule("get list create update patch delete", API, "roles clusterroles"))
    imported = _read(writer, _bind(writer))
    assert not _may(imported, f"escalate:{API}/clusterroles", f"c/cluster/{API}/clusterroles/x")
    assert _dangers(imported) == set()
    every = _role("e", _rule("*", API, "clusterroles"))
    assert _may(_read(every, _bind(every)), f"bind:{API}/clusterroles", f"c/cluster/{API}/clusterroles/x")
    pods = _role("p", _rule("create get", "", "pods"))
    assert not _may(_read(pods, _bind(pods)), "create:core/pods/exec", "c/namespaces/x/core/pods/p")


def test_two_clusters_share_no_identity_and_no_right() -> None:
    """The same manifests of two clusters give disjoint graphs, and rights in one are none in the other."""
    role = _role("r", _rule("*", "*", "*"), {"verbs": ["*"], "nonResourceURLs": ["*"]})
    one, two = (_read(role, _bind(role), cluster=name) for name in ("c", "c2"))
    assert not {node.key for node in one.nodes} & {node.key for node in two.nodes}
    assert _may(one, "get:core/pods", "c/namespaces/x/core/pods/p")
    assert not _may(one, "get:core/pods", "c2/namespaces/x/core/pods/p")
    for name in ("", "a/b", "a:b", "a*"):
        with pytest.raises(BadInput, match="--cluster"):
            _read(role, cluster=name)


def test_partial_stars_are_no_wildcards() -> None:
    """`get*` or `*` among names match nothing in Kubernetes, so they give nothing, and a note says so."""
    for rule in (_rule("ge*", "", "pods"), _rule("get", "", "po*"), _rule("get", "", "pods", "*")):
        role = _role("r", rule)
        imported = _read(role, _bind(role))
        assert not _may(imported, "get:core/pods", "c/namespaces/x/core/pods/p")
        assert "matches nothing" in imported.report.notes[0]


def test_a_plain_name_in_every_group_is_no_subresource() -> None:
    """`scale` in all API groups is the kind of that name, not the subresource of another."""
    role = _role("r", _rule("get", "*", "scale"))
    imported = _read(role, _bind(role))
    assert _may(imported, "get:x.example/scale", "c/namespaces/x/x.example/scale/s")
    assert not _may(imported, "get:x.example/scale/scale", "c/namespaces/x/x.example/scale/s")
    assert not _may(imported, "get:apps/deployments/scale", "c/namespaces/x/apps/deployments/d")


# -- subjects -----------------------------------------------------------------------------------------


def test_system_groups_hold_whom_they_hold() -> None:
    """Rights of `system:serviceaccounts:a` are those of its accounts; nodes and the anonymous user have groups too."""
    role = _role("r", _rule("get", "", "pods"))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta("job", "a")}
    imported = _read(role, account, _bind(role, kind="Group", name="system:serviceaccounts:a", apiGroup=API))
    assert _may(imported, "get:core/pods", "c/namespaces/x/core/pods/p")
    users = _read(
        role,
        _bind(role, kind="User", name="system:node:n1"),
        _bind(role, "a", kind="User", name="system:anonymous"),
    )
    assert ("identity:k8s:c:system:node:n1", "group:k8s:c:system:nodes") in _ends(users, "MEMBER_OF")
    anonymous = [end for start, end in _ends(users, "MEMBER_OF") if start.endswith("anonymous")]
    assert anonymous == ["group:k8s:c:system:unauthenticated"]


def test_system_masters_may_do_everything() -> None:
    """Whoever another source puts into `system:masters` may do all that the API server offers."""
    imported = _read(_role("r"))
    assert ("group:k8s:c:system:masters", "permission:k8s:c:system:masters") in _ends(imported, "GRANTED")


def test_a_role_that_is_not_there_gives_nothing_and_is_told() -> None:
    """A binding to an unknown role gives no right, and the report says what is missing."""
    role = _role("r", _rule("get", "", "pods"))
    imported = _read(_bind(role))
    assert not _may(imported, "get:core/pods", "c/namespaces/x/core/pods/p")
    assert "ClusterRole `r` is bound, but not in the input" in imported.report.incomplete[0]


# -- workloads ----------------------------------------------------------------------------------------


def _pod(spec: Any, name: str = "p", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _meta(name, "a"),
        "spec": {"serviceAccountName": "job", **spec},
        **more,
    }


POD = "resource:k8s:c/namespaces/a/core/pods/p"
NODE = "resource:k8s:c/cluster/core/nodes/n1"
KUBELET = "identity:k8s:c:system:node:n1"


def test_a_pod_runs_as_its_account_and_holds_its_token_unless_told_not_to() -> None:
    """RUNS_AS always; the token unless the pod, or else the account, says that it is not mounted."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta("job", "a")}
    quiet = {**account, "automountServiceAccountToken": False}
    projected = {"volumes": [{"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}
    for manifests, holds in (
        ([account, _pod({})], True),
        ([quiet, _pod({})], False),
        ([quiet, _pod({"automountServiceAccountToken": True})], True),
        ([account, _pod({"automountServiceAccountToken": False})], False),
        ([quiet, _pod(projected)], True),
    ):
        imported = _read(*manifests)
        assert _ends(imported, "RUNS_AS") == [(POD, JOB)]
        assert _ends(imported, "HOLDS_CREDENTIAL") == ([(POD, JOB)] if holds else [])


def test_a_token_secret_is_held_by_whoever_mounts_it() -> None:
    """A secret that is a token holds its account's credential, and so does a pod that mounts it; its data is not taken."""
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": _meta("t", "a", annotations={"kubernetes.io/service-account.name": "boss"}), "data": {"token": "c2VjcmV0"},
    }  # fmt: skip
    plain = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _meta("s", "a"),
        "stringData": {"x": "c2VjcmV0"},
    }
    spec = {
        "automountServiceAccountToken": False,
        "volumes": [{"secret": {"secretName": "t"}}],
        "containers": [{"envFrom": [{"secretRef": {"name": "s"}}]}],
    }
    imported = _read(secret, plain, _pod(spec))
    boss = "identity:k8s:c:system:serviceaccount:a:boss"
    held = "resource:k8s:c/namespaces/a/core/secrets/t"
    assert _ends(imported, "HOLDS_CREDENTIAL") == [(POD, boss), (held, boss)]
    (pod,) = [node for node in imported.nodes if node.key == POD]
    assert pod.properties["secrets"] == ["s", "t"]
    assert "c2VjcmV0" not in repr(imported)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ({"volumes": [{"hostPath": {"path": "/"}}]}, "host-path"),
        ({"containers": [{"securityContext": {"privileged": True}}]}, "privileged"),
        ({"initContainers": [{"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}, "capabilities"),
    ],
)
def test_a_pod_that_reaches_its_node_holds_the_nodes_identity(spec: dict[str, Any], label: str) -> None:
    """A privileged pod, one with the node's paths or namespaces, holds the node's credential; a plain one does not."""
    imported = _read(_pod({**spec, "nodeName": "n1"}))
    assert (POD, KUBELET) in _ends(imported, "HOLDS_CREDENTIAL")
    assert [node.labels for node in imported.nodes if node.key == POD] == [(label,)]
    plain = _ends(_read(_pod({"nodeName": "n1"})), "HOLDS_CREDENTIAL")
    assert plain == [(NODE, KUBELET), (NODE, JOB), (POD, JOB)]


@pytest.mark.parametrize(
    ("name", "label"), [("hostPID", "host-pid"), ("hostIPC", "host-ipc"), ("hostNetwork", "host-network")]
)
def test_namespaces_of_the_node_are_labelled_and_give_no_credential(name: str, label: str) -> None:
    """A pod in a namespace of its node is near to it, but does not hold the node's credential by that alone."""
    imported = _read(_pod({name: True, "nodeName": "n1"}))
    assert [node.labels for node in imported.nodes if node.key == POD] == [(label,)]
    assert (POD, KUBELET) not in _ends(imported, "HOLDS_CREDENTIAL")


def test_every_kind_of_workload_runs_as_somebody() -> None:
    """Deployments, stateful and daemon sets, jobs and cron jobs run as the account of their pods, `default` if none."""
    pod = {"spec": {"containers": [{"image": "i"}]}}
    kinds = {
        "Deployment": ("apps/v1", {"template": pod}), "StatefulSet": ("apps/v1", {"template": pod}),
        "DaemonSet": ("apps/v1", {"template": pod}), "ReplicaSet": ("apps/v1", {"template": pod}),
        "Job": ("batch/v1", {"template": pod}), "CronJob": ("batch/v1", {"jobTemplate": {"spec": {"template": pod}}}),
        "ReplicationController": ("v1", {"template": pod}),
    }  # fmt: skip
    for kind, (version, spec) in kinds.items():
        imported = _read({"apiVersion": version, "kind": kind, "metadata": _meta("w", "a"), "spec": spec})
        ((start, end),) = _ends(imported, "RUNS_AS")
        assert (
            start == f"resource:k8s:c/namespaces/a/{version.rpartition('/')[0] or 'core'}/{kind.lower()}s/w"
        )
        assert end == "identity:k8s:c:system:serviceaccount:a:default"


# -- forms of input -----------------------------------------------------------------------------------


def test_typed_lists_name_the_kind_of_their_items() -> None:
    """Items of a `RoleList` without kind and version are Roles."""
    role = {"metadata": _meta("r", "a"), "rules": [_rule("get", "", "pods")]}
    text = json.dumps({"apiVersion": f"{API}/v1", "kind": "RoleList", "items": [role]})
    assert kubernetes.read([(text, "k.json")], cluster="c").report.counts["roles"] == 1


def test_kinds_of_other_api_groups_are_not_taken_for_ours() -> None:
    """A custom resource that is called Role gives nothing and is counted."""
    other = {"apiVersion": "iam.aws.example/v1", "kind": "Role", "metadata": _meta("r", "a"), "rules": "any"}
    imported = _read(other)
    assert imported.report.counts["objects_without_meaning"] == 1
    assert imported.report.counts["roles"] == 0


def test_the_same_object_twice_is_one_and_two_different_ones_are_none() -> None:
    """Repeated objects are taken once; of two that differ nobody knows which holds, so neither gives a right."""
    role, other = _role("r", _rule("get", "", "pods")), _role("r", _rule("*", "", "pods"))
    assert _read(role, role, _bind(role)) == _read(role, _bind(role))
    with pytest.raises(BadInput, match=r"k\.json\.items\[1\]: ClusterRole `r` stands differently"):
        _read(role, other)
    for pair in ((role, other), (other, role)):
        imported = _read(*pair, _bind(role), strict=False)
        assert not _may(imported, "get:core/pods", "c/namespaces/x/core/pods/p")
        assert len(imported.report.skipped) == 2


@pytest.mark.parametrize(
    "bad",
    [
        "role",
        {"kind": "Role"},
        {"apiVersion": f"{API}/v1", "kind": "Role", "metadata": {}},
        _role("x", {"verbs": ["get"]}),
        _role("x", {"verbs": [], "apiGroups": [""], "resources": ["pods"]}),
        _role("x", {"verbs": "get", "apiGroups": [""], "resources": ["pods"]}),
        _role("x", {"verbs": ["get"], "nonResourceURLs": ["/x"], "apiGroups": [""], "resources": ["pods"]}),
        _role("x", {"verbs": ["get"], "nonResourceURLs": ["/x"]}, namespace="a"),
        {**_role("x"), "rules": "all"},
        {**_role("x"), "aggregationRule": {"clusterRoleSelectors": [{"matchLabel": {}}]}},
        _bind(_role("r"), "a", kind="ServiceAccount", name="job"),
        _bind(_role("r"), "a", kind="Robot", name="job"),
        _bind(_role("r", namespace="a")),
        {**_bind(_role("r")), "roleRef": {"kind": "ClusterRole", "name": "r", "apiGroup": "other"}},
        _pod({"containers": "none"}),
    ],
)
def test_malformed_objects_give_no_right_and_are_named(bad: Any) -> None:
    """A malformed object refuses the input by its place, or is left out and reported."""
    good = _role("r", _rule("get", "", "pods"))
    with pytest.raises(BadInput, match=r"k\.json\.items\[1\]"):
        _read(good, bad)
    imported = _read(good, bad, strict=False)
    assert len(imported.report.skipped) == 1
    assert not [node for node in imported.nodes if node.kind == "permission" and "clusterrole/x" in node.key]


BOMB = "\n".join(
    f"{name}: &{name} [{', '.join([inner] * 9)}]"
    for name, inner in zip("abcdef", ["x", "*a", "*b", "*c", "*d", "*e"], strict=True)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: [", r"`k\.yaml` is not YAML at line 2"),
        ("kind: Role\nkind: Role\n", "the key `kind` is given twice"),
        ("", "holds no objects"),
        ('{"kind": "List", "items": [', "not complete JSON"),
        (BOMB, "without bound"),
        ("a: &a [*a]\n", "without bound|recursive"),
        ("? [1]\n: 2\n", "YAML"),
        ("!!python/object:os.system x: 1\n", "YAML"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_refused(text: str, told: str) -> None:
    """Broken, doubled, exploding and executable YAML is refused with its file, whatever strictness."""
    with pytest.raises(BadInput, match=told):
        kubernetes.read([(text, "k.yaml")], cluster="c", strict=False)


def test_times_and_words_stay_what_kubernetes_takes_them_for() -> None:
    """A time is text, and so is a quoted `yes`."""
    text = f'apiVersion: {API}/v1\nkind: Role\nmetadata: {{name: "yes", namespace: a, creationTimestamp: 2024-01-01T00:00:00Z}}\nrules: []\n'
    imported = kubernetes.read([(text, "k.yaml")], cluster="c")
    assert "role:k8s:c:role/a/yes" in {node.key for node in imported.nodes}
