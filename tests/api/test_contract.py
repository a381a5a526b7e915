"""The schema against what outside programs rely on, and against the schema that was published last."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, build_schema, find_breaking_changes

_SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8"))
_PUBLISHED = Path(__file__).parent / "published.graphql"

OPERATIONS = {
    "Query": "evaluate node nodes decision decisions chain chains identity identities resource resources rights combinations "
    "paths blastRadius chokePoints cut whatIf replayDiff patterns policies reviews signals grants riskSummary "
    "auditCheckpoint auditProof",
    "Mutation": "decide decideMany report openChain closeChain cancelDecision declareIntent grant revokeGrant suspend reinstate "
    "sendSignal approveReview rejectReview publishPolicy shadowPolicy rollbackPolicy upsertGraph removeSource",
    "Subscription": "riskUpdates decisions reviewUpdates chainUpdates policyUpdates",
}
FIELDS = {
    "Mutation.decide": "(input: DecideInput!): DecideResult!",
    "Mutation.decideMany": "(inputs: [DecideInput!]!): [DecideResult!]!",
    "Mutation.report": "(input: ReportInput!): ReportResult!",
    "Mutation.grant": "(input: GrantInput!): GrantResult!",
    "Mutation.revokeGrant": "(id: ID!, reason: String!): RevokeResult!",
    "Mutation.suspend": "(input: SuspendInput!): SuspendResult!",
    "Mutation.approveReview": "(id: ID!, reason: String!, scope: ReviewScopeInput): ReviewResult!",
    "Mutation.rejectReview": "(id: ID!, reason: String!): ReviewResult!",
    "Mutation.publishPolicy": "(input: PublishPolicyInput!): PublishResult!",
    "Query.evaluate": "(input: DecideInput!): Evaluation!",
    "Subscription.decisions": "(after: String, filter: DecisionFilter): DecisionItem!",
    "Subscription.riskUpdates": "(after: String, filter: RiskFilter): RiskItem!",
}
MEMBERS = {
    "Verdict": "PERMIT DENY ESCALATE",
    "EntityInput": "type: String! id: ID! properties: JSON",
    "ActionInput": "name: String! properties: JSON",
    "DecideInput": "idempotencyKey: String! chain: ID! session: ID parentChain: ID joins: [ID!] subject: EntityInput! "
    "onBehalfOf: [EntityInput!] action: ActionInput! resource: EntityInput! context: JSON labels: [String!] parents: [ID!] "
    "intent: IntentInput arguments: [ArgumentInput!] atLeast: String deadlineMs: Int review: ID",
    "ArgumentInput": "name: String! role: String fact: String tokens: [String!]",
    "Decision": "id: ID! verdict: Verdict! reasons: [Reason!]! completions: [Completion!]! risk: RiskChange! nearest: [NearHarm!]! "
    "obligations: [Obligation!]! review: Review shadow: [ShadowVerdict!]! revision: String! auditId: ID! replayed: Boolean! "
    "decidedAt: DateTime!",
    "Completion": "pattern: PatternRef! path: [PathStep!]! explanation: String!",
    "GrantInput": "identity: ID! actions: [String!]! resources: [String!]! expiresAt: DateTime! notBefore: DateTime uses: Int chain: ID "
    "purpose: String!",
    "ReportInput": "decision: ID! outcome: Outcome! labels: [String!] tokens: [String!]",
    "Outcome": "SUCCESS FAILURE UNKNOWN",
    "SuspendInput": "reason: String! until: DateTime",
    "TargetKind": "identity chain session action pattern",
    "PublishPolicyInput": "yaml: String comment: String!",
    "Reason": "code: ReasonCode! message: String! rule: String",
    "RiskChange": "before: Float! after: Float! delta: Float!",
    "Granted": "grant: Grant! revision: String!",
    "Refused": "completions: [Completion!]!",
    "Revoked": "grant: Grant! revision: String! affectedChains: [ID!]!",
    "DecisionEvent": "cursor: String! decision: Decision!",
    "Gap": "cursor: String! missed: Int",
    "RiskUpdate": "cursor: String! at: DateTime! chain: ID! identity: ID! before: Float! after: Float! cause: ID! nearest: [NearHarm!]!",
}
UNIONS = {
    "DecideResult": "Decision InvalidRequest NotAllowed Conflict",
    "DecisionItem": "DecisionEvent Gap",
    "RiskItem": "RiskUpdate Gap",
}
REASONS = (
    "caller_not_allowed subject_unknown subject_suspended not_entitled denied_explicitly condition_unknown not_delegated "
    "principal_missing grant_expired outside_intent pattern_completed provenance key_missing risk_threshold cap_reached chain_closed "
    "review_invalid review_rejected observe_only store_unavailable deadline_exceeded overloaded revision_unavailable"
)


def test_every_operation_is_there() -> None:
    """By its name."""
    missing = set()
    for kind, names in OPERATIONS.items():
        found = _SCHEMA.type_map[kind]
        assert isinstance(found, GraphQLObjectType)
        missing |= {f"{kind}.{name}" for name in names.split()} - {f"{kind}.{name}" for name in found.fields}
    assert not missing


@pytest.mark.parametrize("path", FIELDS)
def test_settled_fields_have_their_signature(path: str) -> None:
    """Arguments of these names and types are taken, and the result has its type."""
    kind, _, name = path.partition(".")
    field = _SCHEMA.type_map[kind].fields[name]  # type: ignore[attr-defined]
    arguments, _, result = FIELDS[path].rpartition("): ")
    for each in arguments.removeprefix("(").split(", "):
        argument, _, type_name = each.partition(": ")
        assert str(field.args[argument].type) == type_name
    assert str(field.type) == result


@pytest.mark.parametrize("kind", MEMBERS)
def test_settled_types_have_their_members(kind: str) -> None:
    """Fields by name and type; members of an enum by name."""
    found = _SCHEMA.type_map[kind]
    words = MEMBERS[kind].split()
    if not MEMBERS[kind].count(":"):
        assert set(words) == set(found.values)  # type: ignore[attr-defined]
        return
    for name, type_name in zip(words[::2], words[1::2], strict=True):
        assert str(found.fields[name.removesuffix(":")].type) == type_name  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", UNIONS)
def test_settled_unions_have_their_members(kind: str) -> None:
    """Expected failures are members of the result."""
    found = _SCHEMA.type_map[kind]
    assert isinstance(found, GraphQLUnionType)
    assert {member.name for member in found.types} == set(UNIONS[kind].split())


def test_reason_codes_are_stable() -> None:
    """Every code that programs may look for; others may be added."""
    assert set(REASONS.split()) <= set(_SCHEMA.type_map["ReasonCode"].values)  # type: ignore[attr-defined]


def test_connections_are_keyset_pages_both_ways() -> None:
    """Every list that pages takes `first` and `after`, and what shows people lists also `last` and `before`."""
    query = _SCHEMA.query_type
    assert query is not None
    paged = {name for name, field in query.fields.items() if str(field.type).endswith("Connection!")}
    assert paged >= {"decisions", "chains", "identities", "resources", "reviews", "grants"}
    for name in paged:
        assert {"first", "after", "last", "before"} <= query.fields[name].args.keys(), name


def test_nothing_that_was_published_is_broken() -> None:
    """Against `published.graphql`, the schema of the newest release; it is replaced with a release, never before."""
    published = build_schema(_PUBLISHED.read_text(encoding="utf-8"))
    assert [change.description for change in find_breaking_changes(published, _SCHEMA)] == []


def test_a_break_would_be_noticed() -> None:
    """A field gone, and an argument become required."""
    published = build_schema("type Query { a: Int b(x: Int): Int }")
    broken = build_schema("type Query { b(x: Int!): Int }")
    assert len(find_breaking_changes(published, broken)) == 2
