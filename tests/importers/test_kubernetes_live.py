"""A cluster read through its API: the same graph as of its dump, nothing but lists, and an account of what is refused."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphsvc.errors import BadInput, ClusterUnavailable
from graphsvc.importers import kubernetes
from graphsvc.importers.kubernetes_live import cluster_role, connect, read_live
from graphsvc.importers.result import Imported
from tests.importers.api_server import SERVED, ApiServer, Authority

API = "rbac.authorization.k8s.io"
VALUE = base64.b64encode(b"do-not-read-me").decode()
# A namespace with everything that matters: rights, an aggregated role, a workload, tokens, a node.
SMALL = f"""
{{apiVersion: v1, kind: Namespace, metadata: {{name: shop}}}}
---
{{apiVersion: v1, kind: Node, metadata: {{name: n1}}}}
---
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: default, namespace: shop}}}}
---
{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: web, namespace: shop}}, automountServiceAccountToken: false}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: shop, annotations: {{
  kubectl.kubernetes.io/last-applied-configuration: '{{"data":{{"password":"{VALUE}"}}}}'}}}},
  type: Opaque, data: {{password: {VALUE}}}}}
---
{{apiVersion: v1, kind: Secret, metadata: {{name: web-token, namespace: shop,
  annotations: {{kubernetes.io/service-account.name: web}}}},
  type: kubernetes.io/service-account-token, data: {{token: {VALUE}}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: settings, namespace: shop}}, data: {{a: b}}}}
---
{{apiVersion: {API}/v1, kind: ClusterRole, metadata: {{name: all}}, aggregationRule: {{clusterRoleSelectors: [
  {{matchLabels: {{to: all}}}}]}}, rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]}}
---
{{apiVersion: {API}/v1, kind: ClusterRole, metadata: {{name: part, labels: {{to: all}}}},
  rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]}}
---
{{apiVersion: {API}/v1, kind: Role, metadata: {{name: read, namespace: shop}},
  rules: [{{apiGroups: [""], resources: [secrets], verbs: [get, list]}}]}}
---
{{apiVersion: {API}/v1, kind: RoleBinding, metadata: {{name: read, namespace: shop}},
  roleRef: {{apiGroup: {API}, kind: Role, name: read}},
  subjects: [{{kind: ServiceAccount, name: web, namespace: shop}}]}}
---
{{apiVersion: {API}/v1, kind: ClusterRoleBinding, metadata: {{name: all}},
  roleRef: {{apiGroup: {API}, kind: ClusterRole, name: all}}, subjects: [{{kind: Group, name: staff}}]}}
---
{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, namespace: shop}}, spec: {{template: {{spec: {{
  serviceAccountName: web, containers: [{{name: a, image: "shop:1", securityContext: {{privileged: true}}}}],
  volumes: [{{name: t, secret: {{secretName: web-token}}}}]}}}}}}}}
---
{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly, namespace: shop}}, spec: {{jobTemplate: {{spec: {{
  template: {{spec: {{containers: [{{name: a, image: "job:1"}}]}}}}}}}}}}}}
---
{{apiVersion: v1, kind: Pod, metadata: {{name: loose}}, spec: {{nodeName: n1, containers: [{{name: a, image: "x:1"}}]}}}}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The one authority of this file."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def server(authority: Authority) -> Iterator[ApiServer]:
    """A server with the small cluster, which accepts the token `right`."""
    with ApiServer(yaml.safe_load_all(SMALL), authority) as served:
        served.behaviour.tokens = {"right"}
        yield served


def kubeconfig(folder: Path, url: str, user: dict[str, Any], **cluster: Any) -> str:
    """A kubeconfig with one context, `there`."""
    path = folder / "config"
    settings = {
        "apiVersion": "v1", "kind": "Config", "current-context": "there",
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(settings))
    return str(path)


Read = Callable[..., Imported]


@pytest.fixture
def read(server: ApiServer, authority: Authority, tmp_path: Path) -> Read:
    """Reads the server with the right token, or as said."""

    def run(
        user: dict[str, Any] | None = None,
        *,
        timeout_s: float = 10.0,
        namespaces: tuple[str, ...] = (),
        **cluster: Any,
    ) -> Imported:
        trust = {"certificate-authority": str(authority.file)}
        path = kubeconfig(tmp_path, server.url, user or {"token": "right"}, **(cluster or trust))
        connection = connect(kubeconfig=path, context="there", timeout_s=timeout_s)
        try:
            return read_live(connection, cluster="c", namespaces=namespaces)
        finally:
            connection.close()

    return run


def _same(live: Imported, served: ApiServer) -> bool:
    dumped = kubernetes.read([(served.dump(), "dump.json")], cluster="c")
    return (live.nodes, live.edges) == (dumped.nodes, dumped.edges)


def test_live_and_a_dump_of_the_same_cluster_give_the_same_graph(server: ApiServer, read: Read) -> None:
    """Nodes and edges are equal, those of secrets and of aggregated roles included; nothing is incomplete."""
    live = read()
    assert _same(live, server)
    assert live.report.incomplete == ()
    assert live.report.counts["secrets"] == 2
    assert live.report.counts["objects_without_meaning"] == 0


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["kube-prometheus-rbac.yaml", "ingress-nginx-deploy.yaml"])
def test_real_manifests_served_live_give_the_same_graph(
    real_data: Path, name: str, authority: Authority, tmp_path: Path
) -> None:
    """What two real projects deploy, in pages of three, as live objects and as a dump of them."""
    manifests = kubernetes_objects((real_data / "kubernetes" / name).read_text())
    with ApiServer(manifests, authority) as served:
        served.behaviour.most = 3
        path = kubeconfig(
            tmp_path, served.url, {"token": "t"}, **{"certificate-authority": str(authority.file)}
        )
        live = read_live(connect(kubeconfig=path, context=None, timeout_s=10), cluster="c")
        assert _same(live, served)
        assert live.report.counts["rules"] > 10


def kubernetes_objects(text: str) -> list[dict[str, Any]]:
    """The objects of a file, lists unfolded, those a server of these kinds can hold."""
    found: list[dict[str, Any]] = []
    for document in yaml.safe_load_all(text):
        found += document["items"] if document["kind"].endswith("List") else [document]
    return [each for each in found if each["kind"] in SERVED]


def test_only_lists_are_asked_for(server: ApiServer, read: Read) -> None:
    """Every request is a GET of the list of a kind, and each kind with a meaning is asked for once."""
    read()
    paths = [url.partition("?")[0] for _, url, _ in server.asked]
    served = {
        f"{f'/apis/{group}' if group else '/api'}/v1/{plural}"
        for group, plural, _ in SERVED.values()
        if plural not in {"configmaps", "namespaces", "services"}
    }
    assert {method for method, _, _ in server.asked} == {"GET"}
    assert sorted(paths) == sorted(served)
    assert all("watch" not in url for _, url, _ in server.asked)


def test_values_of_secrets_are_never_asked_for(server: ApiServer, read: Read) -> None:
    """Secrets are asked for as a table or as metadata, and what could hold a value beside that is dropped."""
    live = read()
    forms = [headers["accept"] for _, url, headers in server.asked if "/secrets" in url]
    assert forms
    assert all("as=Table" in form and "as=PartialObjectMetadataList" in form for form in forms)
    assert all("as=" in part for form in forms for part in form.split(","))
    # As an annotation it is metadata: that much a server does send.
    assert server.sent.count(VALUE.encode()) == 1
    assert VALUE not in str(live.nodes)
    assert VALUE not in str(live.report)


def test_whole_secrets_are_not_taken(server: ApiServer, read: Read) -> None:
    """A server that sends values although it was not asked for them is told, and nothing of it is used."""
    server.behaviour.careless = True
    live = read()
    assert live.report.counts["secrets"] == 0
    assert any("secrets (v1)" in told and "more than metadata" in told for told in live.report.incomplete)


def test_a_server_without_tables_still_tells_whose_tokens_there_are(server: ApiServer, read: Read) -> None:
    """Metadata alone has no types; tokens are known by whom they name."""
    server.behaviour.tables = False
    live = read()
    holders = {
        edge.end
        for edge in live.edges
        if edge.type == "HOLDS_CREDENTIAL" and "secrets/web-token" in edge.start
    }
    assert holders == {"identity:k8s:c:system:serviceaccount:shop:web"}


def test_a_server_that_knows_no_metadata_leaves_secrets_unknown(server: ApiServer, read: Read) -> None:
    """It answers 406, and the report says that secrets are missing."""
    server.behaviour.tables = None
    live = read()
    assert any(
        told.startswith("secrets (v1) of the cluster could not be listed") for told in live.report.incomplete
    )


def test_long_lists_come_in_pages(server: ApiServer, read: Read) -> None:
    """Pages of one object give the same graph."""
    server.behaviour.most = 1
    assert _same(read(), server)
    assert any("continue=" in url for _, url, _ in server.asked)
    assert all("limit=500" in url for _, url, _ in server.asked)


def test_a_list_whose_pages_expired_is_read_anew_in_one_piece(server: ApiServer, read: Read) -> None:
    """410 for a `continue` drops what was read of that list; nothing is taken twice."""
    server.behaviour.most, server.behaviour.expired = 1, 1
    live = read()
    assert _same(live, server)
    assert [url for _, url, _ in server.asked if "limit" not in url] == [f"/apis/{API}/v1/clusterroles"]


def test_what_may_not_be_listed_is_incomplete_and_says_what_would_permit_it(
    server: ApiServer, read: Read
) -> None:
    """403 names the resource and the rule; the rest is read."""
    server.behaviour.forbidden = {("secrets", ""), ("cronjobs", "")}
    live = read()
    told = " | ".join(live.report.incomplete)
    assert '{apiGroups: ["batch"], resources: ["cronjobs"], verbs: ["list"]}' in told
    assert '{apiGroups: [""], resources: ["secrets"], verbs: ["list"]}' in told
    assert "read their values" in told
    assert live.report.counts["workloads"] == 2


def test_absent_groups_are_none(server: ApiServer, read: Read) -> None:
    """A cluster without batch has no jobs; one without RBAC has rights that nobody can read."""
    server.behaviour.absent = {"batch", API}
    live = read()
    assert any("cronjobs (batch/v1)" in note for note in live.report.notes)
    assert not any("batch" in told for told in live.report.incomplete)
    assert any(f"clusterroles ({API}/v1)" in told for told in live.report.incomplete)


def test_nothing_listed_is_an_error_and_no_empty_cluster(server: ApiServer, read: Read) -> None:
    """An empty graph would look like a cluster where nobody may do anything."""
    server.behaviour.forbidden = {(plural, "") for _, plural, _ in SERVED.values()}
    with pytest.raises(ClusterUnavailable, match=r"lets us list nothing.*--print-cluster-role"):
        read()


def test_only_some_namespaces(server: ApiServer, read: Read) -> None:
    """Lists of a namespace are asked for where the whole may not be; what is left out is told."""
    server.behaviour.forbidden = {(plural, "") for _, plural, namespaced in SERVED.values() if namespaced}
    live = read(namespaces=("shop", "shpo"))
    assert live.report.counts["workloads"] == 2
    assert any("in the namespaces `shop`, `shpo` alone" in told for told in live.report.incomplete)
    assert any("namespace `shpo`" in note for note in live.report.notes)
    with pytest.raises(BadInput, match="--namespace"):
        read(namespaces=("../x",))


def test_a_busy_server_is_asked_again(server: ApiServer, read: Read) -> None:
    """429 and dropped connections are tried again; for ever busy is an error."""
    server.behaviour.busy = 2
    assert _same(read(), server)
    server.behaviour.dropped = 2
    assert _same(read(), server)
    server.behaviour.busy = 1000
    with pytest.raises(ClusterUnavailable, match="429"):
        read()


def test_an_answer_that_trickles_meets_the_time_out(server: ApiServer, read: Read) -> None:
    """Each byte comes in time, the whole does not."""
    server.behaviour.trickle_s = 0.02
    with pytest.raises(ClusterUnavailable, match=r"within 0\.3 s.*--timeout"):
        read(timeout_s=0.3)


def test_wrong_credentials_end_it(read: Read) -> None:
    """401 is no empty cluster."""
    with pytest.raises(ClusterUnavailable, match="does not accept the credentials"):
        read({"token": "wrong"})


def test_client_certificates(server: ApiServer, read: Read, authority: Authority) -> None:
    """A certificate is shown where the kubeconfig names one, as a file or as data."""
    certificate, key = authority.sign("reader")
    assert _same(read({"client-certificate": str(certificate), "client-key": str(key)}), server)
    data = {
        "client-certificate-data": base64.b64encode(certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(key.read_bytes()).decode(),
    }
    assert _same(read(data), server)


def test_credentials_from_a_plugin(server: ApiServer, read: Read, tmp_path: Path) -> None:
    """A program prints the token; one that fails is an error that says why, not a visit without credentials."""
    version = "client.authentication.k8s.io/v1"
    printed = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": {"token": "right"}})
    program = {"apiVersion": version, "command": sys.executable, "interactiveMode": "Never"}
    assert _same(read({"exec": {**program, "args": ["-c", f"print({printed!r})"]}}), server)
    asked = len(server.asked)
    with pytest.raises(BadInput, match=r"no credential: .*returned 3.*expired"):
        read(
            {
                "exec": {
                    **program,
                    "args": ["-c", "import sys; print('log in, it expired', file=sys.stderr); sys.exit(3)"],
                }
            }
        )
    assert len(server.asked) == asked


def test_logins_that_kubectl_dropped_are_refused(server: ApiServer, read: Read) -> None:
    """The client would renew such a token at a provider whom it does not verify."""
    provider = {
        "name": "oidc",
        "config": {"idp-issuer-url": server.url, "id-token": "a.b.c", "refresh-token": "r"},
    }
    with pytest.raises(BadInput, match=r"auth-provider.*exec"):
        read({"auth-provider": provider})
    assert server.asked == []


def test_the_account_of_the_pod(
    server: ApiServer, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a kubeconfig, the mounted token and authority are used, as in a pod."""
    (tmp_path / "token").write_text("right")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.url.rpartition(":")[2])
    mounted = "kubernetes.config.incluster_config.SERVICE_"
    monkeypatch.setattr(f"{mounted}TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{mounted}CERT_FILENAME", str(authority.file))
    assert _same(read_live(connect(kubeconfig=None, context=None, timeout_s=10), cluster="c"), server)
    monkeypatch.setattr(f"{mounted}TOKEN_FILENAME", str(tmp_path / "absent"))
    with pytest.raises(BadInput, match="account of this pod"):
        connect(kubeconfig=None, context=None, timeout_s=10)


def test_a_server_must_prove_who_it_is(server: ApiServer, read: Read, tmp_path: Path) -> None:
    """An authority that did not sign it ends in an error before any credential is sent; switching the proof off is refused."""
    other = Authority(tmp_path)
    with pytest.raises(ClusterUnavailable, match="does not prove who it is"):
        read(**{"certificate-authority": str(other.file)})
    with pytest.raises(BadInput, match="insecure-skip-tls-verify"):
        read(**{"insecure-skip-tls-verify": True})
    assert server.asked == []


def test_plain_http_is_for_this_machine_alone(tmp_path: Path) -> None:
    """`kubectl proxy` is fine; elsewhere a token would be readable on the way."""
    with ApiServer(yaml.safe_load_all(SMALL), None) as served:
        connection = connect(kubeconfig=kubeconfig(tmp_path, served.url, {}), context=None, timeout_s=10)
        assert _same(read_live(connection, cluster="c"), served)
    path = kubeconfig(tmp_path, "http://cluster.example:8080", {"token": "right"})
    with pytest.raises(BadInput, match="not https"):
        connect(kubeconfig=path, context=None, timeout_s=10)


def test_bad_kubeconfigs_are_told(tmp_path: Path) -> None:
    """A file that is absent, no YAML, or without the context is an error that names the options."""
    with pytest.raises(BadInput, match="--kubeconfig"):
        connect(kubeconfig=str(tmp_path / "absent"), context=None, timeout_s=10)
    path = kubeconfig(tmp_path, "https://x", {})
    with pytest.raises(BadInput, match="nowhere"):
        connect(kubeconfig=path, context="nowhere", timeout_s=10)
    (tmp_path / "bad").write_text("{")
    with pytest.raises(BadInput, match="cannot be used"):
        connect(kubeconfig=str(tmp_path / "bad"), context=None, timeout_s=10)


def test_an_unreachable_server_is_told(tmp_path: Path) -> None:
    """Nobody listens at the port."""
    with ApiServer([], None) as served:
        path = kubeconfig(tmp_path, served.url, {})
    with pytest.raises(ClusterUnavailable, match="cannot be reached"):
        read_live(connect(kubeconfig=path, context=None, timeout_s=2), cluster="c")


def test_the_printed_role_is_enough_for_all_but_secrets(server: ApiServer, read: Read) -> None:
    """A server that grants exactly that role refuses secrets alone; and it grants no more than lists."""
    role = yaml.safe_load(cluster_role())
    granted = {
        (group, plural)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
    }
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list"}
    server.behaviour.forbidden = {
        (plural, "") for group, plural, _ in SERVED.values() if (group, plural) not in granted
    }
    live = read()
    assert [told.partition(" ")[0] for told in live.report.incomplete] == ["secrets"]
    with_secrets = cluster_role().replace("  # - apiG", "  - apiG").replace("  #   ", "    ")
    assert {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]} in yaml.safe_load(with_secrets)[
        "rules"
    ]


def test_without_the_extra_the_fix_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is no part of the service."""
    monkeypatch.setitem(sys.modules, "kubernetes.client", None)
    with pytest.raises(BadInput, match=r"pip install 'graphsvc\[server,kubernetes\]'"):
        connect(kubeconfig=None, context=None, timeout_s=10)
