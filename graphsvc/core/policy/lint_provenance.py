"""Findings about a provenance table: gaps, and cells that reward a worse fact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.provenance import Provenance, Row

__all__ = ["provenance_findings"]

_Rows: TypeAlias = dict[tuple[str, int], tuple[int, Row]]
_WHENS: Final = ("requested", "delegated", "unrequested")
_SEVERITY: Final = {"permit": 0, "permit_if_described": 1, "escalate": 2, "deny": 3}
# From better to worse, in pairs: whatever the table, the second fact never deserves more than the first.
_ORDER: Final = (
    ("named_by_intent", "clean"), ("clean", "contested"), ("clean", "party"), ("named_by_intent", "designated_unique"),
    ("designated_unique", "designated_many"), ("designated_many", "from_untrusted"), ("designated", "from_untrusted"),
    ("party", "from_untrusted"), ("contested", "from_untrusted"), ("unprovenanced", "from_untrusted"),
)  # fmt: skip


def provenance_findings(policy: Policy) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    """(message, place, code) of each."""
    written = policy.provenance
    if written is None:
        return
    rows: _Rows = {
        (when, level): (at, row)
        for at, row in enumerate(written.table)
        for when in row.when
        for level in row.level
    }
    yield from _gaps(written, rows)
    yield from _milder(rows)


def _gaps(written: Provenance, rows: _Rows) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    for level in sorted(set(written.levels.values())):
        for when in _WHENS:
            if (when, level) not in rows:
                told = f"no row for `{when}` at level {level}, so every such action is denied; add one"
                yield told, ("provenance", "table"), "provenance_gap"


def _milder(
    rows: _Rows,
) -> Iterator[tuple[str, tuple[str | int, ...], str]]:
    for (when, level), (at, row) in rows.items():
        for better, worse in _ORDER:
            if _SEVERITY[getattr(row, worse)] < _SEVERITY[getattr(row, better)]:
                told = f"`{worse}` is treated milder than `{better}`, which is the better fact"
                yield told, ("provenance", "table", at, worse), "provenance_milder"
        above = rows.get((when, level - 1))
        if above is None:
            continue
        for fact in ("from_untrusted", "contested", "unprovenanced"):
            if _SEVERITY[getattr(row, fact)] < _SEVERITY[getattr(above[1], fact)]:
                told = (
                    f"`{fact}` is milder at level {level} than at level {level - 1}, which is easier to undo"
                )
                yield told, ("provenance", "table", at, fact), "provenance_milder"
