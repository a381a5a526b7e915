"""Recorded attack techniques over HTTP: stopped by name, twins pass, on every store and across a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphsvc.core.graph import to_records
from graphsvc.importers.cloudtrail import read_events, to_estate, to_trace
from graphsvc.packs import pack_file, pack_text
from tests.packs.cloudtrail_cases import CASES, Case
from tests.real.playing import Played, Record, whole_service
from tests.store.conftest import Opener

pytestmark = [pytest.mark.anyio, pytest.mark.real_data]


def _traces(real_data: Path, *, twin: bool) -> dict[str, tuple[list[Record], list[Record], list[Record]]]:
    """Per file: facts of its estate as records, facts of the organisation, its trace."""
    found = {}
    for case in CASES:
        events = [
            dict(event)
            for event in read_events((real_data / "cloudtrail" / case.file).read_bytes(), case.file)
        ]
        if twin:
            events = case.twin_events(events)
        estate = to_estate(events)
        known = case.twin_facts(events) if twin else case.facts(events)
        facts = to_records(estate.nodes, estate.edges)
        found[case.file] = (facts, known, [dict(record) for record in to_trace(events)])
    return found


async def _load(played: Played, traces: dict[str, tuple[list[Record], list[Record], list[Record]]]) -> None:
    await played.admin.publish_policy((pack_text("cloud"), pack_file("cloud")))
    for file, (facts, known, _) in traces.items():
        await played.admin.upsert_graph(f"trail:{file}", facts)
        await played.admin.upsert_graph(f"organisation:{file}", known)


def _check(case: Case, answers: list[tuple[str, list[str]]]) -> None:
    stopped = [index for index, (verdict, _) in enumerate(answers) if verdict != "PERMIT"]
    assert stopped[0] == case.decisive, case.file
    assert answers[case.decisive] == (case.verdict, [case.pattern])


async def test_techniques_are_stopped_across_a_restart(
    reopen: Opener, real_data: Path, tmp_path: Path
) -> None:
    """Each file's decisive action is stopped by its pattern, though the service restarts in the middle."""
    traces = _traces(real_data, twin=False)
    answers: dict[str, list[tuple[str, list[str]]]] = {}
    async with whole_service(await reopen(), tmp_path / "state") as played:
        await _load(played, traces)
        for file, (_, _, trace) in traces.items():
            answers[file] = await played.play(trace[: len(trace) // 2])
        before = played.service.world
    async with whole_service(await reopen(), tmp_path / "state") as played:
        assert played.service.world.cells == before.cells
        for case in CASES:
            trace = traces[case.file][2]
            answers[case.file] += await played.play(trace[len(trace) // 2 :])
            _check(case, answers[case.file])


async def test_benign_twins_pass_entirely(reopen: Opener, real_data: Path, tmp_path: Path) -> None:
    """The same events, ordinary by a fact of the graph, are permitted from the first to the last."""
    traces = _traces(real_data, twin=True)
    async with whole_service(await reopen(), tmp_path / "state") as played:
        await _load(played, traces)
        for file, (_, _, trace) in traces.items():
            assert {verdict for verdict, _ in await played.play(trace)} == {"PERMIT"}, file
