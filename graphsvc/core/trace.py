"""Traces: history as JSON objects, one a line, to and from the values and records of the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NoReturn, TypeAlias

import msgspec

from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record, node_key, to_record
from graphsvc.core.record import (
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    PolicyPublished,
    Record,
    Reinstated,
    Relabelled,
    Reported,
    Revoked,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.value import Json, format_time, parse_time
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput

__all__ = [
    "TraceAction",
    "TraceApproval",
    "TraceChange",
    "TraceItem",
    "TraceNote",
    "item_from_record",
    "read_trace",
    "to_trace_records",
]

_SOURCE = "trace"
_OUTCOMES = ("SUCCESS", "FAILURE", "UNKNOWN")


class TraceAction(msgspec.Struct, frozen=True, kw_only=True):
    """An action to judge. seq: its number where it was recorded; then `at_ms` is taken as stored (R2)."""

    request: AccessRequest
    at_ms: int
    seq: int | None = None
    place: str = ""


class TraceChange(msgspec.Struct, frozen=True, kw_only=True):
    """Anything else that changes what comes after, as the records that a store would hold."""

    records: tuple[Record, ...]
    place: str = ""


class TraceApproval(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody approved the review of an earlier action (rules R12, R14)."""

    decision: str
    by: Entity
    at_ms: int
    place: str = ""


class TraceNote(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a replay takes note of without acting on it; `type` says which."""

    type: str
    at_ms: int | None = None
    place: str = ""


TraceItem: TypeAlias = TraceAction | TraceChange | TraceApproval | TraceNote


def read_trace(lines: Iterable[str | bytes], file: str = "<trace>") -> Iterator[TraceItem]:
    """The items of a trace in file order; empty lines are skipped.

    BadInput names the file, the line (from 1) and the field. Fields that the format does not name
    are ignored.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if "truncated" in str(error):
                message = f"{place}: the line ends inside a JSON value; is the file cut off? export it again"
            else:
                detail = str(error).removeprefix("JSON is malformed: ")
                message = f"{place}: not JSON: {detail}; write one object a line"
            raise BadInput(message, field=place) from error
        if not isinstance(record, dict):
            raise BadInput(f"{place}: not an object; write one object a line", field=place)
        yield item_from_record(record, place)


def item_from_record(record: Mapping[str, Json], place: str = "trace") -> TraceItem:
    """The item of one record; BadInput starts with `place` and names the field."""
    fields = _Fields(record, place)
    kind = fields.text("type")
    match kind:
        case "action":
            return _action(fields)
        case "approve":
            by = fields.entity("by", "human")
            return TraceApproval(
                decision=fields.text("decision"), by=by, at_ms=fields.time("at"), place=place
            )
        case "reject" | "intent" | "policy" | "signal":
            return TraceNote(type=kind, at_ms=fields.optional_time("at"), place=place)
    records = _change(kind, fields)
    if records is None:
        known = (
            "action, report, cancel, approve, reject, open, close, grant, revoke, suspend, reinstate, relabel"
        )
        fields.fail("type", f"`{kind}` is none of {known}, signal, intent, policy, graph, link")
    return TraceChange(records=records, place=place)


def _action(fields: _Fields) -> TraceAction:
    action = fields.part("action")
    request = AccessRequest(
        id=fields.text("id"),
        chain=fields.text("chain"),
        session=fields.optional_text("session"),
        parent_chain=fields.optional_text("parent_chain"),
        joins=fields.texts("joins"),
        subject=fields.entity("subject", "identity"),
        on_behalf_of=fields.entities("on_behalf_of"),
        action=action.text("name"),
        action_properties=action.mapping("properties"),
        resource=fields.entity("resource", "resource"),
        labels=fields.texts("labels"),
        parents=fields.texts("parents") if fields.record.get("parents") is not None else None,
        context=fields.mapping("context"),
        arguments=tuple(_argument(part) for part in fields.parts("arguments")),
        intent=fields.mapping("intent") or None,
        executed=fields.flag("executed", default=True),
    )
    return TraceAction(
        request=request, at_ms=fields.time("at"), seq=fields.optional_integer("seq"), place=fields.place
    )


def _argument(fields: _Fields) -> Argument:
    return Argument(
        name=fields.text("name"),
        role=fields.optional_text("role"),
        fact=fields.optional_text("fact"),
        tokens=fields.texts("tokens"),
        designation=fields.optional_integer("designation"),
    )


def _change(kind: str, fields: _Fields) -> tuple[Record, ...] | None:
    at_ms = fields.time("at") if kind in _CHANGES else 0
    match kind:
        case "report":
            outcome = (fields.optional_text("outcome") or "unknown").upper()
            if outcome not in _OUTCOMES:
                fields.fail("outcome", f"`{outcome.lower()}` is none of success, failure, unknown")
            labels, tokens = fields.texts("labels"), fields.texts("tokens")
            return (
                Reported(
                    at_ms=at_ms, action=fields.text("action"), outcome=outcome, labels=labels, tokens=tokens
                ),
            )
        case "cancel":
            return (Cancelled(at_ms=at_ms, action=fields.text("action")),)
        case "open":
            return (
                ChainOpened(
                    at_ms=at_ms,
                    chain=fields.text("chain"),
                    session=fields.optional_text("session"),
                    parent_chain=fields.optional_text("parent_chain"),
                    intent=fields.mapping("intent") or None,
                ),
            )
        case "close":
            return (ChainClosed(at_ms=at_ms, chain=fields.text("chain")),)
        case "grant":
            return (
                Granted(
                    at_ms=at_ms,
                    id=fields.text("id"),
                    identity=fields.text("identity").removeprefix("identity:"),
                    actions=fields.texts("actions"),
                    resources=fields.texts("resources"),
                    from_ms=at_ms if fields.record.get("from") is None else fields.time("from"),
                    to_ms=fields.time("to"),
                    chain=fields.optional_text("chain"),
                    uses=fields.optional_integer("uses"),
                    purpose=fields.optional_text("purpose") or "",
                ),
            )
        case "revoke":
            return (
                Revoked(at_ms=at_ms, grant=fields.text("grant"), reason=fields.optional_text("reason") or ""),
            )
        case "suspend" | "reinstate":
            target = fields.entity("target", "identity")
            name = target.id.removeprefix("identity:") if target.type == "identity" else target.id
            if kind == "reinstate":
                return (Reinstated(at_ms=at_ms, target_kind=target.type, target=name),)
            return (
                Suspended(
                    at_ms=at_ms,
                    target_kind=target.type,
                    target=name,
                    reason=fields.optional_text("reason") or "",
                    until_ms=fields.optional_time("until"),
                ),
            )
        case "relabel":
            resource = fields.entity("resource", "resource")
            return (
                Relabelled(
                    at_ms=at_ms,
                    resource_type=resource.type,
                    resource=resource.id,
                    labels=fields.texts("labels"),
                ),
            )
        case "graph":
            return _graph(fields, at_ms)
        case "link":
            first, *others = (node_key("identity", name) for name in fields.texts("identities"))
            edges = tuple(Edge(type="LINKED_TO", start=first, end=other) for other in others)
            return _load(fields.place, _SOURCE, at_ms, (), edges, replace=False)
    return None


_CHANGES = frozenset(
    [
        "report",
        "cancel",
        "open",
        "close",
        "grant",
        "revoke",
        "suspend",
        "reinstate",
        "relabel",
        "graph",
        "link",
    ]
)


def _graph(fields: _Fields, at_ms: int) -> tuple[Record, ...]:
    source = fields.optional_text("source") or _SOURCE
    if fields.flag("remove", default=False):
        return (SourceRemoved(at_ms=at_ms, source=source),)
    nodes: list[Node] = []
    edges: list[Edge] = []
    for part in fields.parts("upsert"):
        if isinstance(part.record.get("edge"), dict):
            edges.append(edge_from_record(part.mapping("edge"), place=f"{part.place} edge"))
        else:
            nodes.append(node_from_record(part.part("node").record, place=f"{part.place} node"))
    return _load(
        fields.place, source, at_ms, tuple(nodes), tuple(edges), replace=fields.flag("replace", default=False)
    )


def _load(
    load: str, source: str, at_ms: int, nodes: tuple[Node, ...], edges: tuple[Edge, ...], *, replace: bool
) -> tuple[Record, ...]:
    return (
        GraphStaged(at_ms=at_ms, load=load, nodes=nodes, edges=edges),
        GraphCommitted(at_ms=at_ms, load=load, source=source, replace=replace),
    )


# -- writing -----------------------------------------------------------------------------------------


def to_trace_records(records: Iterable[tuple[int, Record]]) -> Iterator[dict[str, Json]]:
    """Trace records of numbered records; reading them gives the same history.

    A staged part of an import is written with its commit, when it becomes visible.
    """
    staged: dict[str, list[Json]] = {}
    for seq, record in records:
        if isinstance(record, GraphStaged):
            staged.setdefault(record.load, []).extend(
                to_record(fact) for fact in (*record.nodes, *record.edges)
            )
        else:
            facts = staged.pop(record.load, []) if isinstance(record, GraphCommitted) else []
            yield _written(seq, record, facts)


def _written(seq: int, record: Record, facts: list[Json]) -> dict[str, Json]:
    at: Json = format_time(record.at_ms)
    match record:
        case Decided():
            return _written_action(seq, record)
        case Reported():
            return {
                "type": "report", "action": record.action, "at": at, "outcome": record.outcome.lower(),
                "labels": list(record.labels), "tokens": list(record.tokens),
            }  # fmt: skip
        case Cancelled():
            return {"type": "cancel", "action": record.action, "at": at}
        case ChainOpened():
            return {
                "type": "open", "chain": record.chain, "session": record.session,
                "parent_chain": record.parent_chain, "intent": record.intent, "at": at,
            }  # fmt: skip
        case ChainClosed():
            return {"type": "close", "chain": record.chain, "at": at}
        case Granted():
            return {
                "type": "grant", "id": record.id, "identity": record.identity, "actions": list(record.actions),
                "resources": list(record.resources), "from": format_time(record.from_ms),
                "to": format_time(record.to_ms), "chain": record.chain, "uses": record.uses,
                "purpose": record.purpose, "at": at,
            }  # fmt: skip
        case Revoked():
            return {"type": "revoke", "grant": record.grant, "reason": record.reason, "at": at}
        case Suspended():
            target: Json = {"type": record.target_kind, "id": record.target}
            until = format_time(record.until_ms) if record.until_ms is not None else None
            return {"type": "suspend", "target": target, "reason": record.reason, "until": until, "at": at}
        case Reinstated():
            return {
                "type": "reinstate",
                "target": {"type": record.target_kind, "id": record.target},
                "at": at,
            }
        case Relabelled():
            resource: Json = {"type": record.resource_type, "id": record.resource}
            return {"type": "relabel", "resource": resource, "labels": list(record.labels), "at": at}
        case PolicyPublished():
            return {
                "type": "policy", "pack": record.pack, "version": record.version, "sha256": record.sha256, "at": at,
            }  # fmt: skip
        case SourceRemoved():
            return {"type": "graph", "source": record.source, "remove": True, "at": at}
        case GraphCommitted():
            return {
                "type": "graph",
                "source": record.source,
                "replace": record.replace,
                "upsert": facts,
                "at": at,
            }
    # A kind of record without a form of its own is told, so that nothing is lost silently.
    return {"type": "policy", "pack": type(record).__name__, "at": at}


def _written_action(seq: int, record: Decided) -> dict[str, Json]:
    request = record.request
    enforced = record.answered
    return {
        "type": "action",
        "id": request.id,
        "seq": seq,
        "at": format_time(record.at_ms),
        "chain": request.chain,
        "session": record.session,
        "parent_chain": request.parent_chain,
        "joins": list(request.joins),
        "subject": _entity_record(request.subject),
        "on_behalf_of": [_entity_record(entity) for entity in request.on_behalf_of],
        "action": {"name": request.action, "properties": request.action_properties},
        "resource": _entity_record(request.resource),
        "labels": list(request.labels),
        "parents": list(request.parents) if request.parents is not None else None,
        "context": request.context,
        "arguments": [
            {
                "name": argument.name, "role": argument.role, "fact": argument.fact,
                "tokens": list(argument.tokens), "designation": argument.designation,
            }
            for argument in request.arguments
        ],
        "intent": request.intent,
        "executed": request.executed and enforced is Verdict.PERMIT,
    }  # fmt: skip


def _entity_record(entity: Entity) -> Json:
    record: dict[str, Json] = {"type": entity.type, "id": entity.id}
    if entity.properties:
        record["properties"] = entity.properties
    return record


class _Fields:
    """The fields of one object of a trace, read with their types checked."""

    def __init__(self, record: Mapping[str, Json], place: str, path: str = "") -> None:
        self.record = record
        self.place = place
        self.path = path

    def fail(self, name: str, message: str) -> NoReturn:
        """Refuse a field."""
        field = f"{self.path}{name}"
        raise BadInput(f"{self.place}: {field}: {message}", field=field)

    def text(self, name: str) -> str:
        value = self.record.get(name)
        if not isinstance(value, str) or not value:
            missing = "is missing" if value is None else "must be text that is not empty"
            raise BadInput(f"{self.place}: {self.path}{name} {missing}", field=f"{self.path}{name}")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.record.get(name) in (None, "") else self.text(name)

    def optional_integer(self, name: str) -> int | None:
        value = self.record.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise BadInput(f"{self.place}: {self.path}{name} must be an integer", field=f"{self.path}{name}")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.record.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        raise BadInput(f"{self.place}: {self.path}{name} must be true or false", field=f"{self.path}{name}")

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.record.get(name)
        items = value if isinstance(value, list) else [] if value is None else [None]
        texts = tuple(item for item in items if isinstance(item, str))
        if len(texts) != len(items):
            raise BadInput(
                f"{self.place}: {self.path}{name} must be a list of texts", field=f"{self.path}{name}"
            )
        return texts

    def mapping(self, name: str) -> dict[str, Json]:
        value = self.record.get(name)
        if value is None or isinstance(value, dict):
            return value or {}
        raise BadInput(f"{self.place}: {self.path}{name} must be an object", field=f"{self.path}{name}")

    def part(self, name: str) -> _Fields:
        if self.record.get(name) is None:
            self.fail(name, "is missing")
        return _Fields(self.mapping(name), self.place, f"{self.path}{name}.")

    def parts(self, name: str) -> list[_Fields]:
        value = self.record.get(name)
        items = value if isinstance(value, list) else [] if value is None else [None]
        found = []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise BadInput(
                    f"{self.place}: {self.path}{name} must be a list of objects", field=f"{self.path}{name}"
                )
            found.append(_Fields(item, self.place, f"{self.path}{name}[{index}]."))
        return found

    def entity(self, name: str, default_type: Literal["identity", "human", "resource"]) -> Entity:
        return self.part(name).as_entity(default_type)

    def entities(self, name: str) -> tuple[Entity, ...]:
        return tuple(part.as_entity("identity") for part in self.parts(name))

    def as_entity(self, default_type: str) -> Entity:
        return Entity(self.optional_text("type") or default_type, self.text("id"), self.mapping("properties"))

    def time(self, name: str) -> int:
        try:
            return parse_time(self.text(name), field=f"{self.path}{name}")
        except BadInput as error:
            if str(error).startswith(self.place):
                raise
            raise BadInput(f"{self.place}: {self.path}{name}: {error}", field=error.field) from None

    def optional_time(self, name: str) -> int | None:
        return None if self.record.get(name) is None else self.time(name)
