"""Records of every kind, for the audit log's tests."""

from __future__ import annotations

from hypothesis import strategies as st

from graphsvc.core.governing import (
    Confirmed,
    DraftClosed,
    Endorsed,
    FindingRegistered,
    FindingReleased,
    GlassBroken,
    GrantAsked,
    GrantSettled,
    PolicyDrafted,
    PolicyShadowed,
    ReviewWithdrawn,
    SignalsLowered,
    TrialEnded,
)
from graphsvc.core.record import (
    Approved,
    AuditRead,
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    IntentDeclared,
    PolicyPublished,
    Record,
    Reinstated,
    Rejected,
    Relabelled,
    Reported,
    Revoked,
    Signalled,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.verdict import Completion, PathStep, Reason, ReasonCode, Risk, Verdict

# JSON has no way to write half of a pair of surrogates, and the store refuses it before.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
texts = st.lists(text, max_size=3).map(tuple)
number = st.integers(-(2**63), 2**63 - 1)
entity = st.builds(Entity, text, text, st.dictionaries(text, text, max_size=2))
json = st.dictionaries(
    text, st.none() | st.booleans() | number | st.floats(allow_nan=False) | text, max_size=3
)
step = st.builds(
    PathStep,
    step=text,
    action=text,
    action_name=text,
    subject=text,
    resource=text,
    chain=text,
    index=number,
    at_ms=number,
)
completion = st.builds(
    Completion,
    pattern=text,
    title=text,
    severity=text,
    on_match=text,
    path=st.lists(step, max_size=2).map(tuple),
    explanation=text,
    pack=st.none() | text,
    key=st.dictionaries(text, text, max_size=2),
)
reason = st.builds(Reason, st.sampled_from(ReasonCode), text, st.sampled_from(Verdict), st.none() | text)
argument = st.builds(
    Argument,
    name=text,
    role=st.none() | text,
    fact=st.none() | text,
    tokens=texts,
    designation=st.none() | number,
)
request = st.builds(
    AccessRequest,
    id=text,
    chain=text,
    subject=entity,
    action=text,
    resource=entity,
    action_properties=json,
    session=st.none() | text,
    parent_chain=st.none() | text,
    joins=texts,
    context=json,
    labels=texts,
    on_behalf_of=st.lists(entity, max_size=2).map(tuple),
    parents=st.none() | texts,
    review=st.none() | text,
    arguments=st.lists(argument, max_size=2).map(tuple),
    intent=st.none() | json,
)
decided = st.builds(
    Decided,
    at_ms=number,
    request=request,
    verdict=st.sampled_from(Verdict),
    session=text,
    index=number,
    reasons=st.lists(reason, max_size=2).map(tuple),
    completions=st.lists(completion, max_size=2).map(tuple),
    risk=st.builds(Risk, before_micros=number, after_micros=number),
    by=text,
    dedupe=text,
    digest=text,
    enforced=st.none() | st.sampled_from(Verdict),
    opened=texts,
)
record: st.SearchStrategy[Record] = st.one_of(
    decided,
    st.builds(Reported, at_ms=number, action=text, outcome=text, labels=texts, tokens=texts, by=text),
    st.builds(Cancelled, at_ms=number, action=text, by=text),
    st.builds(ChainOpened, at_ms=number, chain=text, session=st.none() | text, shared_with=texts, intent=st.none() | json),
    st.builds(ChainClosed, at_ms=number, chain=text, by=text),
    st.builds(
        Granted, at_ms=number, id=text, identity=text, actions=texts, resources=texts, from_ms=number, to_ms=number,
        chain=st.none() | text, uses=st.none() | number, purpose=text, by=text,
    ),
    st.builds(Revoked, at_ms=number, grant=text, reason=text, by=text),
    st.builds(Suspended, at_ms=number, target_kind=text, target=text, reason=text, until_ms=st.none() | number),
    st.builds(Reinstated, at_ms=number, target_kind=text, target=text),
    st.builds(Relabelled, at_ms=number, resource_type=text, resource=text, labels=texts),
    st.builds(PolicyPublished, at_ms=number, pack=text, version=text, sha256=text, text=text, comment=text),
    st.builds(GraphStaged, at_ms=number, load=text),
    st.builds(GraphCommitted, at_ms=number, load=text, source=text, replace=st.booleans()),
    st.builds(SourceRemoved, at_ms=number, source=text),
    st.builds(Approved, at_ms=number, decision=text, person=entity, reason=text),
    st.builds(Rejected, at_ms=number, decision=text, person=entity, reason=text),
    st.builds(Signalled, at_ms=number, identity=text, weight=st.floats(), half_life_ms=number, cause=text),
    st.builds(IntentDeclared, at_ms=number, chain=text, intent=json),
    st.builds(PolicyShadowed, at_ms=number, pack=text, version=text, sha256=text, text=text, share_ppm=number),
    st.builds(TrialEnded, at_ms=number, pack=text),
    st.builds(PolicyDrafted, at_ms=number, draft=text, packs=st.lists(st.tuples(text, text, text), max_size=2).map(tuple)),
    st.builds(DraftClosed, at_ms=number, draft=text, published=st.booleans()),
    st.builds(Endorsed, at_ms=number, decision=text, person=entity),
    st.builds(ReviewWithdrawn, at_ms=number, decision=text),
    st.builds(GlassBroken, at_ms=number, id=text, identity=text, pack=text, reason=text, until_ms=number),
    st.builds(GrantAsked, at_ms=number, id=text, identity=text, actions=texts, resources=texts, lasts_ms=number, purpose=text),
    st.builds(GrantSettled, at_ms=number, request=text, outcome=text, reason=text, grant=text),
    st.builds(SignalsLowered, at_ms=number, identity=text, sender=text, before_ms=number, cause=text),
    st.builds(
        FindingRegistered, at_ms=number, id=text, pattern=text, identity=text, fingerprint=st.none() | text, owner=text, reason=text,
        due=st.none() | st.dates(), accepted_until=st.none() | st.dates(), by=text,
    ),
    st.builds(FindingReleased, at_ms=number, entry=text, reason=text, by=text),
    st.builds(Confirmed, at_ms=number, decision=text, person=entity, justified=st.booleans()),
    st.builds(AuditRead, at_ms=number, what=text, first=number, last=number, by=text),
)  # fmt: skip
