"""Importers of others: an installed distribution brings one, and what it gives is checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.errors import BadInput
from graphsvc.importers.plugin import checked, find_importer, importer_names
from graphsvc.importers.result import Imported, Report
from tests.cli.command import graphsvc

CODE = """
from graphsvc.core.graph import Node
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector

def read(files, *, strict, options):
    collector = Collector(strict=strict)
    for data, file in files:
        for number, line in enumerate(data.decode().splitlines(), 1):
            if not line.isidentifier():
                collector.skip(f"{file}:{number}", f"`{line}` is no name")
                continue
            collector.node(Node(key=f"identity:{options.get('prefix', '')}{line}", fields={"kind": "human"}))
    return collector.finish()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with a distribution that brings the importer `names`."""
    site = tmp_path / "site"
    info = site / "graphsvc_names-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "graphsvc_names.py").write_text(CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: graphsvc-names\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[graphsvc.importers]\nnames = graphsvc_names:read\naws = graphsvc_names:read\nbroken = nowhere:read\n"
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("graphsvc_names", None)


def test_an_installed_importer_is_a_command(installed: Path) -> None:
    """`graphsvc import names` reads, compares, stores and reports like our own."""
    (installed / "people.txt").write_text("ann\nbob\n")
    assert "names" in graphsvc("import", "--help").out
    arguments = (
        "import",
        "names",
        "people.txt",
        "--source",
        "people",
        "--option",
        "prefix=x-",
        "--format",
        "json",
    )
    tried = graphsvc(*arguments, "--dry-run")
    assert tried.json()["diff"]["nodes"]["added"] == ["identity:x-ann", "identity:x-bob"]
    assert graphsvc(*arguments).json()["counts"]["nodes"] == 2
    assert '"id":"x-ann"' in graphsvc("export", "jsonl").out


def test_its_skips_and_errors_are_told_like_our_own(installed: Path) -> None:
    """A malformed part refuses everything, or is reported as skipped."""
    (installed / "people.txt").write_text("ann\n1x\n")
    refused = graphsvc("import", "names", "people.txt", "--source", "p")
    assert (refused.code, "people.txt:2" in refused.error) == (2, True)
    lenient = graphsvc("import", "names", "people.txt", "--source", "p", "--lenient", "--format", "json")
    assert [skip["place"] for skip in lenient.json()["skipped"]] == ["people.txt:2"]


def test_ours_cannot_be_replaced_and_broken_ones_are_told(installed: Path) -> None:
    """A package that brings `aws` does not change `import aws`; one that cannot be loaded is an error."""
    (installed / "people.txt").write_text("ann\n")
    assert "not JSON" in graphsvc("import", "aws", "people.txt", "--source", "p").error
    assert importer_names() == ["aws", "broken", "names"]
    with pytest.raises(BadInput, match=r"`broken`.*cannot be loaded"):
        find_importer("broken")
    with pytest.raises(BadInput, match="no importer `none` is installed"):
        find_importer("none")


def test_what_an_importer_gives_is_checked() -> None:
    """Keys, edge types and ends that the graph does not take refuse the import, or are skipped."""
    ann = Node(key="identity:ann")
    nodes = (ann, Node(key="person:x"), Node(key="permission:p", fields={"effect": "maybe"}))
    edges = (
        Edge(type="LIKES", start=ann.key, end=ann.key),
        Edge(type="KNOWS", start=ann.key, end="identity:gone"),
        Edge(type="KNOWS", start=ann.key, end=ann.key),
    )
    given = Imported(nodes=nodes, edges=edges, report=Report(counts={"seen": 3}, notes=("n",)))
    with pytest.raises(BadInput, match="person"):
        checked(given, "x", strict=True)
    taken = checked(given, "x", strict=False)
    assert (taken.nodes, taken.edges) == ((ann,), edges[2:])
    assert len(taken.report.skipped) == 4
    assert (taken.report.counts["seen"], taken.report.notes) == (3, ("n",))
    with pytest.raises(BadInput, match="no `Imported`"):
        checked([], "x", strict=False)
