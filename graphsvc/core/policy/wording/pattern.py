"""What the keys of patterns mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.says import Wording, says

__all__ = ["PATTERN"]

PATTERN: Final[Mapping[str, Wording]] = {
    # -- patterns
    "Pattern.id": says("The pattern's name, unique over all packs in force.", "vendor-then-payment"),
    "Pattern.title": says("For people; shown in reasons.", "The same person creates a vendor and pays it"),
    "Pattern.description": says("For people."),
    "Pattern.references": says("Where it is described, such as the id of a technique.", ["T1098.003"]),
    "Pattern.severity": says(
        "`low`, `medium` (default), `high` or `critical`; its share of the score.", "high"
    ),
    "Pattern.harm": says(
        "Class of harm. Patterns of one class count once in the score; a pattern without it is a class of its own.",
        "fraud",
    ),
    "Pattern.on_match": says(
        "The verdict when an action completes it: `deny`, `escalate` (default; a person decides) or `monitor` (told, "
        "permitted).",
        "deny",
    ),
    "Pattern.levels": says(
        "Another verdict for some: of several entries the first that fits the completing action counts, else those of "
        "the pack, else `on_match`.",
        [{"on_match": "escalate", "subject": {"group": "pilots"}}],
    ),
    "Pattern.scope": says(
        "What its events have in common: `session` (default; a chain with all it spawned), `principal` (over sessions; "
        "needs `within`) or `data` (what flows through stores; needs `within`).",
        "principal",
    ),
    "Pattern.principal": says(
        "In scope `principal`: whose events belong together, `root` (default; the human or service at the root of the "
        "delegation), `actor` (who acts) or `any` (one that all have in common).",
        "root",
    ),
    "Pattern.relation": says(
        "What `then` means: `flow` (by declared parents), `causal` (happened before, along chains; default) or `log` "
        "(recorded before; the only one in scope `principal`).",
        "flow",
    ),
    "Pattern.within": says("The whole path lies within this time.", "24h"),
    "Pattern.steps": says(
        "The path: steps by name, each leading to at most one other by `then`. At most 16.",
        {
            "read": {"labels": ["sensitive"], "then": "out"},
            "out": {"effects": ["send"], "destination": "unknown"},
        },
    ),
    "Pattern.count": says(
        "Too many of one kind of event.",
        {"step": {"effects": ["read"]}, "distinct": "resource.id", "more_than": 50},
    ),
    "Pattern.rights": says(
        "Rights that give more together than each alone; see rights.md.",
        {"all_of": [{"right": "iam:PassRole", "on": "$role"}], "gives": {"assume": "$role"}},
    ),
    "Pattern.reach": says(
        "Coming near to what is worth most; see rights.md.", {"tier": "crown-jewel", "nearer_than": 2}
    ),
    "Pattern.unless": says(
        "Guards: an earlier event that makes the completion harmless.",
        [{"action": "change:Approve", "key": {"vendor": "resource.id"}, "within": "1h"}],
    ),
    "Pattern.sanitized_by": says(
        "Events that cut the flow through them. Needs relation `flow` or `causal`.",
        [{"action": "dlp:Redact", "removes": ["sensitive"]}],
    ),
    "Pattern.without": says(
        "Events that cut an edge when they lie between its two ends.",
        [{"action": "session:Reset", "between": ["untrusted", "out"]}],
    ),
    "Pattern.distinct": says("Steps that must be different events.", ["first", "second"]),
    "Count.step": says("What is counted.", {"effects": ["read"], "resource": {"type": "record"}}),
    "Count.distinct": says(
        "Count different values of this expression, every event if left out.", "resource.id"
    ),
    "Count.more_than": says("Completes when there are more than this.", 50),
    "Right.right": says("Names or globs of rights, any of which fits.", "iam:PassRole"),
    "Right.given": says(
        "Keys of conditions whose values this use of the right fixes, such as the service that a role is passed to.",
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    "Right.on": says("A glob of resources, or a `$variable`; anything if left out.", "$role"),
    "RightsGain.assume": says("The identity that can be assumed.", "$role"),
    "RightsGain.right": says("A right.", "s3:GetObject"),
    "RightsGain.on": says("Where the right is gained.", "$bucket"),
    "RightsGain.admin": says("Everything.", True),
    "RightsPattern.all_of": says("The rights that must be held.", [{"right": "lambda:CreateFunction"}]),
    "RightsPattern.where": says(
        "What must be true of the variables: functions joined by `&&`, `||` and `!`.",
        'service_can_assume("$role", "lambda.amazonaws.com")',
    ),
    "RightsPattern.gives": says("What holding them brings.", {"assume": "$role"}),
    "ReachPattern.tier": says("The class of value of the resources.", "crown-jewel"),
    "ReachPattern.nearer_than": says("Completes when fewer hops than this are left.", 2),
}
