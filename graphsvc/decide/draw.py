"""Log records to strokes: which nodes and edges each of them draws in the graph that architects query."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphsvc.core.codec import encode_json
from graphsvc.core.estate import EdgeKey, Estate
from graphsvc.core.graph import Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.record import (
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    PolicyPublished,
    Record,
    Reinstated,
    Reported,
    Revoked,
    Suspended,
)
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.decide.ports import EdgeStroke, NodeStroke, Strokes
from graphsvc.errors import PolicyError

__all__ = ["LABELS", "add_strokes", "draw", "draw_facts", "draw_world", "flat", "properties_of"]

Value = None | bool | int | float | str | list[str]
LABELS = {
    "identity": "Identity",
    "group": "Group",
    "role": "Role",
    "permission": "Permission",
    "resource": "Resource",
    "action_type": "ActionType",
}
_SUSPENDABLE = {"identity": "Identity", "chain": "Chain", "session": "Session", "pattern": "Pattern"}


def draw(record: Record, seq: int) -> Strokes:
    """What one record draws; graph changes are drawn by `draw_facts`."""
    strokes = Strokes()
    match record:
        case Decided():
            _decided(record, seq, strokes)
        case Reported():
            changed: dict[str, Value] = {"outcome": record.outcome, "reported_labels": list(record.labels)}
            strokes.nodes.append(NodeStroke("Action", f"action:{record.action}", changed))
        case Cancelled():
            strokes.nodes.append(
                NodeStroke("Action", f"action:{record.action}", {"permitted": False, "cancelled": True})
            )
        case ChainOpened():
            _chain(
                strokes,
                record.chain,
                record.session or record.chain,
                record.parent_chain,
                seq,
                record.at_ms,
                record.owner,
            )
        case ChainClosed():
            strokes.nodes.append(NodeStroke("Chain", f"chain:{record.chain}", {"status": "closed"}))
        case Granted():
            _granted(record, seq, strokes)
        case Revoked():
            ended: dict[str, Value] = {
                "status": "revoked",
                "revoked_ms": record.at_ms,
                "reason": record.reason,
            }
            strokes.nodes.append(NodeStroke("Grant", f"grant:{record.grant}", ended))
        case Suspended():
            status: dict[str, Value] = {"suspended": True, "suspended_reason": record.reason}
            _suspension(record, status, strokes)
        case Reinstated():
            _suspension(record, {"suspended": False}, strokes)
        case PolicyPublished():
            _published(record, seq, strokes)
        case _:
            pass
    return strokes


def _suspension(record: Suspended | Reinstated, status: dict[str, Value], strokes: Strokes) -> None:
    # A suspended action is a glob: no node stands for it.
    label = _SUSPENDABLE.get(record.target_kind)
    if label is not None:
        strokes.nodes.append(NodeStroke(label, f"{record.target_kind}:{record.target}", status))


def draw_facts(estate: Estate, nodes: Iterable[str], edges: Iterable[EdgeKey]) -> Strokes:
    """Bring some facts of the drawing to what the estate says now; what it lost goes away."""
    strokes = Strokes()
    for key in sorted(nodes):
        node = estate.node(key)
        if node is None:
            strokes.removed_nodes.append(key)
        else:
            properties = properties_of(node, estate.labels(key))
            strokes.nodes.append(NodeStroke(LABELS[node.kind], key, properties, whole=True))
    for edge_type, start, end in sorted(edges):
        edge = estate.out(edge_type, start).get(end)
        if edge is None:
            strokes.removed_edges.append((edge_type, start, end))
        else:
            strokes.edges.append(EdgeStroke(edge_type, start, end, flat(edge.properties), whole=True))
    return strokes


def draw_world(world: World) -> Strokes:
    """Everything that is known but history: the graph, the packs, the grants."""
    estate = world.estate
    edges = ((edge.type, edge.start, edge.end) for edge in estate.edges())
    whole = draw_facts(estate, [node.key for node in estate.nodes()], edges)
    told: list[tuple[int, Record]] = [
        *zip(world.governance.published_at, world.published, strict=True),
        *((0, given) for given in world.grants.by_id.values() if given.id not in world.grants.revoked),
    ]
    for seq, record in told:
        add_strokes(whole, draw(record, seq))
    return whole


def add_strokes(whole: Strokes, part: Strokes) -> None:
    """Let one follow the other."""
    whole.nodes += part.nodes
    whole.edges += part.edges
    whole.removed_edges += part.removed_edges
    whole.removed_nodes += part.removed_nodes


def _decided(record: Decided, seq: int, strokes: Strokes) -> None:
    request = record.request
    verdict = record.answered
    action, chain, decision = f"action:{request.id}", f"chain:{request.chain}", f"decision:{request.id}"
    resource = f"resource:{request.resource.type}:{request.resource.id}"
    subject = request.subject.id.removeprefix("identity:")
    patterns = [completion.pattern for completion in record.completions]
    for opened in record.opened:
        own = opened == request.chain
        parent = request.parent_chain if own else None
        _chain(strokes, opened, record.session, parent, seq, record.at_ms, record.by if own else "")
    # Created only when nothing else draws it: an unseen resource is one that was observed.
    strokes.nodes += [
        NodeStroke("Resource", resource, {"id": request.resource.id, "type": request.resource.type}),
        NodeStroke("Chain", chain, {"length": record.index}),
        NodeStroke(
            "Action",
            action,
            {
                "id": request.id,
                "seq": seq,
                "name": request.action,
                "at_ms": record.at_ms,
                "verdict": str(record.verdict),
                "permitted": verdict is Verdict.PERMIT and request.executed,
                "subject": subject,
                "chain": request.chain,
                "session": record.session,
                "index": record.index,
                "labels": list(request.labels),
                "resource": f"{request.resource.type}:{request.resource.id}",
            },
        ),
        NodeStroke(
            "Decision",
            decision,
            {
                "id": request.id,
                "seq": seq,
                "at_ms": record.at_ms,
                "verdict": str(record.verdict),
                "codes": sorted({str(reason.code) for reason in record.reasons}),
                "subject": subject,
                "chain": request.chain,
                "session": record.session,
                "action": request.action,
                "resource": f"{request.resource.type}:{request.resource.id}",
                "patterns": patterns,
                "body": encode_json(record).decode(),
            },
        ),
    ]
    strokes.edges += [
        EdgeStroke("IN_CHAIN", action, chain),
        EdgeStroke("BY", action, f"identity:{subject}"),
        EdgeStroke("ON", action, resource),
        EdgeStroke("DECIDED", action, decision),
        EdgeStroke("RUN_BY", chain, f"identity:{subject}"),
    ]
    strokes.edges += [EdgeStroke(kind, f"action:{before}", action) for kind, before in record.edges]
    strokes.edges += [
        EdgeStroke(
            "COMPLETED",
            action,
            f"pattern:{completion.pattern}",
            {
                "path": [step.action for step in completion.path],
                "explanation": completion.explanation,
                "severity": completion.severity,
                "permitted": verdict is Verdict.PERMIT,
            },
        )
        for completion in record.completions
    ]


def _chain(
    strokes: Strokes, chain: str, session: str, parent: str | None, seq: int, opened_ms: int, owner: str
) -> None:
    key = f"chain:{chain}"
    strokes.nodes += [
        NodeStroke("Session", f"session:{session}", {"id": session}),
        NodeStroke(
            "Chain",
            key,
            {
                "id": chain,
                "seq": seq,
                "session": session,
                **({} if parent is None else {"parent": parent}),
                "status": "open",
                "owner": owner,
                "opened_ms": opened_ms,
                "length": 0,
            },
        ),
    ]
    strokes.edges.append(EdgeStroke("PART_OF", key, f"session:{session}"))
    if parent is not None:
        strokes.edges.append(EdgeStroke("SPAWNED", f"chain:{parent}", key))


def _granted(record: Granted, seq: int, strokes: Strokes) -> None:
    key = f"grant:{record.id}"
    properties: dict[str, Value] = {
        "id": record.id,
        "seq": seq,
        "identity": record.identity,
        "actions": list(record.actions),
        "resources": list(record.resources),
        "from_ms": record.from_ms,
        "to_ms": record.to_ms,
        "chain": record.chain,
        "session": record.session,
        "purpose": record.purpose,
        "by": record.by,
        "status": "active",
    }
    strokes.nodes.append(NodeStroke("Grant", key, properties))
    strokes.edges.append(EdgeStroke("HAS_GRANT", f"identity:{record.identity}", key))


def _published(record: PolicyPublished, seq: int, strokes: Strokes) -> None:
    pack = f"pack:{record.pack}"
    properties: dict[str, Value] = {
        "id": record.pack,
        "seq": seq,
        "version": record.version,
        "sha256": record.sha256,
        "at_ms": record.at_ms,
    }
    strokes.nodes.append(NodeStroke("Pack", pack, properties))
    try:
        policy = load_policy(record.text, record.file)
    except PolicyError:
        # A pack of another version of the language: it is in the log, its patterns are not drawn.
        return
    for pattern in policy.patterns:
        key = f"pattern:{pattern.id}"
        drawn: dict[str, Value] = {
            "id": pattern.id,
            "title": pattern.effective_title,
            "severity": pattern.severity,
            "on_match": pattern.on_match,
            "pack": record.pack,
        }
        strokes.nodes.append(NodeStroke("Pattern", key, drawn))
        strokes.edges.append(EdgeStroke("IN_PACK", key, pack))


def properties_of(node: Node, labels: Iterable[str]) -> dict[str, Value]:
    """What the drawing of a node holds beside its key. labels: a resource's, as they are now."""
    properties = flat(node.properties) | flat(node.fields)
    properties["id"] = node.id
    if node.kind == "resource":
        properties |= {"type": node.resource_type, "labels": list(labels), "tier": node.tier}
    return properties


def flat(values: dict[str, Json]) -> dict[str, Value]:
    """Properties a graph database can hold: text, numbers, booleans and lists of text; the rest as JSON."""
    flat: dict[str, Value] = {}
    for name, value in values.items():
        if name == "key":
            continue
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            flat[name] = [str(item) for item in value]
        elif isinstance(value, list | dict):
            flat[name] = _json(value)
        elif value is not None:
            flat[name] = value
    return flat


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()
