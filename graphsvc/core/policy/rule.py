"""The codes under which policy files are refused, and what each stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["RULES"]

RULES: Final[Mapping[str, str]] = {
    "yaml": "the text is not YAML, is empty, or is more than one document",
    "too_large": "the file is larger than 1 MiB",
    "alias": "aliases repeat so much that the file would grow beyond all bounds, or in a circle",
    "duplicate_key": "a key is given twice",
    "schema": "a key that does not exist, is missing, or holds something else than it may",
    "duplicate_id": "two patterns of one id",
    "duplicate_pack": "two packs of one id are loaded together",
    "kind": "a pattern is not exactly one of `steps`, `count`, `rights`, `reach`, or holds what has no meaning there",
    "C1": "steps are not an in-forest: `then` names no step, several, or leads in a circle",
    "C2": "a key variable is used in two steps, but not on the whole way between them",
    "C3": "tops do not bind the same key variables",
    "C4": "scope `principal` without `within`",
    "C5": "a window of a single edge",
    "C6": "steps are compared by anything but equality",
    "C7": "a condition or key looks at another step",
    "C8": "more than 16 steps",
    "C9": "a guard waits for an event that nothing ever emits",
    "R13": "`distinct` names no two steps",
    "R15": "`sanitized_by` without relation `flow` or `causal`",
    "R16": "`without` names no edge, or a key that its ends do not share",
    "R17": "a count over sessions without `within`",
    "R23": "scope `data` with several tops, a count, or without `within`",
    "R25": "a relation that the scope does not allow",
    "guard_key": "a guard's key variable that is not bound where the pattern completes",
    "condition": "`when` does not parse, names no variable, or does not type-check as true or false",
    "where": "`where` cannot be read, or speaks of a variable that no right is held on",
    "provenance_row": "two rows of the provenance table for one level and request",
    "unknown_pattern": "`after` of a provenance table names a pattern that no loaded pack has",
    "rights": "a pattern of rights without any, or whose `gives` names an unknown variable",
}
