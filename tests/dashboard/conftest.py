"""The working folder of the command line's tests serves here too."""

from tests.cli.conftest import filled, folder

__all__ = ["filled", "folder"]
