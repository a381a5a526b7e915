"""Options that belong together, declared once as a dataclass and taken by many commands.

typer makes an option of each parameter of a function. `spread` lets a parameter be a dataclass whose
fields are such options:

    @dataclass(frozen=True, kw_only=True)
    class Place:
        store: Annotated[str | None, typer.Option(help="...")] = None

    @app.command()
    @spread
    def trials(*, at: Place) -> None: ...

so the command has `--store`, and the function a `Place`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Any, get_type_hints

__all__ = ["spread"]


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its dataclass parameters in their place, each a keyword."""
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    groups = {one.name: hints[one.name] for one in given if is_dataclass(hints[one.name])}
    shown: list[Parameter] = []
    for one in given:
        if one.name in groups:
            shown += _parameters(groups[one.name])
        else:
            shown.append(one.replace(annotation=hints[one.name]))

    @wraps(command)
    def run(**options: Any) -> None:
        made = {
            name: kind(**{field.name: options.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**options, **made)

    # What typer reads; without __wrapped__, which would lead it past them to the function itself.
    del run.__wrapped__
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in shown} | {"return": None}
    return run


def _parameters(kind: Any) -> Iterator[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        default = Parameter.empty if field.default is MISSING else field.default
        yield Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])
