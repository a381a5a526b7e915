"""The real estates, imported and asked as the command line asks, and the labels of their findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from graphsvc.core.policy.load import load_policy
from graphsvc.explore.combination import combinations
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.finding import Finding, findings
from graphsvc.importers import aws, kubernetes
from graphsvc.importers.aws import read_managed_policies
from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text

__all__ = ["ESTATES", "Label", "counted", "found", "labels", "precision", "silent", "table", "view"]

ESTATES = ("account-large", "account-small", "kube-prometheus-rbac", "ingress-nginx-deploy")
_LABELS = Path(__file__).with_name("labels.yaml")


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of one finding: right, wrong or unsure, and the statement that causes it."""

    finding: str
    pattern: str
    identities: tuple[str, ...]
    certainty: str
    label: str
    cause: str


@cache
def _written() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_LABELS.read_text("utf-8"))
    return loaded


def labels(estate: str) -> list[Label]:
    """All labels of an estate."""
    return [msgspec.convert(each, Label) for each in _written()[estate]]


def silent(estate: str) -> dict[str, str]:
    """Names of identities that no finding may be about, with the reason."""
    return dict(_written()["silent"].get(estate, {}))


@cache
def view(folder: Path, estate: str) -> EstateView:
    """An estate with the shipped packs about rights held."""
    packs = [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
    if estate.startswith("account"):
        published = folder / "aws" / "managed-policies.jsonl.gz"
        data = (folder / "aws" / f"{estate}.json").read_bytes()
        imported = aws.read(
            data, estate, managed_policies=read_managed_policies(published.read_bytes(), str(published))
        )
    else:
        data = (folder / "kubernetes" / f"{estate}.yaml").read_bytes()
        imported = kubernetes.read([(data, estate)], cluster="k8s")
    return view_of(imported.nodes, imported.edges, packs)


def found(folder: Path, estate: str) -> list[Finding]:
    """What `graphsvc explore findings` lists."""
    asked = view(folder, estate)
    return findings(combinations(asked, asked.identities()), asked.ruleset, today=date(2026, 11, 29))


def counted(estate: str) -> Counter[str]:
    """How many findings have each label."""
    return Counter(each.label for each in labels(estate))


def precision(counts: Counter[str]) -> float:
    """Right ones of those that can be judged."""
    judged = counts["right"] + counts["wrong"]
    return counts["right"] / judged if judged else 1.0


def table() -> str:
    """The published figures, as Markdown."""
    total: Counter[str] = Counter()
    lines = ["| estate | findings | right | wrong | unsure | precision |", "|---|---|---|---|---|---|"]
    for estate in (*ESTATES, "all"):
        counts = counted(estate) if estate != "all" else total
        if counts is not total:
            total += counts
        cells = [sum(counts.values()), *(counts[name] for name in ("right", "wrong", "unsure"))]
        lines.append(f"| {estate} | {' | '.join(map(str, cells))} | {precision(counts):.0%} |")
    return "\n".join(lines)
