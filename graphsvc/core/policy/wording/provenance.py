"""What the keys of provenance tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.says import Wording, says

__all__ = ["PROVENANCE"]

PROVENANCE: Final[Mapping[str, Wording]] = {
    # -- provenance
    "Provenance.after": says(
        "Patterns of which one must complete with the action, else it is not asked; always, if left out.",
        ["lethal-trifecta"],
    ),
    "Provenance.facts": says(
        "`required` (default) takes an argument without a fact as the worst; `when_sent` judges only callers that send any.",
        "when_sent",
    ),
    "Provenance.levels": says(
        "How hard each effect is to undo, 0 to 3. An effect without one is not judged; `fetch` has its own rule.",
        {"send": 2, "pay": 3},
    ),
    "Provenance.table": says("What each fact leads to, by level and by how far the action was asked for."),
    "Provenance.described": says(
        "Effects for which `permit_if_described` permits; for all others it escalates.", ["message"]
    ),
    "Provenance.fetch": says("Reading a place that an argument names.", {"composed": "deny"}),
    "Provenance.amount": says(
        "An amount, where not every destination is named by the request.", {"at_most": 1.25}
    ),
    "Provenance.content": says(
        "Content that holds an address, link or account that nothing vouches for.", {"unknown": "escalate"}
    ),
    "Row.when": says("How far the effect was asked for, any of these.", ["requested"]),
    "Row.level": says("Levels of the effect, any of these.", [2, 3]),
    "Row.named_by_intent": says("The request names the value.", "permit"),
    "Row.clean": says("It comes from trusted data only.", "permit"),
    "Row.contested": says("Trusted and untrusted data both hold it.", "escalate"),
    "Row.designated_unique": says(
        "The request points at the one record that holds it.", "permit_if_described"
    ),
    "Row.designated_many": says("The request points at several records that hold it.", "escalate"),
    "Row.designated": says(
        "The request points at a record that holds it, how many is not known.", "escalate"
    ),
    "Row.party": says("It is an identity that takes part in what was read.", "escalate"),
    "Row.unprovenanced": says("Nobody can say where it comes from.", "deny"),
    "Row.from_untrusted": says("Only untrusted data holds it.", "deny"),
    "Row.none": says("The action has no critical arguments.", "permit"),
    "FetchRule.followed": says("The only link of a place that the request points at.", "permit"),
    "FetchRule.seen": says("Another link that was read as it stands.", "escalate"),
    "FetchRule.unrequested": says(
        "Such a link, where the request does not ask to read anything elsewhere.", "deny"
    ),
    "FetchRule.host_named": says(
        "Put together, but the request names its host and it carries no query.", "escalate"
    ),
    "FetchRule.composed": says("Any other.", "deny"),
    "AmountRule.at_most": says(
        "How many times the largest amount known of the same order or payee it may be.", 1.25
    ),
    "AmountRule.beyond": says("What becomes of more.", "escalate"),
    "ContentRule.effects": says("Effects of actions whose content is looked at.", ["send", "pay"]),
    "ContentRule.unknown": says("What becomes of content that holds something unknown.", "escalate"),
    "ContentRule.doubtful": says(
        "The same where a destination of the action is not permitted either: where and what are in doubt; as `unknown` if left out.",
        "deny",
    ),
}
