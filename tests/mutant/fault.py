"""The faults: what is changed in which module of the engine, and which rule that breaks."""

from typing import NamedTuple

__all__ = ["FAULTS", "Fault", "needed"]


class Fault(NamedTuple):
    """`old` is replaced by `new` in one module of graphsvc/core; `old` stands there exactly once."""

    name: str
    rule: str
    module: str
    old: str
    new: str


FAULTS = (
    # Order and time
    Fault("window leaves out its edge", "R1", "register", "if oldest_ms is not None and start_ms < oldest_ms:\n        return None\n    epoch", "if oldest_ms is not None and start_ms <= oldest_ms:\n        return None\n    epoch"),
    Fault("guard window leaves out its edge", "R14", "advance", "if at is not None and (oldest_ms is None or at >= oldest_ms):", "if at is not None and (oldest_ms is None or at > oldest_ms):"),
    Fault("count window leaves out its edge", "R1", "count", "oldest[1] < oldest_ms)", "oldest[1] <= oldest_ms)"),
    Fault("time may run backwards", "R2", "standing", "if newest_ms is not None and newest_ms > at_ms:", "if newest_ms is not None and newest_ms > at_ms and False:"),
    # Chains
    Fault("a child chain has its own session", "R3", "place", "session, front, spawned_from = parent.session, parent.front, parent.last_action", "front, spawned_from = parent.front, parent.last_action"),
    Fault("spawning connects nothing", "R4", "place", "session, front, spawned_from = parent.session, parent.front, parent.last_action", "session, spawned_from = parent.session, parent.last_action"),
    Fault("join lost", "R5", "place", "causal, causal_data = joined(causal, lies.causal), joined(causal_data, lies.causal_data)\n        marks = met(marks, lies.marks)", "marks = met(marks, marks)"),
    Fault("join lost for plain patterns", "R5", "place", "marks = met(marks, lies.marks)", "marks = met(marks, marks)"),
    Fault("joins connect sessions", "R5", "place", "if other is None or other.session != session or name == request.chain:", "if other is None or name == request.chain:"),
    Fault("a denied action loses what it joined", "R5", "evaluate", "front, delta = place.front, place.delta\n", "front, delta = chain.front, place.delta\n"),
    # Provenance
    Fault("unknown inputs are none", "R6", "place", "front.causal, front.causal, front.causal_data, front.causal_data, front.marks, front.marks\n", "front.causal, EMPTY, front.causal_data, EMPTY, front.marks, NOTHING\n"),
    Fault("marks after unknown inputs reach nothing", "R6", "plain", "        after = marked(marks, own, action)\n        return after, after\n", "        return marked(marks, own, action), flow_marks\n"),
    Fault("a bad parent is merely dropped", "R7", "place", "            known = False\n", "            known = known\n"),
    Fault("a bad parent drops the good ones", "R7", "place", "inputs = Inputs(tuple(fed), known)", "inputs = Inputs(tuple(fed) if known else (), known)"),
    Fault("one parent only", "R8", "place", "fed.append(parent)\n", "if fed:\n            continue\n        fed.append(parent)\n"),
    Fault("a declared parent is not before", "R8", "place", "        if before is not front:\n", "        if False:\n"),
    # History
    Fault("denied actions count", "R9", "evaluate", "in_history = enforced is PERMIT and request.executed if force is None else force\n", "in_history = request.executed if force is None else force\n"),
    Fault("a cancelled action counts on", "R10", "world", "now = replace(past, in_history=False)", "now = past"),
    Fault("reported labels are forgotten", "R11", "history", "body=_encode(replace(body, reported=reported))", "body=_encode(body)"),
    Fault("an approval covers everything", "R12", "review", "return reason.verdict is Verdict.ESCALATE and _covered(reason, completions) in review.covered", "return True"),
    # Matching
    Fault("strictness: an event precedes itself", "R13", "register", "        for offer in offers:\n            register = _reach(offer, scope, before, oldest_ms, advance)\n            if register is not None:\n", "        for offer in reversed(offers):\n            register = _reach(offer, scope, before, oldest_ms, advance)\n            if register is not None:\n                before = before.set(slot_at(offer.own, advance.values), register)\n"),
    Fault("a bit precedes one listed later", "1.4", "plain", "if plain.bit & asked and not plain.need & ~reached and (plain.is_free or", "if plain.bit & asked and not plain.need & ~(reached | mine) and (plain.is_free or"),
    Fault("bits reached are forgotten", "1.4", "mark", "return Mark(before.mask | own, action, before, inner)", "return Mark(own, action, before, inner)"),
    Fault("declared inputs bring what merely happened before", "R8", "plain", "return logged.mask | (marks.mask & ~flow) | (flow_marks.mask & flow)", "return logged.mask | marks.mask"),
    Fault("steps that must differ share an event", "R13", "register", "uses = tuple(sorted(used)) if room else ()", "uses = ()"),
    Fault("no spares are kept", "R13", "family", "    if room:\n        for event in best.uses:", "    if False:\n        for event in best.uses:"),
    Fault("own events guard across scopes", "R14", "advance", 'counts = guard.by == "anyone" or root not in advance.event.principals', "counts = True"),
    Fault("guard key ignored", "R14", "dispatch", "return tuple((guard, tuple(place[name] for name in guard.matcher.variables)) for guard in pattern.guards)", "return tuple((guard, ()) for guard in pattern.guards)"),
    Fault("an approval does not guard", "R14", "advance", "            found.append((guard.slot, *[values[name] for name in variables]))", "            pass"),
    Fault("sanitizers cut every branch", "R15", "pattern", "name for name, step in pattern.steps.items() if not sanitizer.removes or _needs(step, sanitizer)", "name for name, step in pattern.steps.items()"),
    Fault("sanitizers cut nothing", "R15", "register", "    for slot in advance.cut.get(track, ()):\n", "    for slot in ():\n"),
    Fault("a sanitizer cuts what it reaches itself", "R15", "register", "    own = advance.own.get(track)\n", "    own = None if advance.cut.get(track) else advance.own.get(track)\n"),
    Fault("resets are ignored", "R16", "advance", "advance.set_cell(scope, slot, held + 1)", "advance.set_cell(scope, slot, held)"),
    Fault("a reset cuts its own event", "R16", "register", "epoch = advance.epoch(scope, offer.resets, after=True) if offer.resets else 0", "epoch = advance.epoch(scope, offer.resets, after=False) if offer.resets else 0"),
    Fault("a stale register hides a fresh one", "R16", "family", "    if other.epoch > one.epoch:\n", "    if other.epoch > one.epoch and other.start_ms >= one.start_ms:\n"),
    Fault("a count completes at its limit", "R17", "count", "if number > count.more_than and", "if number >= count.more_than and"),
    Fault("counter one too small", "R17", "count", "_counting(held, entry, count.more_than + 1, oldest_ms)", "_counting(held, entry, count.more_than, oldest_ms)"),
    Fault("counter forgets the newest, not the oldest", "R17", "count", "    if place is not None:\n        order = order.delete(place)\n", "    if place is not None:\n        return held\n    if place is not None:\n        order = order.delete(place)\n"),
    # Values
    Fault("a missing key value is a value", "R18", "part", "            if values[place] is None:\n                return False\n", '            if values[place] is None:\n                values[place] = ""\n'),
    Fault("leaving out a key is a way round", "R18", "dispatch", "        for pattern, part in self.keyed:\n", "        for pattern, part in ():\n"),
    Fault("a missing distinct value is one value", "R18", "count", 'entry = f"\\0{event.id}" if value is None else value,', 'entry = "\\0" if value is None else value,'),
    Fault("booleans compare as Python writes them", "R19", "value", 'return "true" if value else "false"', "return str(value)"),
    Fault("the first declaration wins", "R20", "meaning", "self._wild.sort(key=lambda item: -literal_length(item[0]))", "pass"),
    Fault("result labels are ignored", "R21", "event", "return frozenset((*request.labels, *what.labels, *declaration.result_labels, *reported))", "return frozenset((*request.labels, *what.labels, *reported))"),
    Fault("linked accounts are strangers", "R22", "estate", "self._resolved.put(named, (identity, self.person(identity)))", "self._resolved.put(named, (identity, identity))"),
    Fault("any principal is the root", "R22", "advance", 'return event.who.cells if pattern.principal == "any" else (event.who.actor_cell,)', 'return (event.who.root_cell,) if pattern.principal == "any" else (event.who.actor_cell,)'),
    Fault("nine principals are judged", "R22", "reason", "MAX_PRINCIPALS = 8", "MAX_PRINCIPALS = 80"),
    Fault("stores connect nothing", "R23", "standing", "front = with_stored(front, stored)", "front = place.front"),
    Fault("stores carry what merely happened before", "R23", "aftermath", "if (number in ruleset.flow_slots) is is_flow and", "if"),
    Fault("an unanswerable step condition is false", "R24", "pattern", "matcher=_matcher(step, on_error=True),", "matcher=_matcher(step, on_error=False),"),
    Fault("an unanswerable guard holds", "R24", "pattern", "place, next(slots), _matcher(guard, on_error=False)", "place, next(slots), _matcher(guard, on_error=True)"),
    Fault("only the first completion is told", "R26", "evaluate", "    for match in advance.matches:\n", "    for match in advance.matches[:1]:\n"),
    # The faults of any register engine
    Fault("earliest instead of latest", "1.4", "family", "return other if other.start_ms > one.start_ms else one", "return other if other.start_ms < one.start_ms else one"),
    Fault("min dropped", "1.4", "register", "        start_ms = min(start_ms, register.start_ms)\n    if oldest_ms", "    if oldest_ms"),
    Fault("other tops are not asked", "1.4", "register", "            if held is None:\n                break\n            families.append(held)", "            if held is None:\n                continue\n            families.append(held)"),
    Fault("negative labels are ignored", "1.3", "condition", " and none_of.isdisjoint(labels)", ""),
    Fault("any label means all", "1.3", "condition", "(not any_of or not any_of.isdisjoint(labels))", "any_of <= labels"),
    Fault("registers reset on a match", "1.3", "register", "        _write(pattern, track, scope, outs, cells, before, advance)\n", "        if advance.matches and advance.matches[-1].pattern is pattern:\n            continue\n        _write(pattern, track, scope, outs, cells, before, advance)\n"),
    Fault("key of the register ignored", "1.4", "part", "return (slot, *[values[place] for place in places]) if places else slot", "return slot"),
    # Patterns whose steps are bits
    Fault("a bit precedes the last one", "R13", "plain", "    for plain in concerned.finishing:\n        if not plain.need & ~reached", "    for plain in concerned.finishing:\n        if not plain.need & ~(reached | advance.bits)"),
    Fault("a bit needs nothing", "1.4", "plain", "if plain.bit & asked and not plain.need & ~reached and (", "if plain.bit & asked and ("),
    Fault("a last bit needs nothing", "1.4", "plain", "        if not plain.need & ~reached and (plain.is_free or", "        if (plain.is_free or"),
    Fault("guards do not stand against bits", "R14", "plain", "if not is_guarded(", "if True or not is_guarded("),
    Fault("a meeting keeps one side", "R5", "mark", 'Mark(mask, "", one, other)', "one"),
    Fault("late conditions are judged early", "1.1", "world", "        if self.ruleset.is_live:\n            self.rebuild()\n", "        if False:\n            self.rebuild()\n"),
    Fault("rewinding does not go back to the chain", "R10", "rebuild", "            world.cells.pop(key, None)\n        else:\n", "            world.cells.pop(key, None)\n        elif key in scopes:\n"),
    Fault("rewinding forgets chains", "R11", "rebuild", "(key in scopes if isinstance(key, str) else mine)", "(isinstance(key, str) and key in scopes)"),
    # Risk, which is held by section 8 and no numbered rule
    Fault("what joined chains know together is not near", "risk", "plain", "    if reached & ~advance.held.best & concerned.near:", "    if False:"),
    Fault("a count is far when its oldest value is old", "risk", "count", "            place -= 1\n", "            break\n"),
    Fault("one action with two values for a variable is both steps", "risk", "register", "        if agreeing:\n", "        if agreeing := outs:\n"),
    Fault("all patterns of a class add up", "risk", "progress", "            most = max(most, pattern.micros[pattern.levels - count])", "            most += pattern.micros[pattern.levels - count]"),
    Fault("signals stay as they are", "risk", "signal", "2.0 ** (-max(0, at_ms - self.at_ms) / self.half_life_ms)", "1.0"),
    Fault("signals about linked accounts are others'", "risk", "signal", 'for key in estate.accounts(f"identity:{person}")', 'for key in [f"identity:{person}"]'),
    Fault("a threshold is passed, not reached", "risk", "reason", "risk.after_micros >= settings.escalate_at_micros", "risk.after_micros > settings.escalate_at_micros"),
    Fault("thresholds speak of what was there before", "risk", "reason", "        if risk.after_micros > risk.before_micros:", "        if risk.after_micros >= risk.before_micros:"),
    Fault("a window of the risk leaves out its edge", "risk", "progress", "while end and levels[end - 2] < oldest_ms:", "while end and levels[end - 2] <= oldest_ms:"),
    Fault("the gravest harm comes last", "risk", "near", "(missing, -SEVERITIES", "(missing, SEVERITIES"),
)  # fmt: skip

# Features of the random cases without which a fault cannot show.
_BY_MODULE = {"count": ("counting", "windows"), "family": ("distinct", "multi_top", "without")}
_BY_RULE = {
    "R1": ("windows",),
    "R6": ("flow_relation", "parents"),
    "R7": ("flow_relation", "parents"),
    "R8": ("flow_relation", "parents"),
    "R10": ("cancels",),
    "R11": ("reports",),
    "R12": ("reviews",),
    "R13": ("distinct", "multi_top"),
    "R14": ("unless", "approvals", "principal_scope", "keys"),
    "R15": ("sanitized", "flow_relation"),
    "R16": ("without",),
    "R18": ("keys", "counting"),
    "R19": ("keys",),
    "R22": ("principal_scope", "linked", "delegation"),
    "R23": ("data_scope", "flow_relation"),
    "R24": ("when", "unless"),
}


def needed(fault: Fault) -> tuple[str, ...]:
    """The features of random cases in which the fault can show."""
    return _BY_RULE.get(fault.rule, ()) + _BY_MODULE.get(fault.module, ())
