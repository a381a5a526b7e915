"""How often each rule decides: cases judged again with one rule switched off, wherever it could matter at all."""

import json
from collections import Counter
from collections.abc import Callable

from tests.law.strategy import Case
from tests.oracle.rule import NAIVE, without

__all__ = ["Answer", "deciding"]

Answer = tuple[str, list[str], list[str], str]
# Texts of which one stands in a case that the rule can decide; a rule not named here can decide any.
_NEEDS: dict[str, tuple[str, ...]] = {
    "R1": ('"within"',),
    "R3": ('"parent_chain"',),
    "R4": ('"parent_chain"',),
    "R5": ('"joins": ["',),
    "R6": ('"flow"',),
    "R7": ('"parents": ["',),
    "R8": ('"parents": ["',),
    "R10": ('"cancel"',),
    "R11": ('"report"',),
    "R12": ('"review"',),
    "R13": ('"distinct": ["',),
    "R14": ('"unless"',),
    "R15": ('"removes"',),
    "R16": ('"without"',),
    "R17": ('"count"',),
    "R18": ('"key"', '"count"'),
    "R19": ('"key"',),
    "R21": ('"result"',),
    "R22": ('"LINKED_TO"', '"helper8"'),
    "R23": ('"scope": "data"',),
    "R24": ('"when"',),
}


def deciding(case: Case, defined: list[Answer], judge: Callable[[Case], list[Answer]]) -> Counter[str]:
    """Verdicts that change without a rule, by rule.

    A verdict is one action against one pattern; an action whose answer alone changes counts as one.
    """
    text = json.dumps(case._asdict())
    decided: Counter[str] = Counter()
    for rule in NAIVE:
        if rule in _NEEDS and not any(word in text for word in _NEEDS[rule]):
            continue
        with without(rule):
            naive = judge(case)
        decided[rule] = sum(_changed(one, other) for one, other in zip(defined, naive, strict=True))
    return decided


def _changed(one: Answer, other: Answer) -> int:
    changed = len(set(one[1]) ^ set(other[1])) + len(set(one[2]) ^ set(other[2]))
    return changed or int(one[3] != other[3])
