"""What watches over several workers: which ends are an accident, and which mean that the service cannot be."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphsvc.cli.workers import Place, supervise
from graphsvc.config import Settings


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """What the supervisor does about signals ends with the test."""
    held = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in held.items():
        signal.signal(number, handler)


def _killed_as_soon_as_it_serves(_settings: Settings, _files: list[Path], place: Place) -> None:
    is_second = place.has_come_up
    place.came_up()
    if is_second:
        os.kill(os.getppid(), signal.SIGTERM)
        signal.pause()
    os.kill(os.getpid(), signal.SIGKILL)


def _never_serves(_settings: Settings, _files: list[Path], _place: Place) -> None:
    sys.exit(4)


def test_a_worker_that_served_is_started_again_however_soon_it_ended() -> None:
    """Killed in its first second, it comes back; then all stop in order."""
    assert supervise(_killed_as_soon_as_it_serves, Settings(workers=1), []) == 0


@pytest.mark.slow
def test_workers_that_never_served_are_not_tried_for_ever() -> None:
    """The first end before serving is the end of all, with its code."""
    assert supervise(_never_serves, Settings(workers=2), []) == 4
