"""The GraphQL documents that the client sends; fixed texts, so that the service parses each once."""

from __future__ import annotations

__all__ = [
    "APPROVE_REVIEW",
    "CANCEL",
    "CHAIN",
    "CHAINS",
    "CLOSE_CHAIN",
    "DECIDE",
    "DECIDE_MANY",
    "DECISION",
    "DECISIONS",
    "DECLARE_INTENT",
    "EVALUATE",
    "GRANT",
    "OPEN_CHAIN",
    "PUBLISH",
    "REINSTATE",
    "REJECT_REVIEW",
    "REMOVE_SOURCE",
    "REPORT",
    "REVIEWS",
    "REVOKE",
    "ROLLBACK",
    "SEND_SIGNAL",
    "SUBSCRIBE",
    "SUSPEND",
    "UPSERT",
    "WITHDRAW_REVIEW",
]  # fmt: skip

_JUDGED = """verdict revision
  reasons { code message rule retryable }
  completions { pattern { id title severity } explanation
    path { step decision action subject resource chain index at } }
  risk { before after delta beforeMicros afterMicros }
  nearest { pattern { id title severity } remaining feasible }"""
_REVIEW = "id status openedAt expiresAt reviewedBy reviewedAt reason usedBy"
# A decision names its review in short: it is the commonest answer of all.
_WHOLE_REVIEW = f"{_REVIEW} afterwards quorum endorsedBy deputiesFrom narrowed"
_DECISION = f"""fragment D on Decision {{ id auditId replayed recorded decidedAt chain session index action
  subject {{ type id }} resource {{ type id }} review {{ {_REVIEW} }}
  {_JUDGED} }}"""
_FAILURE = "... on Failure { code message field }"
_ACK = f"{{ __typename ... on Ack {{ revision at }} {_FAILURE} }}"
_CHAIN = "id session parent status owner openedAt length"
_GRANT = "grant { id identity actions resources notBefore expiresAt purpose } revision"

DECIDE = f"mutation($v: DecideInput!) {{ r: decide(input: $v) {{ __typename ...D {_FAILURE} }} }} {_DECISION}"
DECIDE_MANY = f"mutation($v: [DecideInput!]!) {{ r: decideMany(inputs: $v) {{ __typename ...D {_FAILURE} }} }} {_DECISION}"
EVALUATE = f"query($v: DecideInput!) {{ r: evaluate(input: $v) {{ stale {_JUDGED} }} }}"
REPORT = f"mutation($v: ReportInput!) {{ r: report(input: $v) {_ACK} }}"
CANCEL = f"mutation($v: ID!) {{ r: cancelDecision(id: $v) {_ACK} }}"
OPEN_CHAIN = f"mutation($v: ChainInput!) {{ r: openChain(input: $v) {_ACK} }}"
CLOSE_CHAIN = f"mutation($v: ID!) {{ r: closeChain(id: $v) {_ACK} }}"
GRANT = f"mutation($v: GrantInput!) {{ r: grant(input: $v) {{ __typename ... on Granted {{ {_GRANT} }} {_FAILURE} }} }}"
REVOKE = (
    "mutation($v: ID!, $reason: String!) { r: revokeGrant(id: $v, reason: $reason) "
    f"{{ __typename ... on Revoked {{ {_GRANT} affectedChains }} {_FAILURE} }} }}"
)
_REVIEWED = f"{{ __typename ... on Review {{ {_WHOLE_REVIEW} }} {_FAILURE} }}"
APPROVE_REVIEW = (
    "mutation($v: ID!, $reason: String!, $scope: ReviewScopeInput) "
    f"{{ r: approveReview(id: $v, reason: $reason, scope: $scope) {_REVIEWED} }}"
)
REJECT_REVIEW = (
    f"mutation($v: ID!, $reason: String!) {{ r: rejectReview(id: $v, reason: $reason) {_REVIEWED} }}"
)
WITHDRAW_REVIEW = (
    f"mutation($v: ID!, $reason: String!) {{ r: withdrawReview(id: $v, reason: $reason) {_REVIEWED} }}"
)
REVIEW = f"query($v: ID!) {{ r: review(id: $v) {{ {_WHOLE_REVIEW} }} }}"
REVIEWS = (
    "query($first: Int, $after: String, $filter: ReviewFilter) "
    "{ r: reviews(first: $first, after: $after, filter: $filter) "
    f"{{ edges {{ node {{ {_WHOLE_REVIEW} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
SEND_SIGNAL = f"mutation($v: SignalInput!) {{ r: sendSignal(input: $v) {_ACK} }}"
SUSPEND = f"mutation($v: SuspendInput!) {{ r: suspend(input: $v) {_ACK} }}"
REINSTATE = f"mutation($v: ID!, $kind: TargetKind!) {{ r: reinstate(id: $v, kind: $kind) {_ACK} }}"
DECLARE_INTENT = f"mutation($v: DeclareIntentInput!) {{ r: declareIntent(input: $v) {_ACK} }}"
PUBLISH = f"mutation($v: PublishPolicyInput!) {{ r: publishPolicy(input: $v) {_ACK} }}"
ROLLBACK = f"mutation($v: RollbackInput!) {{ r: rollbackPolicy(input: $v) {_ACK} }}"
UPSERT = f"mutation($v: UpsertGraphInput!) {{ r: upsertGraph(input: $v) {_ACK} }}"
REMOVE_SOURCE = f"mutation($v: String!) {{ r: removeSource(source: $v) {_ACK} }}"
DECISION = f"query($v: ID!) {{ r: decision(id: $v) {{ ...D }} }} {_DECISION}"
DECISIONS = (
    "query($first: Int, $after: String, $filter: DecisionFilter) "
    "{ r: decisions(first: $first, after: $after, filter: $filter) "
    f"{{ edges {{ node {{ ...D }} }} pageInfo {{ hasNextPage endCursor }} }} }} {_DECISION}"
)
CHAIN = f"query($v: ID!) {{ r: chain(id: $v) {{ {_CHAIN} }} }}"
CHAINS = (
    "query($first: Int, $after: String, $filter: ChainFilter) "
    "{ r: chains(first: $first, after: $after, filter: $filter) "
    f"{{ edges {{ node {{ {_CHAIN} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
SUBSCRIBE = (
    "subscription($after: String, $filter: DecisionFilter) { r: decisions(after: $after, filter: $filter) "
    f"{{ __typename ... on DecisionEvent {{ cursor decision {{ ...D }} }} ... on Gap {{ cursor missed }} }} }} {_DECISION}"
)
