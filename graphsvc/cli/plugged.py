"""`graphsvc import NAME` for importers that other packages bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.import_option import Lenient, Paths
from graphsvc.cli.load import Known, Target, load
from graphsvc.cli.option import Place
from graphsvc.cli.spread import spread
from graphsvc.errors import BadInput

if TYPE_CHECKING:
    from graphsvc.importers.result import Imported

__all__ = ["ImportGroup"]


class ImportGroup(ErrorGroup):
    """Our own importers, and those found by entry point; ours cannot be replaced."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all importers."""
        from graphsvc.importers.plugin import importer_names

        own = super().list_commands(ctx)
        return [*own, *(name for name in importer_names() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of an importer, None when there is none of that name."""
        from graphsvc.importers.plugin import importer_names

        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in importer_names():
            return found
        return _command(cmd_name)


def _command(name: str) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)

    @single.command(name, help=f"An importer that another package brings: `{name}`.")
    @spread
    def run(
        *,
        paths: Paths,
        to: Target,
        option: Annotated[
            list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="What it asks for.")
        ] = None,
        lenient: Lenient = False,
        at: Place,
    ) -> None:
        from graphsvc.cli.file import read_files
        from graphsvc.importers.plugin import checked, find_importer

        options = dict(map(_pair, option or []))
        importer, files = find_importer(name), read_files(paths)

        def read(known: Known) -> Imported:
            given = importer(files, strict=not lenient, options=options)
            return checked(given, name, strict=not lenient, known=known)

        load(read, to, at)

    return typer.main.get_command(single)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise BadInput(f"--option: `{text}` is not NAME=VALUE", field="option")
    return name, value
