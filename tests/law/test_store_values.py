"""What is not kept changes nothing: requests whose unread values became markers are judged as they were sent."""

import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graphsvc.cli.comparison import stored_differences
from graphsvc.cli.replayer import Replayer
from graphsvc.core.evaluate import Evaluation
from graphsvc.core.graph import edge_from_record, node_from_record
from graphsvc.core.marker import is_unkept
from graphsvc.core.policy.load import load_policy
from graphsvc.core.reading import Reads
from graphsvc.core.record import Record
from graphsvc.core.request import AccessRequest
from graphsvc.core.trace import TraceAction, TraceApproval, TraceChange, item_from_record, to_trace_records
from graphsvc.decide.command import Caller, DecideCommand
from graphsvc.decide.ports import Store
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.values import StoreValues, Values
from graphsvc.errors import GraphsvcError
from graphsvc.store.memory import open_memory
from graphsvc.store.sqlite import open_sqlite
from tests.law import strategy
from tests.law.strategy import ALL_FEATURES, Case, random_case
from tests.service.harness import Clock

SALT = bytes(range(32))
SEEDS = 40
# Ways to read that the generator of the oracle does not know.
WHEN = [
    'context["n"] >= 8', '"n" in context', "context.exists(name, name == 'k')", "size(context) > 3",
    "[context].exists(each, has(each.k))", 'action.properties.to == "bob"', "has(subject.properties.team)",
    'subject.properties.team == "blue" || context.n == 7', 'resource["properties"]["owner"] == "alice"',
    "subject.properties.exists(name, name.startsWith('te'))", 'context.deep.er == "x"', "has(context.deep.er)",
    'dyn(resource).properties.owner == "bob" // "no end', 'action.properties["cc"] != "r1" && context.n > 1',
    'string(context.n) + "" == "8"', "context.note.size() > 3", r'context[r"k"] == "1"', 'context["\\x6e"] == 8',
]  # fmt: skip
# By the last word of a secret the forms that take it with everything beside it.
WHOLE = {
    "context": ["in context", "context.exists", "size(context)", "[context]", "context[r", 'context["\\x6e"]'],
    "body": [], "plan": ["dyn(resource)"], "badge": ["subject.properties.exists"],
}  # fmt: skip
KEYS = ["action.properties.to", "subject.properties.team", "resource.properties.owner", "context.note"]


@pytest.fixture(autouse=True)
def more_ways_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditions and keys over everything that a request can carry."""
    monkeypatch.setattr(strategy, "_CONDITIONS", [*strategy._CONDITIONS, *WHEN, *WHEN])
    monkeypatch.setattr(strategy, "_KEY_PATHS", [*strategy._KEY_PATHS, *KEYS])


def case_of(seed: int) -> Case:
    """A random case whose requests carry more than anything can read."""
    rng = random.Random(seed)
    features = frozenset(rng.sample(sorted(ALL_FEATURES), 5)) | {"when", "keys"}
    case = random_case(rng, features | ({"reviews"} if seed % 3 == 0 else set()))
    for number, record in enumerate(case.trace):
        if record["type"] != "action" or "review" in record:
            continue
        record["context"] |= {"unread": f"secret-{seed}-{number}-context"}
        for name, value in {"note": f"note {number % 3}", "deep": {"er": "x"}}.items():
            if rng.random() < 0.6:
                record["context"][name] = value
        properties = record["action"].setdefault("properties", {})
        properties |= {"body": f"secret-{seed}-{number}-body", "amount": number}
        claimed = {"owner": rng.choice(["alice", "bob"]), "plan": f"secret-{seed}-{number}-plan"}
        record["resource"] |= {"properties": claimed}
        record["subject"] = record["subject"] | {
            "properties": {"team": rng.choice(["blue", "red"]), "badge": f"secret-{seed}-{number}-badge"}
        }
    return case


class Trimming(Replayer):
    """A replayer that keeps what is read, as the service does."""

    values = Values(SALT)

    def _decide(self, request: AccessRequest, at_ms: int, *, exact: bool) -> Evaluation:
        kept = self.values.kept(self.world, request)
        return super()._decide(kept, at_ms, exact=exact)


def replayer_of(case: Case, kind: type[Replayer]) -> Replayer:
    nodes = [node_from_record(line["node"]) for line in case.graph if "node" in line]
    edges = [edge_from_record(line["edge"]) for line in case.graph if "edge" in line]
    loaded = load_policy(json.dumps(case.policy), "case.yaml")
    return kind([loaded], nodes=nodes, edges=edges, entitlement="off")


def judged(
    case: Case, kind: type[Replayer], seen: list[AccessRequest] | None = None
) -> list[tuple[object, ...]]:
    """What is said of each action; seen: gets the requests that were judged."""
    replayer = replayer_of(case, kind)
    found = [each for record in case.trace if (each := replayer.step(item_from_record(record))) is not None]
    if seen is not None:
        seen += [each.request for each in found]
    return [(each.verdict, each.enforced, each.reasons, each.completions, each.risk) for each in found]


def test_nothing_is_judged_otherwise_for_what_is_not_kept() -> None:
    """Verdicts, reasons, completions and risk are equal, and most of what is sent is not kept."""
    completed = marked = 0
    for seed in range(SEEDS):
        case = case_of(seed)
        seen: list[AccessRequest] = []
        as_sent, trimmed = judged(case, Replayer), judged(case, Trimming, seen)
        assert trimmed == as_sent, seed
        completed += sum(bool(each[3]) for each in as_sent)
        marked += sum(map(is_unkept, _values_of(seen)))
    assert completed > 100
    assert marked > 800


def _values_of(requests: list[AccessRequest]) -> Iterator[object]:
    for request in requests:
        for values in (request.context, request.action_properties, request.resource.properties):
            yield from values.values()


def test_the_comparison_sees_what_is_kept_too_little_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were nothing found to be read, many cases would be judged otherwise."""
    monkeypatch.setattr(Values, "_reads", lambda *_: Reads(()))
    differing = sum(judged(case, Replayer) != judged(case, Trimming) for case in map(case_of, range(12)))
    assert differing > 2


CALLER = Caller(subject="gateway", roles=frozenset({"pep", "admin"}), scopes=frozenset({"chain:any"}))
DANA = Caller(subject="dana", roles=frozenset({"approver"}))


def bytes_in(folder: Path) -> bytes:
    """Of every file of a store."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def lived(case: Case, store: Store, how: StoreValues) -> tuple[list[object], list[tuple[int, Record]]]:
    """What a service answers to a trace, and what its log holds in the end."""
    clock, numbers = Clock(), itertools.count()
    service = GraphsvcService(store, clock=clock, ids=lambda: f"i{next(numbers):06d}", store_values=how)
    await service.start()
    answers: list[object] = []
    names: dict[str, str] = {}
    try:
        await service.publish_policy(CALLER, [(json.dumps(case.policy), "case.yaml")], "")
        nodes = [node_from_record(line["node"]) for line in case.graph if "node" in line]
        edges = [edge_from_record(line["edge"]) for line in case.graph if "edge" in line]
        await service.load_graph(CALLER, "case", nodes, edges, replace=True)
        for record in case.trace:
            clock.now_ms += 1_000
            try:
                answers.append(await asked(service, record, names))
            except GraphsvcError as error:
                answers.append(str(error))
        records = [numbered async for numbered in service._all_records(0)]
    finally:
        await service.close()
    return answers, records


async def asked(service: GraphsvcService, line: dict[str, Any], names: dict[str, str]) -> object:
    """The answer to one line. names: of actions as the service calls them."""
    match line["type"]:
        case "action":
            item = item_from_record(line)
            assert isinstance(item, TraceAction)
            request = item.request
            parents = request.parents and tuple(names.get(each, each) for each in request.parents)
            review = request.review and names.get(request.review, request.review)
            request = replace(request, parents=parents, review=review)
            foreseen = await service.evaluate(CALLER, request)
            command = DecideCommand(key=request.id, request=request)
            answer = await service.decide(CALLER, command)
            names[request.id] = answer.decision.request.id
            assert (await service.decide(CALLER, command)).replayed
            decision = answer.decision
            assert foreseen.verdict is answer.verdict
            assert [each.code for each in foreseen.reasons] == [each.code for each in decision.reasons]
            return answer.verdict, decision.reasons, decision.completions, decision.risk
        case "approve":
            return (await service.approve_review(DANA, names.get(line["decision"], "none"), "ok")).status
        case "reject":
            return (await service.reject_review(DANA, names.get(line["decision"], "none"), "no")).status
        case "report":
            action = names.get(line["action"], "none")
            await service.report(CALLER, action, "SUCCESS", line["labels"], ())
            return "reported"
        case "cancel":
            await service.cancel(CALLER, names.get(line["action"], "none"))
            return "cancelled"
    return "left out"


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [3, 6, 10, 11])
async def test_a_service_answers_the_same_and_so_does_its_export(seed: int, tmp_path: Path) -> None:
    """Live, evaluated, asked again with the same key, and replayed; what nobody reads is in no file of the store."""
    case = case_of(seed)
    as_sent, _ = await lived(case, await open_memory(), "all")
    store = await open_sqlite(tmp_path / "graphsvc.db")
    try:
        answers, records = await lived(case, store, "referenced")
        files = bytes_in(tmp_path)
    finally:
        await store.close()
    files += bytes_in(tmp_path)
    assert answers == as_sent
    exported = [json.dumps(line) for line in to_trace_records(records)]
    rules = json.dumps(case.policy)
    for sort, whole in WHOLE.items():
        if not any(json.dumps(form)[1:-1] in rules for form in whole):
            told = rf"secret-{seed}-\d+-{sort}"
            assert re.search(told.encode(), files) is None, sort
            assert not any(re.search(told, line) for line in exported), sort
    assert b"not_kept" in files
    replayer = replayer_of(case, Replayer)
    compared = 0
    for line in exported:
        item = item_from_record(json.loads(line))
        if isinstance(item, TraceAction | TraceApproval | TraceChange):
            evaluation = replayer.step(item)
            if evaluation is not None and isinstance(item, TraceAction) and item.stored is not None:
                assert list(stored_differences(item.stored, evaluation)) == []
                compared += 1
    assert compared > 3
