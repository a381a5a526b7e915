// The documents of all views.
const FAILED = '... on Failure { code message }'
export const DECISION = `fragment D on Decision {
  id verdict wouldBe decidedAt chain session index action revision
  subject { type id } onBehalfOf { type id } resource { type id } properties parents
  reasons { code message rule } risk { before after }
  completions { pattern { id title severity } onMatch explanation
    path { step decision action subject resource chain index at } }
  review { id status } }`
export const DECISIONS = `query($first: Int, $after: String, $filter: DecisionFilter) {
  revision decisions(first: $first, after: $after, filter: $filter) {
    edges { cursor node { ...D } } pageInfo { hasNextPage endCursor } } } ${DECISION}`
export const WATCH = `subscription($after: String) { decisions(after: $after) {
  __typename ... on DecisionEvent { cursor decision { ...D } } ... on Gap { cursor missed } } } ${DECISION}`
export const ONE = `query($id: ID!) { decision(id: $id) { ...D } } ${DECISION}`
export const CHAIN = `query($id: ID!) { revision chain(id: $id) { id session parent status owner openedAt length revokedGrants
  drift { intent actions outside share } nearest { pattern { id title severity } remaining feasible } } }`
export const WATCH_CHAIN = `subscription($after: String, $chain: ID) { decisions(after: $after, filter: {chain: $chain}) {
  __typename ... on DecisionEvent { cursor decision { ...D } } ... on Gap { cursor missed } } } ${DECISION}`
export const NEAR = `{ chains(first: 60, filter: {status: "open"}) { edges { node { id owner
  nearest { pattern { id title severity } remaining feasible } } } } }`
export const SUMMARY = `{ riskSummary(first: 12) { at openReviews suspended grantsInForce
  riskiest { kind id risk } verdicts { verdict count } patterns { pattern count } } }`
export const REVIEWS = `query($filter: ReviewFilter) { revision reviews(first: 100, filter: $filter) { edges { node {
  id status openedAt expiresAt reviewedBy reviewedAt reason afterwards quorum endorsedBy deputiesFrom narrowed
  decision { ...D } } } } reviewLoad { per100 waiting medianMs p90Ms oldestAt capped
    byRule { rule opened approved rejected withdrawn medianMs } } } ${DECISION}`
export const WATCH_REVIEWS = `subscription($after: String) { reviewUpdates(after: $after) {
  __typename ... on ReviewUpdate { cursor review { id status } } ... on Gap { cursor missed } } }`
export const APPROVE = `mutation($id: ID!, $reason: String!, $scope: ReviewScopeInput) { approveReview(id: $id, reason: $reason, scope: $scope) {
  ... on Review { id status } ${FAILED} } }`
export const REJECT = `mutation($id: ID!, $reason: String!) { rejectReview(id: $id, reason: $reason) {
  ... on Review { id status } ${FAILED} } }`
export const IDENTITIES = `query($after: String) { identities(first: 100, after: $after) {
  edges { cursor node { id kind name status risk permissions } } pageInfo { hasNextPage endCursor } } }`
export const IDENTITY = `query($id: ID!) { identity(id: $id) { id kind name status groups actsFor permissions risk }
  rights(identity: $id, first: 100) { endCursor permissions { id effect actions resources conditional needs heldBy } }
  grants(first: 50, filter: {identity: $id}) { edges { node { status used revokedAt
    grant { id actions resources notBefore expiresAt purpose grantedBy uses } } } }
  signals(identity: $id) { at weight cause share }
  decisions(first: 25, filter: {subject: $id}) { edges { node { ...D } } } } ${DECISION}`
export const SUSPEND = `mutation($v: SuspendInput!) { suspend(input: $v) { ... on Ack { revision } ${FAILED} } }`
export const REINSTATE = `mutation($id: ID!, $kind: TargetKind!) { reinstate(id: $id, kind: $kind) {
  ... on Ack { revision } ${FAILED} } }`
export const SUSPENSIONS = '{ suspensions { kind id reason suspendedAt suspendedBy until } }'
export const GRANT = `mutation($v: GrantInput!) { grant(input: $v) { ... on Granted { revision } ${FAILED} } }`
export const REVOKE = `mutation($id: ID!, $reason: String!) { revokeGrant(id: $id, reason: $reason) {
  ... on Revoked { revision affectedChains } ${FAILED} } }`
export const COMBINATIONS = `query($min: String!) { combinations(minSeverity: $min, limit: 2000) { truncated revision
  packs { pack version } combinations { identity pattern title severity certainty gives values
    permissions { right on permission via { type from to } conditions } } } }`
export const FINDINGS = `query($first: Int, $after: String, $filter: FindingFilter, $register: [FindingEntryInput!]) {
  findings(first: $first, after: $after, filter: $filter, register: $register) { truncated revision totalCount packs { pack version }
    pageInfo { hasNextPage endCursor } edges { node { fingerprint pattern title severity certainty identities status owner due acceptedUntil acceptedBy reason entries } } } }`
const ENTRY = 'id pattern identity fingerprint owner due acceptedUntil lapsed reason registeredBy registeredAt'
export const REGISTER = `{ findingRegister { ${ENTRY} } }`
export const ACCEPT_RISK = `mutation($v: AcceptRiskInput!) { acceptRisk(input: $v) { ... on RegisterEntry { id } ${FAILED} } }`
export const ASSIGN_FINDING = `mutation($v: AssignFindingInput!) { assignFinding(input: $v) { ... on RegisterEntry { id } ${FAILED} } }`
export const WITHDRAW_ENTRY = `mutation($id: ID!, $reason: String!) { withdrawEntry(id: $id, reason: $reason) {
  ... on Ack { revision } ${FAILED} } }`
export const PATHS = `query($from: ID!, $to: String) { paths(from: $from, to: $to) { truncated revision
  paths { from to hops { from to how pattern rights conditions certainty } } } }`
export const WHAT_IF = `query($add: [EdgeInput!], $remove: [EdgeInput!]) { whatIf(add: $add, remove: $remove) { truncated revision
  appears { identity title severity permissions { right } } vanishes { identity title severity permissions { right } } } }`
export const POLICIES = `{ policies { pack version sha256 publishedAt publishedBy comment inForce }
  patterns { id title severity onMatch scope pack version steps } }`
export const AUDIT = '{ auditCheckpoint { origin size root note key } }'
export const PROOF = 'query($id: ID!, $size: Int!) { auditProof(id: $id, size: $size) { number leaf size path } }'

// The life of rules.
export const VERSIONS = '{ policies { pack version sha256 publishedAt publishedBy comment inForce text } }'
export const DRAFTS = `{ policyDrafts { draft comment draftedBy draftedAt files texts } }`
export const TRIALS = `{ policyTrials { pack version since by comment canary decisions spoke differs denies escalates unjudged }
  wouldHaveStopped(first: 20) { decisions denied escalated truncated byRule { name verdict count } byIdentity { name verdict count }
    examples { decision at action resource subject rules why answered wouldBe } } }`
export const REPLAY = `query($v: ReplayDiffInput!) { replayDiff(input: $v) { decisions differing complete whole passedOver
  moves { before after count } identities { name tightened loosened } patterns { name tightened loosened }
  examples { decision at action resource subject before after answered completedBefore completedAfter } } }`
export const DRAFT = `mutation($v: PublishPolicyInput!) { draftPolicy(input: $v) { ... on Drafted { draft } ${FAILED} } }`
export const SHADOW = `mutation($v: ShadowInput!) { shadowPolicy(input: $v) { ... on Shadowed { pack unjudged } ${FAILED} } }`
export const END_TRIAL = `mutation($pack: String!) { endTrial(pack: $pack) { ... on Ack { revision } ${FAILED} } }`
export const PUBLISH_DRAFT = `mutation($draft: ID!) { publishDraft(draft: $draft) { ... on Ack { revision } ${FAILED} } }`
export const WITHDRAW_DRAFT = `mutation($draft: ID!) { withdrawDraft(draft: $draft) { ... on Ack { revision } ${FAILED} } }`
export const ROLLBACK = `mutation($v: RollbackInput!) { rollbackPolicy(input: $v) { ... on Ack { revision } ${FAILED} } }`

// Emergencies, and rights that are asked for.
export const EMERGENCIES = '{ emergencies { id identity chain reason declaredBy declaredAt until pack unreviewed } }'
export const BREAK_GLASS = `mutation($v: BreakGlassInput!) { breakGlass(input: $v) { ... on Emergency { id } ${FAILED} } }`
export const REQUESTS = `{ grantRequests(first: 50) { edges { node { id status identity actions resources purpose lasts uses chain
  onBehalfOf requestedBy requestedAt expiresAt quorum endorsedBy deputiesFrom answeredBy answeredAt reason } } } }`
export const APPROVE_REQUEST = `mutation($id: ID!, $reason: String!, $scope: GrantScopeInput) {
  approveGrantRequest(id: $id, reason: $reason, scope: $scope) { ... on GrantRequest { id status } ${FAILED} } }`
export const REJECT_REQUEST = `mutation($id: ID!, $reason: String!) {
  rejectGrantRequest(id: $id, reason: $reason) { ... on GrantRequest { id status } ${FAILED} } }`
export const WATCH_REQUESTS = `subscription($after: String) { grantRequestUpdates(after: $after) {
  __typename ... on GrantRequestUpdate { cursor request { id status } } ... on Gap { cursor missed } } }`
export const SIGNAL = `mutation($v: SignalInput!) { sendSignal(input: $v) { ... on Ack { revision } ${FAILED} } }`
