"""The tests inside policy files: played through the engine, with failures told by file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from graphsvc.cli.coverage import Coverage
from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record, node_key
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.scenario import PolicyTest, TestEntity, TestEvent, TestGraph
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.trace import TraceAction, TraceApproval, TraceItem, item_from_record
from graphsvc.core.value import Json, format_time, parse_time

__all__ = ["Failure", "run_test", "run_tests"]

_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z; a test without `at` begins here
_STEP_MS = 1000
_UNTYPED = "resource"


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that did not hold, at its place in the file (from 1)."""

    file: str
    line: int
    column: int
    test: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: `{self.test}`: {self.message}"


def run_tests(policies: Sequence[Policy], coverage: Coverage | None = None) -> tuple[int, list[Failure]]:
    """How many tests ran, and what failed; every test sees all the packs together. coverage: told of every event."""
    ran = 0
    failures: list[Failure] = []
    for policy in policies:
        for index in range(len(policy.tests)):
            ran += 1
            failures += run_test(policies, policy, index, coverage)
    return ran, failures


def run_test(
    policies: Sequence[Policy], policy: Policy, index: int, coverage: Coverage | None = None
) -> list[Failure]:
    """What fails in one test of a pack."""
    test = policy.tests[index]
    place = f"{policy.source.file}: test `{test.name}`"
    nodes, edges = _graph(test, place)
    replayer = Replayer(policies, nodes=nodes, edges=edges, entitlement=test.entitlement)
    failures: list[Failure] = []
    at_ms = _START_MS - _STEP_MS
    types = {node.id: node.resource_type for node in nodes if node.kind == "resource"}
    for number, event in enumerate(test.trace):
        at_ms += event.after_ms if event.after_ms is not None else _STEP_MS
        if event.at is not None:
            at_ms = parse_time(event.at)
        line, column = policy.source.at("tests", index, "trace", number)
        name = f"{policy.source.file}:{line}"
        item = _item(event, number, at_ms, types, name)
        evaluation = replayer.step(item)
        if coverage is not None:
            _cover(coverage, item, evaluation, replayer)
        wrong = list(_differences(event, evaluation)) if evaluation is not None else []
        failures += [Failure(policy.source.file, line, column, test.name, message) for message in wrong]
    return failures


def _cover(coverage: Coverage, item: TraceItem, evaluation: Evaluation | None, replayer: Replayer) -> None:
    if evaluation is not None:
        coverage.take(evaluation)
    elif isinstance(item, TraceApproval):
        approval = replayer.world.happened(f"review:{item.decision}:{replayer.world.seq}")
        if approval is not None:
            coverage.take_event(approval.event)


def _differences(event: TestEvent, evaluation: Evaluation) -> Iterable[str]:
    codes = sorted({reason.code.value for reason in evaluation.reasons})
    completed = sorted(completion.pattern for completion in evaluation.completions)
    asked = evaluation.request.action
    if event.expect is not None and event.expect != evaluation.enforced.value:
        because = f" ({', '.join(codes)}: {', '.join(completed) or 'no pattern'})" if codes else ""
        yield f"`{asked}` is {evaluation.enforced.value}{because}, expected {event.expect}"
    if event.completes is not None and sorted(event.completes) != completed:
        yield f"`{asked}` completes {_listed(completed)}, expected {_listed(sorted(event.completes))}"
    if event.reasons is not None and sorted(event.reasons) != codes:
        yield f"`{asked}` gives the reasons {_listed(codes)}, expected {_listed(sorted(event.reasons))}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _item(event: TestEvent, number: int, at_ms: int, types: dict[str, str | None], place: str) -> TraceItem:
    if event.type == "action":
        return TraceAction(request=_request(event, number, types), at_ms=at_ms, place=place)
    of = event.of or f"e{number}"  # where the test gives no id: the record before
    if event.type == "approve":
        return TraceApproval(
            decision=of, by=Entity("human", event.by or "approver"), at_ms=at_ms, place=place
        )
    record: dict[str, Json] = {
        "type": event.type,
        "action": of,
        "outcome": event.outcome,
        "labels": [*event.labels],
        "tokens": [*event.tokens],
    }
    return item_from_record({**record, "at": format_time(at_ms)}, place)


def _request(event: TestEvent, number: int, types: dict[str, str | None]) -> AccessRequest:
    resource = event.resource if event.resource is not None else TestEntity(id="none")
    action = event.action
    return AccessRequest(
        # Records that come later count from 1 where the test gives no id.
        id=event.id if event.id is not None else f"e{number + 1}",
        chain=event.chain,
        session=event.session,
        parent_chain=event.parent_chain,
        joins=event.joins,
        subject=_entity(event.subject, "identity"),
        on_behalf_of=tuple(_entity(each, "identity") for each in event.on_behalf_of),
        action=action.name if action is not None else "",
        action_properties=dict(action.properties) if action is not None else {},
        resource=_entity(resource, types.get(resource.id) or _UNTYPED),
        labels=event.labels,
        parents=event.parents,
        context=dict(event.context),
        arguments=tuple(_argument(each) for each in event.arguments),
        intent=event.intent,
        review=event.review,
        executed=event.executed,
    )


def _argument(record: Mapping[str, Json]) -> Argument:
    return msgspec.convert(record, Argument)


def _entity(entity: TestEntity | None, default_type: str) -> Entity:
    if entity is None:
        return Entity(default_type, "")
    return Entity(entity.type or default_type, entity.id, dict(entity.properties))


# -- the estate of a test ----------------------------------------------------------------------------


def _graph(test: PolicyTest, place: str) -> tuple[list[Node], list[Edge]]:
    graph: TestGraph = test.graph
    nodes = {
        node.key: node for node in (node_from_record(each, place=f"{place}: node") for each in graph.nodes)
    }
    edges = [edge_from_record(each, place=f"{place}: edge") for each in graph.edges]
    for number, (identity, action, resource) in enumerate(graph.grants):
        key, permission = node_key("identity", identity), f"permission:grant-{number + 1}"
        nodes.setdefault(key, Node(key=key, fields={"kind": "human", "status": "active"}))
        globs = [resource] if resource == "*" or ":" in resource else [f"*:{resource}"]
        fields: dict[str, Json] = {"effect": "allow", "actions": [action], "resources": [*globs]}
        nodes[permission] = Node(key=permission, fields=fields)
        edges.append(Edge(type="GRANTED", start=key, end=permission))
    return list(nodes.values()), edges
