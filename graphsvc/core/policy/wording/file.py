"""What the keys of a file, its pack, settings and governing parts mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.says import EFFECTS, Wording, says

__all__ = ["FILE"]

FILE: Final[Mapping[str, Wording]] = {
    # -- the file
    "Policy.graphsvc": says("The version of this format.", 1),
    "Policy.pack": says(
        "Which rule pack this file is. Publishing replaces the pack of the same id.",
        {"id": "payments", "version": "2026.11.1", "title": "Payment fraud"},
    ),
    "Policy.settings": says(
        "What the pack asks of the service. Over all packs in force the strictest wins.",
        {"escalate_at": 0.6, "deny_at": 0.9, "entitlement": "required"},
    ),
    "Policy.actions": says(
        "What actions mean, by name or glob. Exactly one entry describes an action: the exact name, else the one with "
        "most literal characters, else that of the later pack, else the first in the file. Entries do not merge.",
        {"mail:Read": {"effects": ["read"], "result": {"labels": ["untrusted"]}}},
    ),
    "Policy.patterns": says(
        "The risky paths. A pattern has exactly one of `steps`, `count`, `rights` and `reach`."
    ),
    "Policy.tests": says("Stories with the answers they must get; `graphsvc policy test` runs them."),
    "Policy.score": says("Weights of the score.", {"sigma": {"high": 0.6}, "q": 0.5}),
    "Policy.intents": says(
        "Templates of intents by kind of task. A chain that names one in its intent lies within it; of two packs with the "
        "same name the later one's counts.",
        {
            "invoices": {
                "actions": ["erp:Read*", "erp:Pay"],
                "amount": {"max": 500, "currency": "EUR"},
                "lasts": "2h",
            }
        },
    ),
    "IntentTemplate.title": says("For people.", "Paying invoices"),
    "IntentTemplate.actions": says("Globs of actions it may take.", ["erp:Read*", "erp:Pay"]),
    "IntentTemplate.resources": says(
        "Globs over `type:id` of resources it may touch, with what they contain.", ["invoice:*"]
    ),
    "IntentTemplate.effects": says("Effects its actions may have.", ["read", "pay"]),
    "IntentTemplate.destinations": says(
        "Globs over the values of arguments with role `destination`.", ["*@example.com"]
    ),
    "IntentTemplate.amount": says(
        "The most that one action may be about, by its argument with role `amount`, else its property `amount`.",
        {"max": 500, "currency": "EUR"},
    ),
    "IntentTemplate.total": says(
        "The most that all actions of a chain and of those it spawned may be about together.",
        {"max": 2000, "currency": "EUR"},
    ),
    "IntentTemplate.lasts": says("How long after its beginning a chain may act.", "2h"),
    "AmountLimit.max": says("The greatest amount.", 500),
    "AmountLimit.currency": says("What the property `currency` must say; anything if left out.", "EUR"),
    "Policy.signals": says(
        "What security events of others (CAEP, RISC) do, in place of the built-in table: by the event's name, or `name:VALUE` with its "
        "level, kind of change or status; other types by their whole URI. Of two packs with the same name the later one's counts.",
        {
            "session-revoked": {"weight": 0.5, "half_life": "12h", "revoke": True},
            "risk-level-change:LOW": {"lowers": True},
        },
    ),
    "SignalRule.weight": says("Of the signal that it leaves, 0 to 1; 0 leaves none.", 0.5),
    "SignalRule.half_life": says("After which half of it is left.", "12h"),
    "SignalRule.suspend": says("Whether the subject is suspended.", True),
    "SignalRule.revoke": says("Whether the subject's rights for a while are revoked.", True),
    "SignalRule.lowers": says(
        "What the same sender warned of before counts no more. The only way in which an event lowers risk.",
        True,
    ),
    "Score.sigma": says(
        "Share of risk of a completed pattern, by severity; low 0.1, medium 0.3, high 0.6, critical 0.9 if left out.",
        {"high": 0.6, "critical": 0.95},
    ),
    "Score.q": says(
        "What a pattern's share is multiplied by for every step still missing; 0.5 if left out.", 0.5
    ),
    "Policy.provenance": says(
        "What becomes of an action by where its critical arguments came from; asked after the patterns."
    ),
    "Policy.levels": says(
        "What becomes of the pack's patterns for some identities, actions or resources, unless a pattern's own "
        "`levels` say it.",
        [{"on_match": "monitor", "resource": {"tier": "sandbox"}}],
    ),
    "Policy.reviews": says(
        "Who answers reviews, and how many have to.",
        [{"resource": {"tier": "crown-jewel"}, "approvers": {"group": "security"}, "quorum": 2}],
    ),
    "Policy.break_glass": says(
        "Who may go past rules in an emergency; every action so permitted has to be reviewed afterwards.",
        {"subject": {"group": "on-call"}, "for": "1h"},
    ),
    # -- protection
    "Which.action": says("Names or globs of actions, any of which fits.", "bank:*"),
    "Which.effects": says(f"Declared effects, any of which fits: {EFFECTS}.", ["pay"]),
    "Which.subject": says("Who acts.", {"group": "pilots"}),
    "Which.resource": says("What is acted on.", {"tier": "sandbox"}),
    "Level.on_match": says("What becomes of it: `deny`, `escalate` or `monitor`.", "escalate"),
    "ReviewRoute.patterns": says(
        "Names or globs of the rules that escalated, any of which fits.", "vendor-*"
    ),
    "ReviewRoute.approvers": says(
        "Who may answer, besides having the role approver; everybody with it, if left out.",
        {"group": "security"},
    ),
    "ReviewRoute.quorum": says("How many different people have to approve; one rejection is enough.", 2),
    "ReviewRoute.deputies": says("Who may answer once the review has waited `after`.", {"group": "managers"}),
    "ReviewRoute.after": says("How long a review waits before deputies may answer.", "30m"),
    "ReviewRoute.expires": says("How long a review can be answered; an hour if left out.", "4h"),
    "ReviewRoute.not_owner": says("True: never whoever published the pack of a rule that escalated.", True),
    "ReviewCap.more_than": says("How many reviews may wait.", 20),
    "ReviewCap.within": says("Only reviews opened within this time count.", "1h"),
    "ReviewCap.per": says("`subject` (default; with linked accounts) or `all`.", "all"),
    "BreakGlass.subject": says("Who may declare an emergency.", {"group": "on-call"}),
    "BreakGlass.action": says("Names or globs of actions that it can be about; any, if left out.", "db:*"),
    "BreakGlass.covers": says(
        "Codes of the reasons it goes past. A suspension, a closed chain and an explicit deny always stand.",
        ["not_entitled", "pattern_completed"],
    ),
    "BreakGlass.for": says("How long it lasts; an hour if left out.", "1h"),
    "BreakGlass.review_within": says(
        "By when its actions have to be reviewed, a day if left out; until they are, nobody declares another.",
        "24h",
    ),
    # -- pack
    "Pack.id": says("The pack's name, unique among the packs in force.", "payments"),
    "Pack.version": says(
        "Any text; quote it where it looks like a number. Every decision names it.", "2026.11.1"
    ),
    "Pack.title": says("For people.", "Payment fraud"),
    "Pack.data_date": says(
        "The day the rules were last checked against their sources; findings carry it.", "2026-11-01"
    ),
    "Pack.description": says("For people."),
    "Pack.source": says("Where the rules come from: an organisation, a document, an address.", "own"),
    "Pack.order": says(
        "Packs act in the order of this number, then of their ids. The later of two equally literal `actions` entries "
        "wins, so a site's own pack beats a shipped one with a higher number.",
        200,
    ),
    # -- settings
    "Settings.escalate_at": says(
        "An action that raises the score to this or above is escalated. 0 to 1; the lowest of all packs counts.",
        0.6,
    ),
    "Settings.deny_at": says(
        "An action that raises the score to this or above is denied. 0 to 1; the lowest of all packs counts.",
        0.9,
    ),
    "Settings.entitlement": says(
        "Whether an action needs a permission of the graph: `required`, `advisory` (told, not enforced) or `off`. "
        "Without any pack that says so: `required`.",
        "required",
    ),
    "Settings.enforce": says(
        "`observe`: what the pack would have stopped is permitted and recorded as such, see `graphsvc policy stopped`. `on`: "
        "it is enforced, which is the default.",
        "observe",
    ),
    "Settings.review_cap": says(
        "A cap on reviews that wait: beyond it escalations are denied with `cap_reached`, never permitted. Every pack's "
        "cap counts.",
        {"more_than": 20, "within": "1h"},
    ),
    "Settings.outside_intent": says(
        "What becomes of an action outside the declared intent of its chain: `monitor`, `escalate` (default) or `deny`.",
        "deny",
    ),
}
