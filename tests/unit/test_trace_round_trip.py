"""Whatever a store holds survives being written as a trace and read again."""

from __future__ import annotations

import string
from hashlib import sha256

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from graphsvc.core.codec import decode_records, encode_records
from graphsvc.core.duration import format_duration, parse_duration
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
from graphsvc.core.graph import Edge, Node
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
from graphsvc.core.trace import (
    TraceAction,
    TraceChange,
    item_from_record,
    items_of,
    record_of,
    to_trace_records,
)
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, Reason, ReasonCode, Risk, Verdict

MOMENT = st.integers(0, 4_102_444_800_000)
NAME = st.text(string.ascii_letters + string.digits + "é-_.@", min_size=1, max_size=8)
NOTE = st.one_of(st.just(""), NAME)
NAMES = st.lists(NAME, max_size=3).map(tuple)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | NAME,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAME, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
OBJECT = st.dictionaries(NAME, JSON, max_size=3)
ENTITY = st.builds(Entity, NAME, NAME, OBJECT)
TARGET = st.sampled_from(("identity", "chain", "session", "action", "pattern"))
SHARE = st.floats(0, 1, allow_nan=False)
MAYBE = st.none() | NAME


def _published(at_ms: int, pack: str, version: str, text: str, file: str, note: str) -> PolicyPublished:
    digest = sha256(text.encode()).hexdigest()
    return PolicyPublished(
        at_ms=at_ms, pack=pack, version=version, sha256=digest, text=text, file=file, comment=note, by=note
    )


CHANGES: dict[type, st.SearchStrategy[Record]] = {
    Reported: st.builds(
        Reported, at_ms=MOMENT, action=NAME, outcome=st.sampled_from(("SUCCESS", "FAILURE", "UNKNOWN")),
        labels=NAMES, tokens=NAMES, by=NOTE,
    ),
    Cancelled: st.builds(Cancelled, at_ms=MOMENT, action=NAME, by=NOTE),
    Approved: st.builds(
        Approved, at_ms=MOMENT, decision=NAME, person=ENTITY, reason=NOTE, by=NOTE, narrowed=st.none() | OBJECT,
    ),
    Rejected: st.builds(Rejected, at_ms=MOMENT, decision=NAME, person=ENTITY, reason=NOTE, by=NOTE),
    Granted: st.builds(
        Granted, at_ms=MOMENT, id=NAME, identity=NAME, actions=NAMES, resources=NAMES, from_ms=MOMENT,
        to_ms=MOMENT, chain=MAYBE, uses=st.none() | st.integers(1, 9), purpose=NOTE, by=NOTE,
    ),
    Revoked: st.builds(Revoked, at_ms=MOMENT, grant=NAME, reason=NOTE, by=NOTE),
    Suspended: st.builds(
        Suspended, at_ms=MOMENT, target_kind=TARGET, target=NAME, reason=NOTE, until_ms=st.none() | MOMENT,
        by=NOTE,
    ),
    Reinstated: st.builds(Reinstated, at_ms=MOMENT, target_kind=TARGET, target=NAME, by=NOTE),
    Signalled: st.builds(
        Signalled, at_ms=MOMENT, identity=NAME, weight=SHARE, half_life_ms=st.integers(1, 10**12), cause=NOTE,
        by=NOTE,
    ),
    IntentDeclared: st.builds(IntentDeclared, at_ms=MOMENT, chain=NAME, intent=OBJECT, by=NOTE),
    ChainOpened: st.builds(
        ChainOpened, at_ms=MOMENT, chain=NAME, session=MAYBE, parent_chain=MAYBE, owner=NOTE,
        shared_with=NAMES, intent=st.none() | OBJECT,
    ),
    ChainClosed: st.builds(ChainClosed, at_ms=MOMENT, chain=NAME, by=NOTE),
    Relabelled: st.builds(
        Relabelled, at_ms=MOMENT, resource_type=NAME, resource=NAME, labels=NAMES, by=NOTE
    ),
    SourceRemoved: st.builds(SourceRemoved, at_ms=MOMENT, source=NAME, by=NOTE),
    PolicyPublished: st.builds(_published, MOMENT, NAME, NOTE, NAME, NAME, NOTE),
    PolicyShadowed: st.builds(
        PolicyShadowed, at_ms=MOMENT, pack=NAME, version=NAME, sha256=NAME, text=NAME, share_ppm=st.integers(0, 10**6),
        by=NOTE,
    ),
    TrialEnded: st.builds(TrialEnded, at_ms=MOMENT, pack=NAME, comment=NOTE, by=NOTE),
    PolicyDrafted: st.builds(
        PolicyDrafted, at_ms=MOMENT, draft=NAME, packs=st.lists(st.tuples(NAME, NAME, NOTE), max_size=2).map(tuple),
        by=NOTE,
    ),
    DraftClosed: st.builds(DraftClosed, at_ms=MOMENT, draft=NAME, published=st.booleans(), by=NOTE),
    Endorsed: st.builds(Endorsed, at_ms=MOMENT, decision=NAME, person=ENTITY, reason=NOTE, by=NOTE),
    ReviewWithdrawn: st.builds(ReviewWithdrawn, at_ms=MOMENT, decision=NAME, reason=NOTE, by=NOTE),
    GlassBroken: st.builds(
        GlassBroken, at_ms=MOMENT, id=NAME, identity=NAME, pack=NAME, reason=NOTE, until_ms=MOMENT, chain=MAYBE, by=NOTE,
    ),
    GrantAsked: st.builds(
        GrantAsked, at_ms=MOMENT, id=NAME, identity=NAME, actions=NAMES, resources=NAMES, lasts_ms=st.integers(1, 10**9), purpose=NOTE,
        uses=st.none() | st.integers(1, 9), chain=MAYBE, session=MAYBE, on_behalf_of=NAMES, by=NOTE,
    ),
    GrantSettled: st.builds(GrantSettled, at_ms=MOMENT, request=NAME, outcome=NAME, reason=NOTE, grant=MAYBE, by=NOTE),
    SignalsLowered: st.builds(
        SignalsLowered, at_ms=MOMENT, identity=NAME, sender=NAME, before_ms=MOMENT, cause=NOTE, by=NOTE,
    ),
    FindingRegistered: st.builds(
        FindingRegistered, at_ms=MOMENT, id=NAME, pattern=NAME, identity=NAME, fingerprint=MAYBE, owner=NOTE, due=st.none() | st.dates(),
        accepted_until=st.none() | st.dates(), reason=NOTE, by=NOTE,
    ),
    FindingReleased: st.builds(FindingReleased, at_ms=MOMENT, entry=NAME, reason=NOTE, by=NOTE),
    Confirmed: st.builds(
        Confirmed, at_ms=MOMENT, decision=NAME, person=ENTITY, justified=st.booleans(), reason=NOTE, by=NOTE,
    ),
}  # fmt: skip
NODE = st.one_of(
    st.builds(lambda name, fields, own: Node(key=f"identity:{name}", fields=fields, properties=own),
              NAME, st.fixed_dictionaries({"kind": NAME}), OBJECT),
    st.builds(lambda kind, name, labels, tier: Node(key=f"resource:{kind}:{name}", labels=labels, tier=tier),
              NAME, NAME, NAMES, MAYBE),
)  # fmt: skip
EDGE = st.builds(
    lambda start, end, own: Edge(
        type="KNOWS", start=f"identity:{start}", end=f"identity:{end}", properties=own
    ),
    NAME,
    NAME,
    OBJECT,
)
ARGUMENT = st.builds(
    Argument, name=NAME, role=MAYBE, fact=MAYBE, tokens=NAMES, designation=st.none() | st.integers(0, 9)
)
REQUEST = st.builds(
    AccessRequest, id=NAME, chain=NAME, subject=ENTITY, action=NAME, resource=ENTITY, action_properties=OBJECT,
    session=MAYBE, parent_chain=MAYBE, joins=NAMES, on_behalf_of=st.lists(ENTITY, max_size=2).map(tuple),
    context=OBJECT, labels=NAMES, parents=st.none() | NAMES, arguments=st.lists(ARGUMENT, max_size=2).map(tuple),
    intent=st.none() | OBJECT, review=MAYBE, executed=st.booleans(),
)  # fmt: skip
COMPLETION = st.builds(
    lambda pattern: Completion(
        pattern=pattern, title="t", severity="low", on_match="deny", path=(), explanation="e"
    ),
    NAME,
)
REASON = st.builds(Reason, st.sampled_from(ReasonCode), NAME, st.sampled_from(Verdict))
DECIDED = st.builds(
    Decided, at_ms=MOMENT, request=REQUEST, verdict=st.sampled_from(Verdict), session=NAME, index=st.integers(1, 9),
    reasons=st.lists(REASON, max_size=2).map(tuple), completions=st.lists(COMPLETION, max_size=2).map(tuple),
    risk=st.builds(Risk, before_micros=st.integers(0, 10**7), after_micros=st.integers(0, 10**7)),
    by=NOTE, enforced=st.none() | st.sampled_from(Verdict),
)  # fmt: skip


def _through_json(record: dict[str, Json]) -> dict[str, Json]:
    decoded: dict[str, Json] = msgspec.json.decode(msgspec.json.encode(record))
    return decoded


def test_every_kind_of_change_is_tried() -> None:
    """The strategies name every kind of record; decisions and imports have tests of their own, readings are no history."""
    assert set(CHANGES) | {Decided, GraphStaged, GraphCommitted, AuditRead} == set(Record.__args__)


@given(st.one_of(*CHANGES.values()))
def test_a_change_is_read_as_it_was_written(record: Record) -> None:
    """Reading what was written of a change gives the same record, and nothing is ignored."""
    (written,) = to_trace_records([(7, record)])
    item = item_from_record(_through_json(written))
    assert isinstance(item, TraceChange)
    assert (item.records, item.ignored) == ((record,), ())
    assert record_of(item) == written


@given(DECIDED, st.integers(1, 10**9))
def test_an_action_is_read_as_it_was_written(record: Decided, seq: int) -> None:
    """An action keeps its request, number, time and the answer that was stored."""
    (item,) = items_of([(seq, record)])
    written = record_of(item)
    assert item_from_record(_through_json(written), "") == item
    assert isinstance(item, TraceAction)
    assert item.stored is not None
    assert (item.stored.verdict, item.stored.enforced) == (record.verdict, record.answered)
    assert item.request.executed == (record.request.executed and record.answered is Verdict.PERMIT)
    assert replace(item.request, executed=record.request.executed, session=record.request.session) == record.request  # fmt: skip


@given(st.lists(NODE, max_size=3), st.lists(EDGE, max_size=3), NAME, st.booleans(), NOTE)
def test_an_import_is_read_as_it_was_written(
    nodes: list[Node], edges: list[Edge], source: str, replaced: bool, caller: str
) -> None:
    """All staged parts of an import are one record, with every fact of it."""
    written = list(
        to_trace_records(
            [
                (1, GraphStaged(at_ms=1, load="l", nodes=tuple(nodes))),
                (2, GraphStaged(at_ms=2, load="l", edges=tuple(edges))),
                (3, GraphCommitted(at_ms=3, load="l", source=source, replace=replaced, by=caller)),
            ]
        )
    )
    item = item_from_record(_through_json(written[0]), "l")
    staged = GraphStaged(at_ms=3, load="l", nodes=tuple(nodes), edges=tuple(edges))
    committed = GraphCommitted(at_ms=3, load="l", source=source, replace=replaced, by=caller)
    assert item == TraceChange(records=(staged, committed), place="l")
    assert record_of(item) == written[0]


@given(st.lists(st.one_of(*CHANGES.values(), DECIDED), max_size=3))
def test_log_entries_keep_their_records(records: list[Record]) -> None:
    """The body of a log entry holds exactly the records that were put in, of every kind."""
    assert decode_records(encode_records(records, b"salt")) == records


@given(st.integers(1, 10**15))
def test_spans_of_time_are_exact(duration_ms: int) -> None:
    """Any whole number of milliseconds above zero can be written and read."""
    assert parse_duration(format_duration(duration_ms)) == duration_ms
