"""The trade-off: the shipped table made laxer and stricter, step by step, and what each step costs and lets through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from graphsvc.packs import pack_text

__all__ = ["STEPS", "picture", "step_texts"]

_Table = dict[str, Any]
# Percent of people's chains that are stopped or asked about, of attacks with a person who knows, and with one who nods.
Point = tuple[float, float, float]
_LEFT, _TOP, _WIDTH, _HEIGHT = 64, 28, 560, 340
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


def picture(points: Mapping[str, Point], baselines: Mapping[str, Point]) -> str:
    """An SVG. points: of the steps, in order; baselines: of the rules to compare with."""
    wide, high = _LEFT + _WIDTH + 300, _TOP + _HEIGHT + 56
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" '
            'font-size="12" fill="#222">'
        ),
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        *(_grid(share) for share in range(0, 101, 20)),
        _text(
            _LEFT + _WIDTH / 2,
            _TOP + _HEIGHT + 42,
            "people\u2019s own chains stopped or asked about, %",
            "middle",
        ),
        f'<g transform="rotate(-90 16 {_TOP + _HEIGHT / 2})">'
        + _text(16, _TOP + _HEIGHT / 2, "attacks that succeed, %", "middle")
        + "</g>",
    ]
    for place, colour in ((2, "#b5541c"), (1, "#1b7f5c")):
        # Where several steps lie at one place, it bears all their numbers.
        where: dict[tuple[float, float], list[str]] = {}
        for number, each in enumerate(points.values(), start=1):
            where.setdefault((each[0], each[place]), []).append(str(number))
        for (share, attacks), numbers in where.items():
            x, y = _at(share, attacks)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            parts.append(_text(x + 6, y - 6, ", ".join(numbers), colour=colour))
    for name, each in baselines.items():
        x, y = _at(each[0], each[1])
        parts.append(f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#555"/>')
        parts.append(_text(x + 8, y - 8, name, colour="#555"))
    lines = [
        ("#1b7f5c", "a person says yes to their own calls alone"),
        ("#b5541c", "everything is approved"),
        ("#555", "rules to compare with"),
        *(("#222", f"{number}  {name}") for number, name in enumerate(points, start=1)),
    ]
    parts += [
        _text(_LEFT + _WIDTH + 16, _TOP + 12 + 18 * row, line, colour=colour)
        for row, (colour, line) in enumerate(lines)
    ]
    return "\n".join([*parts, "</svg>", ""])


def _at(share: float, attacks: float) -> tuple[float, float]:
    return _LEFT + share / 100 * _WIDTH, _TOP + _HEIGHT - attacks / 100 * _HEIGHT


def _grid(share: int) -> str:
    (x, bottom), (left, y) = _at(share, 0), _at(0, share)
    right, top = _at(100, 100)
    return (
        f'<path d="M{x:.1f},{bottom} V{top} M{left},{y:.1f} H{right}" stroke="#ddd"/>'
        + _text(x, bottom + 18, str(share), "middle")
        + _text(left - 8, y + 4, str(share), "end")
    )


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
