"""What docs/importers.md shows is accepted as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from graphsvc.importers import graph_jsonl, mcp, opengraph, table
from graphsvc.importers.plugin import checked

TEXT = (Path(__file__).parents[2] / "docs" / "importers.md").read_text(encoding="utf-8")


def _block(language: str, starting: str) -> str:
    (found,) = [
        block
        for block in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
        if block.startswith(starting)
    ]
    return str(found)


def test_mapping_files_are_read() -> None:
    """The mapping of OpenGraph kinds, the declarations of tools and the mapping of a table are valid."""
    assert opengraph.read_mapping(_block("toml", "# opengraph"), "m.toml").nodes == {
        "Computer": "resource:host"
    }
    assert mcp.read_declarations(_block("toml", "# declarations"), "m.toml")["send_email"].effects == (
        "send",
    )
    mapping = table.read_table_mapping(_block("toml", "# table"), "m.toml")
    text = "login,name,mail,groups,age,active,kind\nann,Ann,a@x,g1;g2,4,yes,user\n"
    assert len(table.read([(text, "t.csv")], table.csv_rows, mapping).edges) == 2


def test_the_interchange_example_is_a_graph() -> None:
    """The example of the interchange file is read whole."""
    assert graph_jsonl.read(_block("json", "{")).report.counts == {"nodes": 2, "edges": 1}


def test_the_example_importer_works() -> None:
    """The importer of the page reads users, and its result passes the check."""
    code: dict[str, Any] = {}
    exec(_block("python", "from collections.abc"), code)
    files = [(json.dumps([{"login": "ann"}, {}]).encode(), "u.json")]
    taken = checked(code["read"](files, strict=False, options={}), "okta", strict=True)
    assert [node.key for node in taken.nodes] == ["identity:ann"]
    assert len(taken.report.skipped) == 1
