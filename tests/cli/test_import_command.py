"""`graphsvc import` and `export` of whole estates, as a user types them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.command import graphsvc
from tests.importers.api_server import ApiServer


def test_a_dry_run_tells_what_would_change(filled: Path) -> None:
    """Added, changed and removed facts of the source are listed; other sources do not count, nothing is stored."""
    (filled / "more.jsonl").write_text(
        '{"node":{"type":"identity","id":"bot","kind":"agent","status":"active"}}\n'
        '{"node":{"type":"identity","id":"carol","kind":"human"}}\n'
        '{"edge":{"type":"KNOWS","from":"identity:carol","to":"identity:bot"}}\n'
    )
    before = graphsvc("export", "jsonl").out
    arguments = ("import", "jsonl", "more.jsonl", "--source", "hr", "--dry-run")
    tried = graphsvc(*arguments, "--replace", "--format", "json").json()["diff"]
    assert tried["nodes"]["added"] == ["identity:carol"]
    assert tried["nodes"]["changed"] == ["identity:bot"]
    assert "permission:p1" in tried["nodes"]["removed"]
    assert tried["edges"]["added"] == ["KNOWS identity:carol -> identity:bot"]
    assert graphsvc(*arguments, "--format", "json").json()["diff"]["nodes"]["removed"] == []
    other = graphsvc("import", "jsonl", "more.jsonl", "--source", "new", "--dry-run").out
    assert "nodes: 2 added, 0 changed, 0 removed" in other
    assert "  + identity:carol" in other
    assert graphsvc("export", "jsonl").out == before


def test_importing_the_same_again_changes_nothing(filled: Path) -> None:
    """The second import of a file tells of no change."""
    out = graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr", "--replace").out
    assert "nodes: 0 added, 0 changed, 0 removed" in out
    assert "edges: 0 added, 0 changed, 0 removed" in out


def test_a_strict_import_stores_all_or_nothing(folder: Path) -> None:
    """One bad line leaves the store without the rest; with --lenient the rest is stored and the line told."""
    (folder / "bad.jsonl").write_text(
        '{"node":{"type":"identity","id":"ann"}}\n{"node":{"type":"ghost","id":"x"}}\n'
    )
    assert graphsvc("import", "jsonl", "bad.jsonl", "--source", "s").code == 2
    assert "ann" not in graphsvc("export", "jsonl").out
    ended = graphsvc("import", "jsonl", "bad.jsonl", "--source", "s", "--lenient")
    assert "skipped: bad.jsonl:2" in ended.out
    assert "ann" in graphsvc("export", "jsonl").out


def test_a_real_cluster_goes_in_and_decides(folder: Path, real_data: Path) -> None:
    """A real monitoring stack is imported; its accounts may do what their roles say, and no more."""
    manifests = real_data / "kubernetes" / "kube-prometheus-rbac.yaml"
    assert graphsvc("import", "kubernetes", manifests, "--source", "prod").code == 0
    asked = {
        "chain": "c1",
        "subject": {"type": "service", "id": "k8s:prod:system:serviceaccount:monitoring:kube-state-metrics"},
        "action": {"name": "k8s:list:core/secrets"},
        "resource": {"type": "k8s", "id": "prod/namespaces/shop/core/secrets/"},
    }
    (folder / "r.json").write_text(json.dumps(asked))
    assert graphsvc("evaluate", "r.json").code == 0
    (folder / "r.json").write_text(json.dumps({**asked, "action": {"name": "k8s:get:core/secrets"}}))
    assert graphsvc("evaluate", "r.json").code == 1


def test_all_formats_of_one_graph_come_back_alike(folder: Path, real_data: Path) -> None:
    """A real cluster out as OpenGraph and as JSON Lines, and in again, is the same graph."""
    manifests = real_data / "kubernetes" / "ingress-nginx-deploy.yaml"
    graphsvc("import", "kubernetes", manifests, "--source", "prod", "--cluster", "eu-1")
    graphsvc("export", "jsonl", "-o", "one.jsonl")
    for form, file in (("opengraph", "g.json"), ("jsonl", "g.jsonl")):
        assert graphsvc("export", form, "-o", file).code == 0
        store = f"sqlite:///{form}.db"
        assert graphsvc("import", form, file, "--source", "copy", "--store", store).code == 0
        graphsvc("export", "jsonl", "-o", "two.jsonl", "--store", store)
        assert (folder / "one.jsonl").read_bytes() == (folder / "two.jsonl").read_bytes()
    assert graphsvc("export", "cypher").out.count("MERGE (n:Permission") == 1


def test_tables_and_tools_go_in(folder: Path) -> None:
    """A CSV file by a mapping, and an MCP tool list with the pack that declares its tools."""
    (folder / "t.csv").write_text("who\nann\n")
    (folder / "m.toml").write_text('[[rows]]\nnode = {type = "identity", id = "{who}", kind = "human"}\n')
    assert graphsvc("import", "csv", "t.csv", "--source", "hr", "--mapping", "m.toml").code == 0
    (folder / "t.jsonl").write_text('{"who":"bob"}\n')
    assert graphsvc("import", "jsonl", "t.jsonl", "--source", "idp", "--mapping", "m.toml").code == 0
    tools = {"tools": [{"name": "send", "inputSchema": {"properties": {"to": {}}}}]}
    (folder / "tools.json").write_text(json.dumps(tools))
    ended = graphsvc("import", "mcp", "tools.json", "--source", "mail", "--pack", "mail.yaml")
    assert "able to do anything" in ended.out
    assert graphsvc("policy", "lint", "mail.yaml").code == 0
    out = graphsvc("export", "jsonl").out
    assert all(f'"id":"{name}"' in out for name in ("ann", "bob", "mail:send"))


def test_what_an_import_no_longer_says_goes_from_the_drawing_too(folder: Path) -> None:
    """Properties of nodes and edges that the second import of a source lacks are not in the drawn graph."""
    lines = (
        '{{"node":{{"type":"identity","id":"ann","kind":"human","properties":{{{node}}}}}}}\n'
        '{{"node":{{"type":"group","id":"g"}}}}\n'
        '{{"edge":{{"type":"MEMBER_OF","from":"identity:ann","to":"group:g","properties":{{{edge}}}}}}}\n'
    )
    for node, edge in (('"team":"red","mfa":true', '"since":2024'), ('"team":"blue"', "")):
        (folder / "hr.jsonl").write_text(lines.format(node=node, edge=edge))
        assert graphsvc("import", "jsonl", "hr.jsonl", "--source", "hr", "--replace").code == 0
    with closing(sqlite3.connect(folder / "graphsvc.db-graph")) as store:
        drawn_node = json.loads(
            store.execute("SELECT properties FROM node WHERE key = 'identity:ann'").fetchone()[0]
        )
        drawn_edge = store.execute("SELECT properties FROM edge WHERE type = 'MEMBER_OF'").fetchone()[0]
    assert drawn_node == {"id": "ann", "kind": "human", "team": "blue"}
    assert json.loads(drawn_edge) == {}


def test_a_cluster_is_read_live(folder: Path) -> None:
    """`--live` stores what the server lists, and tells what it may not list and what would permit it."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}}
    with ApiServer([account], None) as served:
        served.behaviour.forbidden = {("secrets", "")}
        config = {
            "current-context": "there", "clusters": [{"name": "c", "cluster": {"server": served.url}}], "users": [],
            "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
        }  # fmt: skip
        (folder / "config").write_text(json.dumps(config))
        arguments = (
            "import",
            "kubernetes",
            "--live",
            "--kubeconfig",
            "config",
            "--source",
            "prod",
            "--replace",
        )
        ended = graphsvc(*arguments)
        assert ended.code == 0
        assert f"note: read from `{served.url}` by listing alone" in ended.out
        assert (
            "incomplete: secrets (v1) of the cluster may not be listed; permit it with the rule" in ended.out
        )
        assert "k8s:prod:system:serviceaccount:shop:web" in graphsvc("export", "jsonl").out
        served.behaviour.tokens = {"another"}
        refused = graphsvc(*arguments)
    assert (refused.code, refused.out) == (3, "")
    assert "does not accept the credentials" in refused.err
    assert "k8s:prod:system:serviceaccount:shop:web" in graphsvc("export", "jsonl").out


def test_files_or_a_live_cluster(folder: Path) -> None:
    """Neither and both are errors that say so; the role that --live needs is printed without anything else."""
    assert "or read the cluster by --live" in graphsvc("import", "kubernetes", "--source", "p").err
    both = graphsvc("import", "kubernetes", "x.yaml", "--live", "--source", "p")
    assert (both.code, "leave one of them out" in both.err) == (2, True)
    lone = graphsvc("import", "kubernetes", "x.yaml", "--context", "c", "--source", "p")
    assert (lone.code, "--live" in lone.err) == (2, True)
    printed = graphsvc("import", "kubernetes", "--print-cluster-role")
    assert (printed.code, "kind: ClusterRole" in printed.out) == (0, True)
