"""Estates in notebooks: questions answered as pandas frames and pictures.

    from graphsvc.notebook import Estate
    estate = Estate.aws("account.json")
    estate.findings()                                  # a frame
    estate.paths("arn:aws:iam::123456789012:user/ci", "admin")      # a picture, with .frame and .explained

Needs `graphsvc[server,notebooks]`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import anywidget
import msgspec
import pandas as pd
import traitlets

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.explore.choke import choke_points
from graphsvc.explore.combination import Combination, combinations
from graphsvc.explore.comparison import compare
from graphsvc.explore.cut import Cut, cut
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.finding import findings
from graphsvc.explore.naming import identity_named, wanted
from graphsvc.explore.path import Path as Way
from graphsvc.explore.path import blast_radius, paths
from graphsvc.explore.picture import (
    Picture,
    counted,
    picture_of_combinations,
    picture_of_cut,
    picture_of_paths,
)
from graphsvc.explore.sentence import explained
from graphsvc.explore.svg import to_dot, to_svg
from graphsvc.explore.way_graph import way_graph
from graphsvc.explore.what_if import edge_from_text, what_if
from graphsvc.importers import aws, graph_jsonl, kubernetes
from graphsvc.importers.result import Imported
from graphsvc.packs import PACKS, RIGHTS_PACKS, pack_file, pack_text
from graphsvc.packs.sample import estate_text

__all__ = ["Drawing", "Estate", "GraphView", "graphsvc", "pack_path"]

_DRAWN = 12
# In a process of its own: a notebook has an event loop already.
_COMMAND = "from graphsvc.cli.main import app; app()"


class GraphView(anywidget.AnyWidget):
    """A picture that can be moved (drag) and enlarged (wheel); where no widget runs it is the same picture, standing still."""

    _esm = """
export function render({ model, el }) {
  const draw = () => {
    el.innerHTML = model.get("svg");
    const svg = el.querySelector("svg");
    if (!svg) return;
    svg.style.maxWidth = "100%";
    svg.style.cursor = "grab";
    const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
    let x = 0, y = 0, scale = 1, from = null;
    const show = () => svg.setAttribute("viewBox", `${x} ${y} ${w / scale} ${h / scale}`);
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const before = scale;
      scale = Math.min(8, Math.max(0.5, scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15)));
      const box = svg.getBoundingClientRect();
      x += ((event.clientX - box.left) / box.width) * (w / before - w / scale);
      y += ((event.clientY - box.top) / box.height) * (h / before - h / scale);
      show();
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, x, y]; });
    svg.addEventListener("pointermove", (event) => {
      if (!from) return;
      const box = svg.getBoundingClientRect();
      x = from[2] - ((event.clientX - from[0]) / box.width) * (w / scale);
      y = from[3] - ((event.clientY - from[1]) / box.height) * (h / scale);
      show();
    });
    for (const end of ["pointerup", "pointerleave"]) svg.addEventListener(end, () => { from = null; });
  };
  model.on("change:svg", draw);
  draw();
}
"""
    svg = traitlets.Unicode("").tag(sync=True)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        data, more = found if isinstance(found, tuple) else (found, {})
        return {**(data or {}), "image/svg+xml": self.svg}, more


@dataclass(frozen=True)
class Drawing:
    """A picture with the table behind it, and, for paths, the words. truncated: a limit ended the search."""

    picture: Picture
    frame: pd.DataFrame
    explained: str = ""
    truncated: bool = False

    def _repr_svg_(self) -> str:
        return to_svg(self.picture)

    @property
    def dot(self) -> str:
        """For Graphviz."""
        return to_dot(self.picture)

    def interactive(self) -> GraphView:
        """The picture as a widget."""
        return GraphView(svg=to_svg(self.picture))


class Estate:
    """A graph with packs, in memory. policies: packs to ask with; the shipped ones about rights if not given."""

    def __init__(
        self, nodes: Iterable[Node], edges: Iterable[Edge], policies: Sequence[Policy] | None = None
    ) -> None:
        self.nodes, self.edges = list(nodes), list(edges)
        self.policies = (
            [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
            if policies is None
            else list(policies)
        )
        self.report: Mapping[str, int] = {}
        self._view: EstateView | None = None

    @classmethod
    def _of(cls, read: Imported, policies: Sequence[Policy] | None) -> Self:
        made = cls(read.nodes, read.edges, policies)
        made.report = read.report.counts
        return made

    @classmethod
    def sample(cls, policies: Sequence[Policy] | None = None) -> Self:
        """The sample company."""
        return cls._of(graph_jsonl.read(estate_text(), "estate.jsonl"), policies)

    @classmethod
    def jsonl(cls, path: str | Path, policies: Sequence[Policy] | None = None) -> Self:
        """A graph file, as `graphsvc export jsonl` writes it."""
        return cls._of(graph_jsonl.read(Path(path).read_text("utf-8"), str(path)), policies)

    @classmethod
    def aws(
        cls,
        path: str | Path,
        *,
        companions: aws.Companions | None = None,
        policies: Sequence[Policy] | None = None,
    ) -> Self:
        """An account dump."""
        return cls._of(aws.read(Path(path).read_bytes(), Path(path).name, companions=companions), policies)

    @classmethod
    def kubernetes(
        cls, *files: str | Path, cluster: str = "cluster", policies: Sequence[Policy] | None = None
    ) -> Self:
        """A cluster's manifests or dumps."""
        read = kubernetes.read(
            [(Path(file).read_bytes(), Path(file).name) for file in files], cluster=cluster
        )
        return cls._of(read, policies)

    @property
    def view(self) -> EstateView:
        """Everything indexed, once."""
        if self._view is None:
            self._view = view_of(self.nodes, self.edges, self.policies)
        return self._view

    def without(self, *edges: str) -> Estate:
        """The same with some edges fewer, each written `identity:a -GRANTED-> permission:p`."""
        gone = {(edge.type, edge.start, edge.end) for edge in map(edge_from_text, edges)}
        left = [edge for edge in self.edges if (edge.type, edge.start, edge.end) not in gone]
        return Estate(self.nodes, left, self.policies)

    def combinations(self, identity: str | None = None, pattern: str | None = None) -> Drawing:
        """Toxic combinations of rights: a row each."""
        asked = [identity_named(self.view, identity)] if identity else self.view.identities()
        found = list(combinations(self.view, asked, pattern=pattern))
        rows = [_combination_row(each) for each in found]
        note = f"{len(found) - _DRAWN} more are not drawn" if len(found) > _DRAWN else ""
        picture = (
            picture_of_combinations(found[:_DRAWN], note=note)
            if found
            else Picture("no combination of rights")
        )
        return Drawing(picture, pd.DataFrame(rows))

    def findings(self, today: date | None = None) -> pd.DataFrame:
        """The same grouped and ranked."""
        found = findings(
            combinations(self.view, self.view.identities()),
            self.view.ruleset,
            today=today or datetime.now(UTC).date(),
        )
        names = ("severity", "pattern", "title", "gives", "certainty", "fingerprint")
        rows = [
            {**{name: getattr(each, name) for name in names}, "identities": len(each.identities), "such as": each.identities[0]}
            for each in found
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def paths(self, start: str, to: str | None = None, *, max_hops: int = 16, limit: int = 100) -> Drawing:
        """Who an identity can become and what it can touch, by the shortest way to each."""
        key = identity_named(self.view, start, "start")
        found, truncated = paths(self.view, key, wanted(self.view, to), max_hops=max_hops, limit=limit)
        titles = {pattern.id: pattern.title for pattern in self.view.ruleset.patterns}
        rows = [
            {"path": number, **_hop_row(hop)} for number, path in enumerate(found, 1) for hop in path.hops
        ]
        note = f"{len(found) - _DRAWN} more are not drawn" if len(found) > _DRAWN else ""
        picture = picture_of_paths(found[:_DRAWN], note=note) if found else Picture("no path")
        words = "\n".join(explained(path, titles) for path in found[:_DRAWN])
        return Drawing(picture, pd.DataFrame(rows), words, truncated)

    def blast_radius(self, start: str, *, max_hops: int = 16) -> pd.DataFrame:
        """Everything an identity can become or touch."""
        key = identity_named(self.view, start, "start")
        reached = blast_radius(self.view, key, max_hops=max_hops)
        rows = []
        for node in reached.came:
            if node != key:
                path = reached.path_to(node)
                rows.append({"node": node, "hops": len(path.hops), "how": path.hops[-1].how})
        return pd.DataFrame(rows, columns=["node", "hops", "how"]).sort_values(
            ["hops", "node"], ignore_index=True
        )

    def choke_points(self, to: str = "admin", limit: int = 20) -> pd.DataFrame:
        """What all ways of many identities go through."""
        starts = self.view.identities()
        found = choke_points(way_graph(self.view, starts), starts, wanted(self.view, to), limit=limit)
        rows = [
            {"point": each.node or f"{each.start} -> {each.end}", "how": each.how, "cuts off": each.cuts_off}
            for each in found.points
        ]
        return pd.DataFrame(rows)

    def cut(
        self, to: str = "admin", starts: Sequence[str] | None = None, pinned: Sequence[str] = ()
    ) -> Drawing:
        """The smallest set of grants to remove. Needs the extra `explore`."""
        kept = [edge_from_text(each, "pinned") for each in pinned]
        found = cut(
            self.nodes,
            self.edges,
            self.policies,
            lambda view: [identity_named(view, each) for each in starts] if starts else view.identities(),
            lambda view: wanted(view, to),
            pinned=[(edge.type, edge.start, edge.end) for edge in kept],
            view=self.view,
        )
        rows = [
            {"remove": f"{begin} -{kind}-> {end}", "ways": found.severed.get((kind, begin, end), 0)}
            for kind, begin, end in found.removed or ()
        ]
        title = f"{counted(len(rows), 'grant')} to remove, so that nobody gets to {to}"
        picture = picture_of_cut(*_cut_shown(found), _DRAWN, title=title)
        proof = "proven smallest" if found.proven else f"at least {found.at_least} are needed"
        return Drawing(picture, pd.DataFrame(rows), proof, found.truncated)

    def what_if(self, add: Sequence[str] = (), remove: Sequence[str] = ()) -> pd.DataFrame:
        """Which combinations would appear and which would vanish."""
        found = what_if(
            self.nodes, self.edges, self.policies,
            add=[edge_from_text(each) for each in add], remove=[edge_from_text(each) for each in remove],
        )  # fmt: skip
        return pd.DataFrame(
            [
                {"change": change, **_combination_row(each)}
                for change, some in (("appears", found.appears), ("vanishes", found.vanishes))
                for each in some
            ]
        )

    def compared_with(self, before: Estate) -> pd.DataFrame:
        """What got worse and better since another state."""
        found = compare(before.view, self.view)
        rows: list[dict[str, Any]] = [
            {"change": change, **_combination_row(each)}
            for change, some in (("worse", found.appears), ("better", found.vanishes))
            for each in some
        ]
        rows += [{"change": "worse", "identity": each, "gives": "every right"} for each in found.raised]
        rows += [{"change": "better", "identity": each, "gives": "every right"} for each in found.lowered]
        return pd.DataFrame(rows)


def graphsvc(*arguments: str | Path, codes: Sequence[int] = (0,)) -> pd.DataFrame | str:
    """Run the command line; lines of JSON come back as a frame, anything else as text. An exit code not in `codes` raises."""
    ended = subprocess.run(
        [sys.executable, "-c", _COMMAND, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if ended.returncode not in codes:
        raise RuntimeError(ended.stderr.strip() or ended.stdout.strip())
    lines = [line for line in ended.stdout.splitlines() if line.strip()]
    if lines and all(line.startswith("{") and line.endswith("}") for line in lines):
        return pd.DataFrame([msgspec.json.decode(line) for line in lines])
    return ended.stdout


def pack_path(name: str) -> Path:
    """A file with the text of a shipped pack, for commands that take files."""
    if name not in (*PACKS, *RIGHTS_PACKS):
        pack_file(name)
    path = Path(tempfile.mkdtemp(prefix="graphsvc-")) / pack_file(name)
    path.write_text(pack_text(name), encoding="utf-8")
    return path


def _cut_shown(found: Cut) -> tuple[list[tuple[str, str, str]], list[Way]]:
    ways = list(found.ways)[:_DRAWN] if found.uncut is None else [found.uncut]
    nodes = {node for way in ways for hop in way.hops for node in (hop.start, hop.end)}
    return [edge for edge in found.removed or () if edge[1] in nodes or edge[2] in nodes], ways


def _combination_row(found: Combination) -> dict[str, Any]:
    return {
        "identity": found.identity,
        "pattern": found.pattern,
        "severity": found.severity,
        "certainty": found.certainty,
        "gives": found.gives or "",
        "whom": ", ".join(found.values),
        "rights": " + ".join(held.right for held in found.permissions),
    }


def _hop_row(hop: Any) -> dict[str, Any]:
    return {
        "from": hop.start,
        "to": hop.end,
        "how": hop.how,
        "pattern": hop.pattern or "",
        "rights": " + ".join(hop.rights),
        "if": "; ".join(hop.conditions),
        "certainty": hop.certainty,
    }
