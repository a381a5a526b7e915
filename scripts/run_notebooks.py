"""Notebooks from their percent sources: run, and written with their outputs beside them.

    GRAPHSVC_REAL_DATA=folder python -m scripts.run_notebooks [WORD...]

The outputs are those of this run, without times, so that a run that changes nothing changes no file. WORD: only notebooks
with one of the words in their name.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

# Partly typed, and only there with the extra `notebooks`.
jupytext: Any = importlib.import_module("jupytext")
nbclient: Any = importlib.import_module("nbclient")
nbformat: Any = importlib.import_module("nbformat")

__all__ = ["FOLDER", "run"]

_DATA = "GRAPHSVC_REAL_DATA"
FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def run(source: Path) -> Any:
    """A notebook executed from top to bottom; CellExecutionError where a cell fails."""
    notebook = jupytext.read(source)
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    for number, cell in enumerate(notebook.cells):
        # Random ids would make every run another file.
        cell["id"] = hashlib.sha256(f"{source.name}{number}".encode()).hexdigest()[:8]
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def main() -> None:
    """Run those asked for."""
    words = sys.argv[1:]
    for source in sorted(FOLDER.glob("*.py")):
        if words and not any(word in source.stem for word in words):
            continue
        if _DATA in source.read_text("utf-8") and not os.environ.get(_DATA):
            sys.exit(
                f"error: {source.name} reads real input: set {_DATA} to its folder, or name others by ARGS"
            )
        print(source.stem, flush=True)
        nbformat.write(run(source), source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
