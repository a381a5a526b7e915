"""What the keys of actions and of conditions on events mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.says import EFFECTS, Wording, says

__all__ = ["CONDITION"]

CONDITION: Final[Mapping[str, Wording]] = {
    # -- actions
    "ActionDeclaration.effects": says(f"What doing it does, any of: {EFFECTS}.", ["read"]),
    "ActionDeclaration.result": says(
        "What the action's result carries, known before it runs.", {"labels": ["untrusted"]}
    ),
    "ActionDeclaration.arguments": says(
        "The roles of its arguments, by name. The argument with role `destination` decides whether data leaves.",
        {"to": "destination", "body": "content"},
    ),
    "ActionDeclaration.level": says(
        "How hard its effect is to undo, 0 (nothing to undo) to 3 (cannot be undone).", 2
    ),
    "ActionDeclaration.effects_with_destination": says(
        "What it does besides when a destination is given.", ["send"]
    ),
    "ActionDeclaration.about": says(
        "Nouns of a request that ask for the action together with a weak verb.", ["invoice", "bill"]
    ),
    "ActionDeclaration.creates": says(
        "The argument that names somebody or something that is known once the action is done.", ["to"]
    ),
    "ActionDeclaration.shown": says(
        "Properties that are kept for whoever reviews the action to see and to narrow, though no rule reads them.",
        ["subject", "count"],
    ),
    "ResultDeclaration.labels": says("Labels of everything it returns.", ["untrusted"]),
    "ResultDeclaration.text": says(
        "Fields of the result that an outsider can write in free words; `*` is every one.", ["body"]
    ),
    "ResultDeclaration.party": says("Fields that hold identities which an outsider chooses.", ["sender"]),
    "ResultDeclaration.key": says("Fields by which a person points at a record.", ["subject"]),
    "ResultDeclaration.amount": says("Fields that hold sums of money or quantities.", ["total"]),
    # -- conditions
    "EventCondition.action": says(
        "Names or globs of actions, any of which fits; `*` and `?` are the wildcards, and case counts.",
        "mail:Send",
        ["mail:*", "chat:Post"],
    ),
    "EventCondition.effects": says(
        f"The action's declared effects, any of which fits: {EFFECTS}.", ["send", "pay"]
    ),
    "EventCondition.labels": says(
        "Labels of what is touched: those of the resource, of the declared result, sent with the request, and reported "
        "later. A plain list means `any`.",
        ["untrusted"],
        {"all": ["sensitive"], "none": ["redacted"]},
    ),
    "EventCondition.subject": says("Who acts.", {"kind": "agent", "group": "pilots"}),
    "EventCondition.resource": says("What is acted on.", {"type": "record", "tier": "crown-jewel"}),
    "EventCondition.destination": says(
        "Where it leads, by the arguments with role `destination`: `known`, `unknown` or `owned` (by a principal; it is "
        "known as well).",
        "unknown",
    ),
    "EventCondition.argument": says(
        "Some argument has such a role and such an origin.", {"role": "destination", "from": "untrusted"}
    ),
    "EventCondition.when": says(
        "A condition in CEL over this event; see conditions.md. One that cannot be answered counts as true in a step "
        "and as false in a guard.",
        "context.amount > 10000.0",
    ),
    "EventCondition.at": says(
        "`event` (default): judged as of the event, and then fixed. `completion`: judged with the facts of the graph "
        "at the completing action.",
        "completion",
    ),
    "EventCondition.key": says(
        "Variables and where each takes its value: a path below `subject`, `resource`, `action`, `context`, `chain`, "
        "`session` or `principal`. Steps that share a variable must have equal values; an event without the value does "
        "not match.",
        {"vendor": "resource.id"},
    ),
    "Step.then": says(
        "The step that this one leads to. A step without it is a top, and every top must have happened.",
        "out",
    ),
    "Guard.within": says("How long the guard stays good, for ever if left out.", "1h"),
    "Guard.by": says(
        "Whose event counts: `same` (of the same session or principal), `other` (nobody who takes part) or `anyone`. "
        "Default: `same` in session scope, else `other`.",
        "other",
    ),
    "Sanitizer.removes": says(
        "The labels that it takes away; it cuts the paths that need them. Every path, if left out.",
        ["sensitive"],
    ),
    "Reset.between": says("The edge that it cuts: a step and the step it leads to.", ["untrusted", "out"]),
    "LabelCondition.any": says("At least one of these.", ["untrusted"]),
    "LabelCondition.all": says("Every one of these.", ["sensitive", "personal"]),
    "LabelCondition.none": says("None of these.", ["redacted"]),
    "SubjectCondition.kind": says(
        "Kind of the identity: `human`, `service`, `agent`, `workload`.", ["agent", "workload"]
    ),
    "SubjectCondition.id": says("Ids or globs.", "ci-*"),
    "SubjectCondition.group": says("Groups or roles it belongs to, nested ones included.", "pilots"),
    "ResourceCondition.type": says("Its type.", "record"),
    "ResourceCondition.id": says("Ids or globs.", "prod-*"),
    "ResourceCondition.tier": says("Its class of value in the graph.", "crown-jewel"),
    "ResourceCondition.labels": says(
        "Its own labels, not those of this event. A plain list means `any`.", ["pii"]
    ),
    "ArgumentCondition.role": says("Roles, any of which fits; any role if left out.", "destination"),
    "ArgumentCondition.fact": says("Facts about its origin, any of which fits.", ["from_untrusted"]),
    "ArgumentCondition.from": says(
        "Short for facts: `intent` (named by the intent), `trusted` (clean), `untrusted` (from untrusted data, "
        "contested, of a party, or designated), `unknown` (unprovenanced).",
        "untrusted",
    ),
}
