"""What the installed command runs; alone with the client it says what to install."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit 2 where only the client is installed."""
    try:
        from graphsvc.cli.main import app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("graphsvc"):
            raise
        print(
            f"error: `{error.name}` is missing: this is the client alone; the command line comes with the service, "
            "run `pip install 'graphsvc[server]'`",
            file=sys.stderr,
        )
        sys.exit(2)
    app()
