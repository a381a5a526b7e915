"""Dataclasses of options as parameters of commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from graphsvc.cli.spread import spread


@dataclass(frozen=True, kw_only=True)
class Where:
    """An option that must be given, and one with a default."""

    town: Annotated[str, typer.Option("--town")]
    street: Annotated[str, typer.Option("--in-street")] = "High Street"


@pytest.fixture
def app() -> typer.Typer:
    """One command that prints what it was given."""
    made = typer.Typer()

    @made.command()
    @spread
    def find(name: str, *, where: Where, loud: bool = False) -> None:
        """Find somebody."""
        print(name, where, loud)

    return made


def test_fields_are_options_and_arrive_together(app: typer.Typer) -> None:
    """A command gets the dataclass made of its options, beside its own parameters."""
    done = CliRunner().invoke(app, ["ann", "--town", "York", "--loud"])
    assert done.exit_code == 0
    assert done.stdout == "ann Where(town='York', street='High Street') True\n"


def test_a_field_without_default_must_be_given(app: typer.Typer) -> None:
    """A required field is a required option, and the error names it."""
    done = CliRunner().invoke(app, ["ann"])
    assert done.exit_code == 2
    assert "--town" in done.output


def test_help_tells_the_fields(app: typer.Typer) -> None:
    """Help shows the fields, the docstring, and not the parameter that holds them."""
    told = CliRunner().invoke(app, ["--help"], env={"NO_COLOR": "1", "TERMINAL_WIDTH": "100"}).output
    assert "--town" in told
    assert "--in-street" in told
    assert "--where" not in told
    assert "Find somebody." in told
