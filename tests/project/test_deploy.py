"""The files for Kubernetes agree with each other, with the image and with the settings; the chart is rendered where helm is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from graphsvc import __version__
from graphsvc.config import Settings
from tests.support.requirement import REPOSITORY, skip_or_fail

DEPLOY = REPOSITORY / "deploy"
KUSTOMIZE = DEPLOY / "kustomize"
CHART = DEPLOY / "helm" / "graphsvc"
MANIFESTS = sorted(path for path in KUSTOMIZE.rglob("*.yaml") if path.name != "kustomization.yaml")


def _load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def _check_pod(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    user = re.search(r"^USER (\d+)", (REPOSITORY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user is not None
    assert pod["securityContext"]["runAsUser"] == int(user[1])
    assert pod["automountServiceAccountToken"] is False
    for container in _containers(pod):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"]["drop"] == ["ALL"]
        # Where something is mounted there is a volume of that name, or a claim.
        for each in container.get("env", ()):
            assert not re.search(r"PASSWORD|SECRET|TOKEN", each["name"]), "secrets are files"
            field = each["name"].removeprefix("GRAPHSVC_").lower()
            assert field in Settings.model_fields, each["name"]
    (service,) = pod["containers"]
    assert {service[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")} == {
        "/readyz",
        "/livez",
    }
    assert pod["terminationGracePeriodSeconds"] >= 30


def _check_mounts(stateful: dict[str, Any]) -> None:
    pod = stateful["spec"]["template"]["spec"]
    volumes = {each["name"] for each in pod["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["spec"]["volumeClaimTemplates"]}
    for container in _containers(pod):
        assert {each["name"] for each in container["volumeMounts"]} <= volumes
    written = {each["mountPath"] for each in pod["containers"][0]["volumeMounts"] if not each.get("readOnly")}
    assert written == {"/var/lib/graphsvc", "/tmp"}


@pytest.mark.parametrize("folder", ["base", "overlays/neo4j"])
def test_every_file_that_kustomize_names_is_there_and_named(folder: str) -> None:
    """No resource is forgotten, none is missing."""
    place = KUSTOMIZE / folder
    named = _load(place / "kustomization.yaml")
    files = {each for each in named["resources"] if not each.startswith("..")}
    files |= {each["path"] for each in named.get("patches", ())}
    assert files == {path.name for path in place.glob("*.yaml")} - {"kustomization.yaml"}


def test_the_base_runs_without_rights() -> None:
    """Nobody is root, nothing is writable but state and tmp, no token of the cluster is there, every setting exists."""
    stateful = _load(KUSTOMIZE / "base" / "statefulset.yaml")
    _check_pod(stateful["spec"]["template"]["spec"])
    _check_mounts(stateful)
    assert stateful["spec"]["replicas"] == 1
    assert "sqlite:" in " ".join(stateful["spec"]["template"]["spec"]["containers"][0]["args"])


def test_more_replicas_than_one_have_a_store_for_it() -> None:
    """The overlay of three replicas is that of Neo4j, and names no password."""
    patch = _load(KUSTOMIZE / "overlays" / "neo4j" / "statefulset.yaml")
    arguments = " ".join(patch["spec"]["template"]["spec"]["containers"][0]["args"])
    assert patch["spec"]["replicas"] > 1
    assert re.search(r"neo4j://[^:@]+@", arguments)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(KUSTOMIZE)))
def test_a_policy_lets_in_one_port_and_out_to_names_and_the_store(path: Path) -> None:
    """No rule without ports, no rule without peers."""
    manifest = _load(path)
    assert manifest["metadata"]["name"] == "graphsvc"
    if manifest["kind"] != "NetworkPolicy":
        return
    for rule in manifest["spec"]["egress"]:
        assert rule["to"]
        assert {port["port"] for port in rule["ports"]} <= {53, 7687}
    for rule in manifest["spec"].get("ingress", ()):
        assert [port["port"] for port in rule["ports"]] == ["http"]


def test_the_chart_is_of_this_version() -> None:
    """What is installed by default is what the chart was written for."""
    chart = _load(CHART / "Chart.yaml")
    assert chart["version"] == chart["appVersion"] == __version__
    (image,) = _load(KUSTOMIZE / "base" / "kustomization.yaml")["images"]
    assert image["newTag"] == __version__


def test_every_value_that_a_template_reads_has_a_default() -> None:
    """A misspelled value would render as nothing."""
    values = _load(CHART / "values.yaml")
    for template in (CHART / "templates").iterdir():
        for name in re.findall(r"\.Values\.([A-Za-z0-9.]+)", template.read_text(encoding="utf-8")):
            held: Any = values
            for part in name.split("."):
                assert part in held, f"{template.name}: .Values.{name}"
                held = held[part]


def test_the_values_fit_their_schema() -> None:
    """The defaults pass; several replicas on SQLite, a password in the URL and a plain public address do not."""
    import jsonschema

    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = _load(CHART / "values.yaml")
    jsonschema.validate(values, schema)
    neo4j = {**values["store"]["neo4j"], "url": "neo4j://neo4j:secret@neo4j:7687/neo4j"}
    for wrong in (
        {"replicas": 3},
        {"publicUrl": "http://graphsvc.example"},
        {"store": {"kind": "neo4j", "neo4j": neo4j}},
        {"replica": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**values, **wrong}, schema)


@pytest.mark.parametrize("folder", ["base", "overlays/neo4j"])
def test_kustomize_renders(folder: str) -> None:
    """What is applied is whole: the patches of the overlay have met what they patch."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        skip_or_fail("kubectl", "kubectl is not installed; it renders without a cluster")
    done = subprocess.run(
        [kubectl, "kustomize", str(KUSTOMIZE / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rendered = {each["kind"]: each for each in YAML(typ="safe", pure=True).load_all(done.stdout)}
    assert {"ServiceAccount", "Service", "NetworkPolicy", "StatefulSet"} <= set(rendered)
    _check_pod(rendered["StatefulSet"]["spec"]["template"]["spec"])
    assert rendered["StatefulSet"]["spec"]["replicas"] == (1 if folder == "base" else 3)


def _rendered(*options: str) -> list[Any]:
    helm = os.environ.get("HELM") or shutil.which("helm")
    if helm is None:
        skip_or_fail("helm", "helm is not installed; `go install helm.sh/helm/v3/cmd/helm@latest` makes it")
    done = subprocess.run(
        [helm, "template", "one", str(CHART), "--kube-version", "1.31.0", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [each for each in YAML(typ="safe", pure=True).load_all(done.stdout) if each]


def test_the_chart_renders_what_the_base_is() -> None:
    """One replica on SQLite, without rights."""
    rendered = {each["kind"]: each for each in _rendered()}
    assert set(rendered) == {"ServiceAccount", "Service", "NetworkPolicy", "StatefulSet"}
    stateful = rendered["StatefulSet"]
    _check_pod(stateful["spec"]["template"]["spec"])
    _check_mounts(stateful)
    hosts = json.loads(stateful["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"])
    assert hosts == ["one", "one:8080"]


def test_the_chart_renders_replicas_on_neo4j() -> None:
    """Keys and password as files, a budget of disruptions, a way out to the store and to nothing else."""
    rendered = {
        each["kind"]: each
        for each in _rendered(
            "--set", "store.kind=neo4j,replicas=3,state.existingSecret=keys", "--set-string", "config=[oidc]"
        )
    }
    assert {"PodDisruptionBudget", "ConfigMap"} <= set(rendered)
    stateful = rendered["StatefulSet"]
    _check_pod(stateful["spec"]["template"]["spec"])
    _check_mounts(stateful)
    assert stateful["spec"]["replicas"] == 3
    assert len(rendered["NetworkPolicy"]["spec"]["egress"]) == 2


def test_the_chart_opens_the_ways_out_that_are_asked_for() -> None:
    """An identity provider or Redis is reached by a rule of the values, beside names."""
    further = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 443}]}
    rendered = _rendered("--set-json", f"networkPolicy.egress={json.dumps([further])}")
    (policy,) = [each for each in rendered if each["kind"] == "NetworkPolicy"]
    names, last = policy["spec"]["egress"]
    assert names["ports"][0]["port"] == 53
    assert last == further
