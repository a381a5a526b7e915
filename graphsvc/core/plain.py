"""Plain patterns: steps as bits, judged against what lies before the action with a few operations on numbers.

Where a pattern's bits lie follows its relation: in the session's marks (log), in those of the place (causal), or in
those along declared inputs (flow). See `mark`; the general form is `register`.
"""

from __future__ import annotations

from graphsvc.core.advance import Advance, Match, is_guarded
from graphsvc.core.mark import Mark, marked, reached_by
from graphsvc.core.part import Concerned, Plain
from graphsvc.core.pattern import CompiledPattern, CompiledStep
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import Register

__all__ = ["advance_plain", "marks_after", "reached_before"]


def reached_before(logged: Mark, marks: Mark, flow_marks: Mark, ruleset: Ruleset) -> int:
    """Bits of the steps that lie before an action, each along the relation of its own pattern."""
    if flow_marks is marks:
        return logged.mask | marks.mask
    flow = ruleset.flow_bits
    return logged.mask | (marks.mask & ~flow) | (flow_marks.mask & flow)


def advance_plain(concerned: Concerned, advance: Advance) -> None:
    """Judge the action against the plain patterns it may concern."""
    reached = advance.reached
    asked = concerned.bits & ~reached
    if reached & ~advance.held.best & concerned.near:
        # Two chains that met know more together than either did, whether or not the action adds to it.
        asked = concerned.bits
    if asked:
        mine = 0
        for plain in concerned.plain:
            # INVARIANT: what a step needs was reached before the action; an action does not precede itself (R13).
            if plain.bit & asked and not plain.need & ~reached and (plain.is_free or _fits(plain, advance)):
                mine |= plain.bit
        if mine:
            advance.bits = mine & ~reached
            for plain in concerned.plain:
                if plain.bit & mine:
                    _nearer(plain.pattern, (reached | mine) & plain.pattern.bits, advance)
    for plain in concerned.finishing:
        if not plain.need & ~reached and (plain.is_free or _fits(plain, advance)):
            pattern = plain.pattern
            _nearer(pattern, pattern.bits, advance)
            if not is_guarded(pattern, plain.offer.guards, advance.session, advance):
                witness = _told(pattern, plain.offer.step, advance.event.id, _marks_of(pattern, advance))
                advance.complete(Match(pattern, advance.session, {}, (witness,)))


def marks_after(advance: Advance, ruleset: Ruleset, *, known: bool) -> tuple[Mark, Mark]:
    """The marks of a place after the action: along happened-before, and along declared inputs. known: it has such."""
    marks, flow_marks = advance.front.marks, advance.front.flow_marks
    own, action = advance.bits & ~ruleset.log_bits, advance.event.request.id
    if not own:
        return marks, flow_marks
    if not known:
        after = marked(marks, own, action)
        return after, after
    flow = own & ruleset.flow_bits
    after = marks
    if own & ~flow:
        after = marked(after, own & ~flow, action)
    if flow:
        # Whoever has unknown inputs may have got it by whatever happened before.
        if flow & ~after.mask:
            after = marked(after, flow & ~after.mask, action, flow_marks)
        flow_marks = marked(flow_marks, flow, action)
    return after, flow_marks


def _fits(plain: Plain, advance: Advance) -> bool:
    return plain.offer.matches(advance.event, advance.live, advance.values)


def _nearer(pattern: CompiledPattern, bits: int, advance: Advance) -> None:
    if pattern.counts_for_risk:
        held = advance.best.get(pattern.number)
        if held is None:
            held = advance.held.best & pattern.bits
        if bits.bit_count() > held.bit_count():
            advance.set_best(pattern.number, bits)


def _marks_of(pattern: CompiledPattern, advance: Advance) -> Mark:
    if pattern.relation == "log":
        return advance.held.marks
    return advance.front.flow_marks if pattern.relation == "flow" else advance.front.marks


def _told(pattern: CompiledPattern, step: CompiledStep, action: str, inner: Mark) -> Register:
    """A match as registers, read from the marks."""
    children = []
    for number, _ in step.children:
        child = pattern.steps[number]
        mark = reached_by(inner, child.bit)
        children.append(_told(pattern, child, mark.action, mark.inner))
    return Register(0, action, step.number, tuple(children))
