"""Stories told as tables: what was asked, what was answered, and why."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.cli.output import Format, print_rows
from graphsvc.cli.stage import Row
from graphsvc.core.value import Json

__all__ = ["tell_rows"]


def tell_rows(rows: Sequence[Row]) -> None:
    """Print the steps of a story; the middle of a long run of the same is left out."""
    shown: list[dict[str, Json]] = []
    for row in _folded(rows):
        line = {name: row[name] for name in ("who", "action", "verdict", "completed path")}
        if row["pattern"]:
            line["completed path"] = f"{row['pattern']}: {row['completed path']}"
        if not row["as expected"]:
            line["verdict"] = f"{row['verdict']} (not as expected)"
        shown.append(line)
    print_rows(shown, Format.table)


def _folded(rows: Sequence[Row]) -> list[Row]:
    """Rows without the middle of a long run of permitted ones of the same action."""
    shown: list[Row] = []
    run: list[Row] = []

    def finish() -> None:
        if len(run) > 3:
            skipped = {**run[1], "action": f"... {len(run) - 2} more of the same ..."}
            shown.extend([run[0], skipped, run[-1]])
        else:
            shown.extend(run)
        run.clear()

    for row in rows:
        kind = str(row["action"]).partition(" ")[0]
        if run and (
            row["verdict"] != "PERMIT"
            or row["who"] != run[0]["who"]
            or not str(run[0]["action"]).startswith(f"{kind} ")
        ):
            finish()
        run.append(row)
        if row["verdict"] != "PERMIT":
            finish()
    finish()
    return shown
