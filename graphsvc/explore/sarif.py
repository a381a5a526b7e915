"""Findings as SARIF 2.1.0, which build systems and code hosts show. Source: OASIS SARIF 2.1.0, 3.27 `result`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphsvc.core.ruleset import Ruleset
from graphsvc.core.value import Json
from graphsvc.explore.finding import Finding, Status

__all__ = ["to_sarif"]

_LEVEL: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# GitHub reads a number between 0 and 10.
_SCORE: Final = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}


def to_sarif(
    found: Sequence[Finding], ruleset: Ruleset, *, version: str, revision: str, compared: bool
) -> dict[str, Json]:
    """One run. compared: a baseline was given, so results say whether they are new."""
    used = list(dict.fromkeys(each.pattern for each in found))
    places = {pattern: number for number, pattern in enumerate(used)}
    references = {
        pattern.id: pattern.references for policy in ruleset.policies for pattern in policy.patterns
    }
    rules: list[Json] = []
    for pattern in used:
        first = next(each for each in found if each.pattern == pattern)
        rule: dict[str, Json] = {
            "id": pattern,
            "shortDescription": {"text": first.title},
            "defaultConfiguration": {"level": _LEVEL[first.severity]},
            "properties": {"security-severity": _SCORE[first.severity], "tags": ["security"], "pack": first.pack, "packVersion": first.version},
        }  # fmt: skip
        if references.get(pattern):
            rule["helpUri"] = references[pattern][0]
        rules.append(rule)
    driver: dict[str, Json] = {"name": "graphsvc", "version": version, "rules": rules}
    results: list[Json] = [_result(each, places[each.pattern], compared=compared) for each in found]
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "results": results,
        "properties": {"revision": revision},
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _result(found: Finding, rule: int, *, compared: bool) -> dict[str, Json]:
    who = found.identities[0]
    more = f" and {len(found.identities) - 1} more" if len(found.identities) > 1 else ""
    gives = f": gives {found.gives}" if found.gives else ""
    rights = ", ".join(held.right for held in found.combination.permissions)
    locations: list[Json] = [
        {"logicalLocations": [{"fullyQualifiedName": identity, "kind": "identity"}]}
        for identity in found.identities[:100]
    ]
    result: dict[str, Json] = {
        "ruleId": found.pattern,
        "ruleIndex": rule,
        "level": _LEVEL[found.severity],
        "message": {"text": f"{found.title}: {who}{more} by {rights}{gives}"},
        "locations": locations,
        "partialFingerprints": {"graphsvc/v1": found.fingerprint},
        "properties": {
            "certainty": found.certainty,
            "identities": len(found.identities),
            "owner": found.owner,
            "due": found.due.isoformat() if found.due else None,
            "status": found.status.value,
        },
    }
    if compared:
        result["baselineState"] = "new" if found.is_new else "unchanged"
    if found.status is Status.accepted:
        text = found.reason or "accepted"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": text}]
    return result
