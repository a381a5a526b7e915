"""What every key of a policy file means, in words for people: shown by editors, and the language reference.

One entry a key, `Model.key`, with examples as they are written in a file. A key that a model inherits is told once,
at the model that brings it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from graphsvc.core.value import Json

__all__ = ["WORDING", "Wording", "wording_of"]

_WHICH = frozenset({"Level", "ReviewRoute"})


class Wording(NamedTuple):
    """What a key means, in one or two sentences; examples of its value, in the form that files hold."""

    text: str
    examples: tuple[Json, ...] = ()


def _says(text: str, *examples: Json) -> Wording:
    return Wording(text, examples)


_EFFECTS = (
    "`read`, `write`, `modify`, `message` (to a known party), `send` (data leaves), `fetch` (reading a place that an "
    "argument names, which can carry data out), `pay`, `account` (accounts and credentials), `grant`, `assume` "
    "(becoming another identity), `commit`, `destroy`, `execute`"
)

WORDING: Final[Mapping[str, Wording]] = {
    # -- the file
    "Policy.graphsvc": _says("The version of this format.", 1),
    "Policy.pack": _says(
        "Which rule pack this file is. Publishing replaces the pack of the same id.",
        {"id": "payments", "version": "2026.11.1", "title": "Payment fraud"},
    ),
    "Policy.settings": _says(
        "What the pack asks of the service. Over all packs in force the strictest wins.",
        {"escalate_at": 0.6, "deny_at": 0.9, "entitlement": "required"},
    ),
    "Policy.actions": _says(
        "What actions mean, by name or glob. Exactly one entry describes an action: the exact name, else the one with "
        "most literal characters, else that of the later pack, else the first in the file. Entries do not merge.",
        {"mail:Read": {"effects": ["read"], "result": {"labels": ["untrusted"]}}},
    ),
    "Policy.patterns": _says(
        "The risky paths. A pattern has exactly one of `steps`, `count`, `rights` and `reach`."
    ),
    "Policy.tests": _says("Stories with the answers they must get; `graphsvc policy test` runs them."),
    "Policy.score": _says("Weights of the score.", {"sigma": {"high": 0.6}, "q": 0.5}),
    "Policy.intents": _says(
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
    "IntentTemplate.title": _says("For people.", "Paying invoices"),
    "IntentTemplate.actions": _says("Globs of actions it may take.", ["erp:Read*", "erp:Pay"]),
    "IntentTemplate.resources": _says(
        "Globs over `type:id` of resources it may touch, with what they contain.", ["invoice:*"]
    ),
    "IntentTemplate.effects": _says("Effects its actions may have.", ["read", "pay"]),
    "IntentTemplate.destinations": _says(
        "Globs over the values of arguments with role `destination`.", ["*@example.com"]
    ),
    "IntentTemplate.amount": _says(
        "The most that one action may be about, by its argument with role `amount`, else its property `amount`.",
        {"max": 500, "currency": "EUR"},
    ),
    "IntentTemplate.total": _says(
        "The most that all actions of a chain and of those it spawned may be about together.",
        {"max": 2000, "currency": "EUR"},
    ),
    "IntentTemplate.lasts": _says("How long after its beginning a chain may act.", "2h"),
    "AmountLimit.max": _says("The greatest amount.", 500),
    "AmountLimit.currency": _says("What the property `currency` must say; anything if left out.", "EUR"),
    "Policy.signals": _says(
        "What security events of others (CAEP, RISC) do, in place of the built-in table: by the event's name, or `name:VALUE` with its "
        "level, kind of change or status; other types by their whole URI. Of two packs with the same name the later one's counts.",
        {
            "session-revoked": {"weight": 0.5, "half_life": "12h", "revoke": True},
            "risk-level-change:LOW": {"lowers": True},
        },
    ),
    "SignalRule.weight": _says("Of the signal that it leaves, 0 to 1; 0 leaves none.", 0.5),
    "SignalRule.half_life": _says("After which half of it is left.", "12h"),
    "SignalRule.suspend": _says("Whether the subject is suspended.", True),
    "SignalRule.revoke": _says("Whether the subject's rights for a while are revoked.", True),
    "SignalRule.lowers": _says(
        "What the same sender warned of before counts no more. The only way in which an event lowers risk.",
        True,
    ),
    "Score.sigma": _says(
        "Share of risk of a completed pattern, by severity; low 0.1, medium 0.3, high 0.6, critical 0.9 if left out.",
        {"high": 0.6, "critical": 0.95},
    ),
    "Score.q": _says(
        "What a pattern's share is multiplied by for every step still missing; 0.5 if left out.", 0.5
    ),
    "Policy.provenance": _says(
        "What becomes of an action by where its critical arguments came from; asked after the patterns."
    ),
    "Policy.levels": _says(
        "What becomes of the pack's patterns for some identities, actions or resources, unless a pattern's own "
        "`levels` say it.",
        [{"on_match": "monitor", "resource": {"tier": "sandbox"}}],
    ),
    "Policy.reviews": _says(
        "Who answers reviews, and how many have to.",
        [{"resource": {"tier": "crown-jewel"}, "approvers": {"group": "security"}, "quorum": 2}],
    ),
    "Policy.break_glass": _says(
        "Who may go past rules in an emergency; every action so permitted has to be reviewed afterwards.",
        {"subject": {"group": "on-call"}, "for": "1h"},
    ),
    # -- protection
    "Which.action": _says("Names or globs of actions, any of which fits.", "bank:*"),
    "Which.effects": _says(f"Declared effects, any of which fits: {_EFFECTS}.", ["pay"]),
    "Which.subject": _says("Who acts.", {"group": "pilots"}),
    "Which.resource": _says("What is acted on.", {"tier": "sandbox"}),
    "Level.on_match": _says("What becomes of it: `deny`, `escalate` or `monitor`.", "escalate"),
    "ReviewRoute.patterns": _says(
        "Names or globs of the rules that escalated, any of which fits.", "vendor-*"
    ),
    "ReviewRoute.approvers": _says(
        "Who may answer, besides having the role approver; everybody with it, if left out.",
        {"group": "security"},
    ),
    "ReviewRoute.quorum": _says("How many different people have to approve; one rejection is enough.", 2),
    "ReviewRoute.deputies": _says(
        "Who may answer once the review has waited `after`.", {"group": "managers"}
    ),
    "ReviewRoute.after": _says("How long a review waits before deputies may answer.", "30m"),
    "ReviewRoute.expires": _says("How long a review can be answered; an hour if left out.", "4h"),
    "ReviewRoute.not_owner": _says("True: never whoever published the pack of a rule that escalated.", True),
    "ReviewCap.more_than": _says("How many reviews may wait.", 20),
    "ReviewCap.within": _says("Only reviews opened within this time count.", "1h"),
    "ReviewCap.per": _says("`subject` (default; with linked accounts) or `all`.", "all"),
    "BreakGlass.subject": _says("Who may declare an emergency.", {"group": "on-call"}),
    "BreakGlass.action": _says("Names or globs of actions that it can be about; any, if left out.", "db:*"),
    "BreakGlass.covers": _says(
        "Codes of the reasons it goes past. A suspension, a closed chain and an explicit deny always stand.",
        ["not_entitled", "pattern_completed"],
    ),
    "BreakGlass.for": _says("How long it lasts; an hour if left out.", "1h"),
    "BreakGlass.review_within": _says(
        "By when its actions have to be reviewed, a day if left out; until they are, nobody declares another.",
        "24h",
    ),
    # -- pack
    "Pack.id": _says("The pack's name, unique among the packs in force.", "payments"),
    "Pack.version": _says(
        "Any text; quote it where it looks like a number. Every decision names it.", "2026.11.1"
    ),
    "Pack.title": _says("For people.", "Payment fraud"),
    "Pack.data_date": _says(
        "The day the rules were last checked against their sources; findings carry it.", "2026-11-01"
    ),
    "Pack.description": _says("For people."),
    "Pack.source": _says("Where the rules come from: an organisation, a document, an address.", "own"),
    "Pack.order": _says(
        "Packs act in the order of this number, then of their ids. The later of two equally literal `actions` entries "
        "wins, so a site's own pack beats a shipped one with a higher number.",
        200,
    ),
    # -- settings
    "Settings.escalate_at": _says(
        "An action that raises the score to this or above is escalated. 0 to 1; the lowest of all packs counts.",
        0.6,
    ),
    "Settings.deny_at": _says(
        "An action that raises the score to this or above is denied. 0 to 1; the lowest of all packs counts.",
        0.9,
    ),
    "Settings.entitlement": _says(
        "Whether an action needs a permission of the graph: `required`, `advisory` (told, not enforced) or `off`. "
        "Without any pack that says so: `required`.",
        "required",
    ),
    "Settings.enforce": _says(
        "`observe`: what the pack would have stopped is permitted and recorded as such, see `graphsvc policy stopped`. `on`: "
        "it is enforced, which is the default.",
        "observe",
    ),
    "Settings.review_cap": _says(
        "A cap on reviews that wait: beyond it escalations are denied with `cap_reached`, never permitted. Every pack's "
        "cap counts.",
        {"more_than": 20, "within": "1h"},
    ),
    "Settings.outside_intent": _says(
        "What becomes of an action outside the declared intent of its chain: `monitor`, `escalate` (default) or `deny`.",
        "deny",
    ),
    # -- actions
    "ActionDeclaration.effects": _says(f"What doing it does, any of: {_EFFECTS}.", ["read"]),
    "ActionDeclaration.result": _says(
        "What the action's result carries, known before it runs.", {"labels": ["untrusted"]}
    ),
    "ActionDeclaration.arguments": _says(
        "The roles of its arguments, by name. The argument with role `destination` decides whether data leaves.",
        {"to": "destination", "body": "content"},
    ),
    "ActionDeclaration.level": _says(
        "How hard its effect is to undo, 0 (nothing to undo) to 3 (cannot be undone).", 2
    ),
    "ActionDeclaration.effects_with_destination": _says(
        "What it does besides when a destination is given.", ["send"]
    ),
    "ActionDeclaration.about": _says(
        "Nouns of a request that ask for the action together with a weak verb.", ["invoice", "bill"]
    ),
    "ActionDeclaration.creates": _says(
        "The argument that names somebody or something that is known once the action is done.", ["to"]
    ),
    "ResultDeclaration.labels": _says("Labels of everything it returns.", ["untrusted"]),
    "ResultDeclaration.text": _says(
        "Fields of the result that an outsider can write in free words; `*` is every one.", ["body"]
    ),
    "ResultDeclaration.party": _says("Fields that hold identities which an outsider chooses.", ["sender"]),
    "ResultDeclaration.key": _says("Fields by which a person points at a record.", ["subject"]),
    "ResultDeclaration.amount": _says("Fields that hold sums of money or quantities.", ["total"]),
    # -- conditions
    "EventCondition.action": _says(
        "Names or globs of actions, any of which fits; `*` and `?` are the wildcards, and case counts.",
        "mail:Send",
        ["mail:*", "chat:Post"],
    ),
    "EventCondition.effects": _says(
        f"The action's declared effects, any of which fits: {_EFFECTS}.", ["send", "pay"]
    ),
    "EventCondition.labels": _says(
        "Labels of what is touched: those of the resource, of the declared result, sent with the request, and reported "
        "later. A plain list means `any`.",
        ["untrusted"],
        {"all": ["sensitive"], "none": ["redacted"]},
    ),
    "EventCondition.subject": _says("Who acts.", {"kind": "agent", "group": "pilots"}),
    "EventCondition.resource": _says("What is acted on.", {"type": "record", "tier": "crown-jewel"}),
    "EventCondition.destination": _says(
        "Where it leads, by the arguments with role `destination`: `known`, `unknown` or `owned` (by a principal; it is "
        "known as well).",
        "unknown",
    ),
    "EventCondition.argument": _says(
        "Some argument has such a role and such an origin.", {"role": "destination", "from": "untrusted"}
    ),
    "EventCondition.when": _says(
        "A condition in CEL over this event; see conditions.md. One that cannot be answered counts as true in a step "
        "and as false in a guard.",
        "context.amount > 10000.0",
    ),
    "EventCondition.at": _says(
        "`event` (default): judged as of the event, and then fixed. `completion`: judged with the facts of the graph "
        "at the completing action.",
        "completion",
    ),
    "EventCondition.key": _says(
        "Variables and where each takes its value: a path below `subject`, `resource`, `action`, `context`, `chain`, "
        "`session` or `principal`. Steps that share a variable must have equal values; an event without the value does "
        "not match.",
        {"vendor": "resource.id"},
    ),
    "Step.then": _says(
        "The step that this one leads to. A step without it is a top, and every top must have happened.",
        "out",
    ),
    "Guard.within": _says("How long the guard stays good, for ever if left out.", "1h"),
    "Guard.by": _says(
        "Whose event counts: `same` (of the same session or principal), `other` (nobody who takes part) or `anyone`. "
        "Default: `same` in session scope, else `other`.",
        "other",
    ),
    "Sanitizer.removes": _says(
        "The labels that it takes away; it cuts the paths that need them. Every path, if left out.",
        ["sensitive"],
    ),
    "Reset.between": _says("The edge that it cuts: a step and the step it leads to.", ["untrusted", "out"]),
    "LabelCondition.any": _says("At least one of these.", ["untrusted"]),
    "LabelCondition.all": _says("Every one of these.", ["sensitive", "personal"]),
    "LabelCondition.none": _says("None of these.", ["redacted"]),
    "SubjectCondition.kind": _says(
        "Kind of the identity: `human`, `service`, `agent`, `workload`.", ["agent", "workload"]
    ),
    "SubjectCondition.id": _says("Ids or globs.", "ci-*"),
    "SubjectCondition.group": _says("Groups or roles it belongs to, nested ones included.", "pilots"),
    "ResourceCondition.type": _says("Its type.", "record"),
    "ResourceCondition.id": _says("Ids or globs.", "prod-*"),
    "ResourceCondition.tier": _says("Its class of value in the graph.", "crown-jewel"),
    "ResourceCondition.labels": _says(
        "Its own labels, not those of this event. A plain list means `any`.", ["pii"]
    ),
    "ArgumentCondition.role": _says("Roles, any of which fits; any role if left out.", "destination"),
    "ArgumentCondition.fact": _says("Facts about its origin, any of which fits.", ["from_untrusted"]),
    "ArgumentCondition.from": _says(
        "Short for facts: `intent` (named by the intent), `trusted` (clean), `untrusted` (from untrusted data, "
        "contested, of a party, or designated), `unknown` (unprovenanced).",
        "untrusted",
    ),
    # -- patterns
    "Pattern.id": _says("The pattern's name, unique over all packs in force.", "vendor-then-payment"),
    "Pattern.title": _says("For people; shown in reasons.", "The same person creates a vendor and pays it"),
    "Pattern.description": _says("For people."),
    "Pattern.references": _says("Where it is described, such as the id of a technique.", ["T1098.003"]),
    "Pattern.severity": _says(
        "`low`, `medium` (default), `high` or `critical`; its share of the score.", "high"
    ),
    "Pattern.harm": _says(
        "Class of harm. Patterns of one class count once in the score; a pattern without it is a class of its own.",
        "fraud",
    ),
    "Pattern.on_match": _says(
        "The verdict when an action completes it: `deny`, `escalate` (default; a person decides) or `monitor` (told, "
        "permitted).",
        "deny",
    ),
    "Pattern.levels": _says(
        "Another verdict for some: of several entries the first that fits the completing action counts, else those of "
        "the pack, else `on_match`.",
        [{"on_match": "escalate", "subject": {"group": "pilots"}}],
    ),
    "Pattern.scope": _says(
        "What its events have in common: `session` (default; a chain with all it spawned), `principal` (over sessions; "
        "needs `within`) or `data` (what flows through stores; needs `within`).",
        "principal",
    ),
    "Pattern.principal": _says(
        "In scope `principal`: whose events belong together, `root` (default; the human or service at the root of the "
        "delegation), `actor` (who acts) or `any` (one that all have in common).",
        "root",
    ),
    "Pattern.relation": _says(
        "What `then` means: `flow` (by declared parents), `causal` (happened before, along chains; default) or `log` "
        "(recorded before; the only one in scope `principal`).",
        "flow",
    ),
    "Pattern.within": _says("The whole path lies within this time.", "24h"),
    "Pattern.steps": _says(
        "The path: steps by name, each leading to at most one other by `then`. At most 16.",
        {
            "read": {"labels": ["sensitive"], "then": "out"},
            "out": {"effects": ["send"], "destination": "unknown"},
        },
    ),
    "Pattern.count": _says(
        "Too many of one kind of event.",
        {"step": {"effects": ["read"]}, "distinct": "resource.id", "more_than": 50},
    ),
    "Pattern.rights": _says(
        "Rights that give more together than each alone; see rights.md.",
        {"all_of": [{"right": "iam:PassRole", "on": "$role"}], "gives": {"assume": "$role"}},
    ),
    "Pattern.reach": _says(
        "Coming near to what is worth most; see rights.md.", {"tier": "crown-jewel", "nearer_than": 2}
    ),
    "Pattern.unless": _says(
        "Guards: an earlier event that makes the completion harmless.",
        [{"action": "change:Approve", "key": {"vendor": "resource.id"}, "within": "1h"}],
    ),
    "Pattern.sanitized_by": _says(
        "Events that cut the flow through them. Needs relation `flow` or `causal`.",
        [{"action": "dlp:Redact", "removes": ["sensitive"]}],
    ),
    "Pattern.without": _says(
        "Events that cut an edge when they lie between its two ends.",
        [{"action": "session:Reset", "between": ["untrusted", "out"]}],
    ),
    "Pattern.distinct": _says("Steps that must be different events.", ["first", "second"]),
    "Count.step": _says("What is counted.", {"effects": ["read"], "resource": {"type": "record"}}),
    "Count.distinct": _says(
        "Count different values of this expression, every event if left out.", "resource.id"
    ),
    "Count.more_than": _says("Completes when there are more than this.", 50),
    "Right.right": _says("Names or globs of rights, any of which fits.", "iam:PassRole"),
    "Right.given": _says(
        "Keys of conditions whose values this use of the right fixes, such as the service that a role is passed to.",
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    "Right.on": _says("A glob of resources, or a `$variable`; anything if left out.", "$role"),
    "RightsGain.assume": _says("The identity that can be assumed.", "$role"),
    "RightsGain.right": _says("A right.", "s3:GetObject"),
    "RightsGain.on": _says("Where the right is gained.", "$bucket"),
    "RightsGain.admin": _says("Everything.", True),
    "RightsPattern.all_of": _says("The rights that must be held.", [{"right": "lambda:CreateFunction"}]),
    "RightsPattern.where": _says(
        "What must be true of the variables: functions joined by `&&`, `||` and `!`.",
        'service_can_assume("$role", "lambda.amazonaws.com")',
    ),
    "RightsPattern.gives": _says("What holding them brings.", {"assume": "$role"}),
    "ReachPattern.tier": _says("The class of value of the resources.", "crown-jewel"),
    "ReachPattern.nearer_than": _says("Completes when fewer hops than this are left.", 2),
    # -- provenance
    "Provenance.after": _says(
        "Patterns of which one must complete with the action, else it is not asked; always, if left out.",
        ["lethal-trifecta"],
    ),
    "Provenance.facts": _says(
        "`required` (default) takes an argument without a fact as the worst; `when_sent` judges only callers that send any.",
        "when_sent",
    ),
    "Provenance.levels": _says(
        "How hard each effect is to undo, 0 to 3. An effect without one is not judged; `fetch` has its own rule.",
        {"send": 2, "pay": 3},
    ),
    "Provenance.table": _says("What each fact leads to, by level and by how far the action was asked for."),
    "Provenance.described": _says(
        "Effects for which `permit_if_described` permits; for all others it escalates.", ["message"]
    ),
    "Provenance.fetch": _says("Reading a place that an argument names.", {"composed": "deny"}),
    "Provenance.amount": _says(
        "An amount, where not every destination is named by the request.", {"at_most": 1.25}
    ),
    "Provenance.content": _says(
        "Content that holds an address, link or account that nothing vouches for.", {"unknown": "escalate"}
    ),
    "Row.when": _says("How far the effect was asked for, any of these.", ["requested"]),
    "Row.level": _says("Levels of the effect, any of these.", [2, 3]),
    "Row.named_by_intent": _says("The request names the value.", "permit"),
    "Row.clean": _says("It comes from trusted data only.", "permit"),
    "Row.contested": _says("Trusted and untrusted data both hold it.", "escalate"),
    "Row.designated_unique": _says(
        "The request points at the one record that holds it.", "permit_if_described"
    ),
    "Row.designated_many": _says("The request points at several records that hold it.", "escalate"),
    "Row.designated": _says(
        "The request points at a record that holds it, how many is not known.", "escalate"
    ),
    "Row.party": _says("It is an identity that takes part in what was read.", "escalate"),
    "Row.unprovenanced": _says("Nobody can say where it comes from.", "deny"),
    "Row.from_untrusted": _says("Only untrusted data holds it.", "deny"),
    "Row.none": _says("The action has no critical arguments.", "permit"),
    "FetchRule.followed": _says("The only link of a place that the request points at.", "permit"),
    "FetchRule.seen": _says("Another link that was read as it stands.", "escalate"),
    "FetchRule.unrequested": _says(
        "Such a link, where the request does not ask to read anything elsewhere.", "deny"
    ),
    "FetchRule.host_named": _says(
        "Put together, but the request names its host and it carries no query.", "escalate"
    ),
    "FetchRule.composed": _says("Any other.", "deny"),
    "AmountRule.at_most": _says(
        "How many times the largest amount known of the same order or payee it may be.", 1.25
    ),
    "AmountRule.beyond": _says("What becomes of more.", "escalate"),
    "ContentRule.effects": _says("Effects of actions whose content is looked at.", ["send", "pay"]),
    "ContentRule.unknown": _says("What becomes of content that holds something unknown.", "escalate"),
    "ContentRule.doubtful": _says(
        "The same where a destination of the action is not permitted either: where and what are in doubt; as `unknown` if left out.",
        "deny",
    ),
    # -- tests
    "TestEvent.tokens": _says("Of a report: salted hashes of typed values in the result."),
    "PolicyTest.name": _says("What the story is about.", "paying one's own vendor is denied"),
    "PolicyTest.entitlement": _says("Instead of the packs' setting: `off`, `advisory`, `required`.", "off"),
    "PolicyTest.graph": _says("The estate of the story.", {"grants": [["alice", "erp:*", "*"]]}),
    "PolicyTest.trace": _says("What happens, in order."),
    "TestGraph.grants": _says("Identity, action glob, resource glob.", [["alice", "erp:*", "*"]]),
    "TestGraph.nodes": _says(
        "Nodes, as in graph files after `node`.", [{"type": "identity", "id": "alice", "kind": "human"}]
    ),
    "TestGraph.edges": _says(
        "Edges, as in graph files after `edge`.",
        [{"type": "MEMBER_OF", "from": "identity:alice", "to": "group:pilots"}],
    ),
    "TestEvent.type": _says(
        "`action` (default), or what becomes of an earlier one: `report`, `cancel`, `approve`."
    ),
    "TestEvent.id": _says("How later records name this one.", "e1"),
    "TestEvent.of": _says("The earlier action that a report, cancel or approval is about.", "e1"),
    "TestEvent.by": _says("Who approves.", "dana"),
    "TestEvent.at": _says("When, RFC 3339.", "2026-11-23T10:00:00Z"),
    "TestEvent.after": _says("Time since the record before; a second if left out.", "10m"),
    "TestEvent.chain": _says("The chain it belongs to.", "c1"),
    "TestEvent.session": _says("The session of a chain's first action.", "s1"),
    "TestEvent.parent_chain": _says("The chain that spawned this one, at its first action.", "c1"),
    "TestEvent.joins": _says("Chains whose results flow in.", ["c2"]),
    "TestEvent.subject": _says("Who acts: an id, or an entity with properties.", "alice"),
    "TestEvent.on_behalf_of": _says("Delegators, nearest first.", ["alice"]),
    "TestEvent.action": _says("What is done: a name, or an action with properties.", "mail:Read"),
    "TestEvent.resource": _says("On what: an id, or an entity with type and properties.", "v-1"),
    "TestEvent.labels": _says("Labels that the caller knows, or that a report tells.", ["untrusted"]),
    "TestEvent.parents": _says("Actions whose results feed it; unknown if left out.", ["e1"]),
    "TestEvent.context": _says("Attributes for conditions.", {"amount": 100}),
    "TestEvent.arguments": _says(
        "Critical arguments with their facts.", [{"name": "to", "role": "destination", "fact": "clean"}]
    ),
    "TestEvent.intent": _says("What the task is for.", {"actions": ["mail:*"]}),
    "TestEvent.outcome": _says("Of a report: `success` (default), `failure`, `unknown`."),
    "TestEvent.review": _says("The earlier action whose approval this one uses.", "e1"),
    "TestEvent.executed": _says("False: permitted, but it never happened."),
    "TestEvent.expect": _says("The verdict it must get; not checked if left out.", "DENY"),
    "TestEvent.completes": _says(
        "Exactly the patterns it must complete; `[]` = none; not checked if left out.", ["lethal-trifecta"]
    ),
    "TestEvent.reasons": _says("Exactly the codes of its reasons.", ["pattern_completed"]),
    "TestEntity.id": _says("Its id.", "alice"),
    "TestEntity.type": _says("Its type.", "mailbox"),
    "TestEntity.properties": _says("Attributes for conditions and keys.", {"department": "sales"}),
    "TestAction.name": _says("The action's name.", "mail:Send"),
    "TestAction.properties": _says("Its arguments.", {"to": "stranger@example.org"}),
}


def wording_of(model: str, key: str) -> Wording | None:
    """What a key of a model means; None when nothing is written about it."""
    told = WORDING.get(f"{model}.{key}")
    if told is None and model in _WHICH:
        return WORDING.get(f"Which.{key}")
    return told or WORDING.get(f"EventCondition.{key}")
