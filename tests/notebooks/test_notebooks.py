"""Notebooks are what their sources say, ran to the end, show pictures, and run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.requirement import REPOSITORY

jupytext: Any = pytest.importorskip("jupytext", reason="the extra `notebooks` is not installed")
nbformat: Any = pytest.importorskip("nbformat", reason="the extra `notebooks` is not installed")

FOLDER = REPOSITORY / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
# This one wants a server whose database is empty.
_NEO4J = "08_cypher_on_neo4j"


def _executed(source: Path) -> Any:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def test_there_are_eight() -> None:
    assert len(SOURCES) == 8


@each_source
def test_the_executed_notebook_is_of_this_source(source: Path) -> None:
    """`make notebooks` writes it anew."""
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    assert [(cell.cell_type, cell.source) for cell in _executed(source).cells] == written


@each_source
def test_outputs_hold_no_error_and_no_path_of_a_machine(source: Path) -> None:
    text = source.with_suffix(".ipynb").read_text("utf-8")
    assert '"output_type": "error"' not in text
    # Written in pieces, so that this file does not hold what it looks for.
    assert not any(f"/{word}/" in text for word in ("home", "tmp", "root", "work"))


def test_pictures_survive_a_static_viewer() -> None:
    """SVG beside the table, in every notebook that draws."""
    drawing = [source.stem for source in SOURCES if "image/svg+xml" in _text(source)]
    assert {name[:2] for name in drawing} >= {"01", "02", "03", "04"}


def _text(source: Path) -> str:
    return source.with_suffix(".ipynb").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(900)
@each_source
def test_it_runs(
    source: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """From top to bottom, in a kernel of its own; the one on Cypher against a real server."""
    from scripts.run_notebooks import run

    if source.stem == _NEO4J:
        server = request.getfixturevalue("empty_neo4j")
        monkeypatch.setenv("NEO4J_URL", server.url)
        monkeypatch.setenv("NEO4J_PASSWORD", server.password)
    monkeypatch.setenv("GRAPHSVC_REAL_DATA", str(real_data))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    cells = run(source).cells
    assert not any(
        output.get("output_type") == "error" for cell in cells for output in cell.get("outputs", ())
    )
    if source.stem == _NEO4J:
        outputs = (output for cell in cells for output in cell.get("outputs", ()))
        told = [output["data"]["text/plain"] for output in outputs if "data" in output]
        assert told[1].endswith("True)")
        assert "True" in told[2]
