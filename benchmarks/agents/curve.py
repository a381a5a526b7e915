"""The trade-off: the shipped table made laxer and stricter, step by step, and what each step costs and lets through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from graphsvc.packs import pack_text

__all__ = ["STEPS", "picture", "step_texts"]

_Table = dict[str, Any]
_FACTS = (
    "named_by_intent", "clean", "contested", "designated_unique", "designated_many", "designated", "party",
    "unprovenanced", "from_untrusted", "none",
)  # fmt: skip
_PERMITS = {"permit", "permit_if_described"}


def _cells(table: _Table, change: Callable[[str, str], str]) -> None:
    for row in table["table"]:
        for fact in _FACTS:
            row[fact] = change(fact, row[fact])


def _outcomes(table: _Table, old: str, new: str) -> None:
    """Every outcome of one kind becomes another one, in the table and in the rules beside it."""
    _cells(table, lambda _, cell: new if cell == old else cell)
    for rule in ("fetch", "amount", "content"):
        table[rule] = {name: new if value == old else value for name, value in table[rule].items()}


def _levels(table: _Table, most: int | None = None, more: int = 0) -> None:
    table["levels"] = {
        effect: min(3 if most is None else most, level + more) for effect, level in table["levels"].items()
    }


def _nothing_described(table: _Table) -> None:
    table["described"] = []


def _trusted_alone(table: _Table) -> None:
    """Only what the request names, or a trusted place, is permitted."""
    _cells(
        table,
        lambda fact, cell: (
            "escalate" if fact not in ("named_by_intent", "clean", "none") and cell in _PERMITS else cell
        ),
    )


def _named_alone(table: _Table) -> None:
    _cells(table, lambda fact, cell: "escalate" if fact != "named_by_intent" and cell in _PERMITS else cell)


# From the laxest to the strictest; each changes the shipped table.
STEPS: Mapping[str, Callable[[_Table], None]] = {
    "questions are permitted": lambda table: _outcomes(table, "escalate", "permit"),
    "every effect can be undone (level 0)": lambda table: _levels(table, most=0),
    "at most level 1": lambda table: _levels(table, most=1),
    "as shipped": lambda _: None,
    "one level more": lambda table: _levels(table, more=1),
    "nothing described": _nothing_described,
    "trusted and named values alone": _trusted_alone,
    "named values alone": _named_alone,
    "questions are denied": lambda table: _outcomes(table, "escalate", "deny"),
}


def step_texts(step: str) -> list[str]:
    """Texts of the packs of a step, with the declarations of the tools."""
    pack = yaml.safe_load(pack_text("agent_provenance"))
    STEPS[step](pack["provenance"])
    # Its own tests say what the shipped table does.
    pack.pop("tests", None)
    return [yaml.safe_dump(pack, sort_keys=False), pack_text("agentdojo")]


def picture(
    points: Mapping[str, tuple[float, float, float]], baselines: Mapping[str, tuple[float, float, float]]
) -> str:
    """An SVG. points: percent of (people's chains stopped or asked about, attacks with a person who knows, attacks when
    everything is approved), in order; baselines: the same of rules to compare with.
    """
    left, top, width, height = 64, 28, 560, 340

    def at(x: float, y: float) -> str:
        return f"{left + x / 100 * width:.1f},{top + height - y / 100 * height:.1f}"

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 200} {top + height + 56}" '
            'font-family="sans-serif" font-size="12" fill="#222">'
        ),
        f'<rect x="0" y="0" width="{left + width + 200}" height="{top + height + 56}" fill="#fff"/>',
    ]
    parts += [
        (
            f'<path d="M{at(share, 0)} L{at(share, 100)} M{at(0, share)} L{at(100, share)}" stroke="#ddd"/>'
            f'<text x="{left + share / 100 * width:.1f}" y="{top + height + 18}" text-anchor="middle">{share}</text>'
            f'<text x="{left - 8}" y="{top + height - share / 100 * height + 4:.1f}" text-anchor="end">{share}</text>'
        )
        for share in range(0, 101, 20)
    ]
    parts.append(
        f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">'
        "people&#8217;s own chains stopped or asked about, %</text>"
        f'<text x="16" y="{top + height / 2}" text-anchor="middle" transform="rotate(-90 16 {top + height / 2})">'
        "attacks that succeed, %</text>"
    )
    for place, colour, title in (
        (1, "#1b7f5c", "a person knows what they asked for"),
        (2, "#b5541c", "everything is approved"),
    ):
        ordered = sorted(points.values())
        parts.append(
            f'<polyline points="{" ".join(at(each[0], each[place]) for each in ordered)}" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>'
        )
        parts += [
            f'<circle cx="{at(each[0], each[place]).split(",")[0]}" cy="{at(each[0], each[place]).split(",")[1]}" r="4" '
            f'fill="{colour}"><title>{name}</title></circle>'
            for name, each in points.items()
        ]
        parts.append(
            f'<text x="{left + width + 12}" y="{top + 14 + 18 * place}" fill="{colour}">{title}</text>'
        )
    for name, each in baselines.items():
        x, y = at(each[0], each[1]).split(",")
        parts.append(
            f'<rect x="{float(x) - 4:.1f}" y="{float(y) - 4:.1f}" width="8" height="8" fill="#555"/>'
            f'<text x="{float(x) + 8:.1f}" y="{float(y) - 6:.1f}" fill="#555">{name}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
