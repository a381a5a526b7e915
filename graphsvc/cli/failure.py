"""Errors on the command line: one line on stderr and a meaningful exit code, never a traceback."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from graphsvc.errors import GraphsvcError

__all__ = ["ErrorGroup"]

_INTERNAL = 70  # EX_SOFTWARE: a mistake of ours, none of the documented outcomes


class ErrorGroup(TyperGroup):
    """A group of commands that tells errors instead of letting them through.

    Exit codes: 0 ok, 1 the answer is no, 2 bad input, 3 store or service not reachable.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors end the program with their exit code."""
        # Only the outermost group speaks; inner ones let errors pass.
        if ctx.parent is not None:
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except GraphsvcError as error:
            _tell(str(error), debug=ctx.params.get("debug", False))
            raise typer.Exit(error.exit_code) from None
        except FileNotFoundError as error:
            _tell(f"`{error.filename}` does not exist; check the path", debug=ctx.params.get("debug", False))
            raise typer.Exit(2) from None
        except BrokenPipeError:
            # Who reads our output has seen enough (`graphsvc ... | head`).
            sys.stderr.close()
            raise typer.Exit(0) from None
        except OSError as error:
            name = f"`{error.filename}`: " if error.filename else ""
            _tell(f"{name}{error.strerror or error}", debug=ctx.params.get("debug", False))
            raise typer.Exit(2) from None
        except Exception as error:  # the outermost frame: anything else is a defect, told as one
            if isinstance(error, RuntimeError) and isinstance(error, typer.Exit | typer.Abort):
                raise
            if type(error).__module__.startswith("typer."):
                raise
            told = f"unexpected {type(error).__name__}: {error}".replace("\n", " ")
            _tell(
                f"{told}; run again with `graphsvc --debug ...` and report it",
                debug=ctx.params.get("debug", False),
            )
            raise typer.Exit(_INTERNAL) from None


def _tell(message: str, *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    first, *rest = message.splitlines() or [""]
    print(f"error: {' '.join([first, *rest])}", file=sys.stderr)
