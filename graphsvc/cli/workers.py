"""`graphsvc serve --workers N`: several processes over one Neo4j, each a whole service on a port of its own.

The first process only watches: it starts the others, starts one again that ends by itself, and passes on what stops
it. Nothing goes through it.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

import structlog

from graphsvc.config import Settings
from graphsvc.errors import BadInput
from graphsvc.store.address import Neo4jAddress, parse_store_url

__all__ = ["Place", "check_workers", "place_settings", "supervise"]

_log = structlog.get_logger("graphsvc.serve")
_AGAIN_S = 1.0
_STOP_WITHIN_S = 30.0


class Place(NamedTuple):
    """Which of the processes this is. folder: where their sockets for each other lie."""

    number: int
    of: int
    folder: Path

    def came_up(self) -> None:
        """Tell the first process that this one serves, or did once."""
        self._mark.touch()

    @property
    def has_come_up(self) -> bool:
        """Whether it ever served."""
        return self._mark.exists()

    @property
    def _mark(self) -> Path:
        return self.folder / f"{self.number}.up"


Target = Callable[[Settings, list[Path], Place], None]


def check_workers(settings: Settings) -> None:
    """BadInput unless several processes can serve this store."""
    if not isinstance(parse_store_url(settings.store), Neo4jAddress):
        told = "one process owns a memory or SQLite store; use a neo4j:// or bolt:// store, or leave it out"
        raise BadInput(f"--workers: {told}", field="workers")
    if settings.uds is None and settings.port == 0:
        raise BadInput("--workers: needs a port to count from; give one with --port", field="workers")
    if settings.uds is None and settings.port + settings.workers - 1 > 65_535:
        raise BadInput(
            f"--workers: port {settings.port} leaves no room for {settings.workers}", field="workers"
        )


def place_settings(settings: Settings, index: int) -> Settings:
    """The settings of one process: the next port, or the socket with its number."""
    if settings.uds is not None:
        more: dict[str, object] = {"uds": settings.uds.with_name(f"{settings.uds.name}.{index}")}
    else:
        more = {"port": settings.port + index}
    # Settings that were loaded are of a class made on the way, which cannot be sent to another process.
    return Settings.model_construct(**{**settings.__dict__, **more})


def supervise(target: Target, settings: Settings, files: list[Path]) -> int:
    """Run `target` in `settings.workers` processes until told to stop; the exit code.

    files: policies, published by the first of them.
    """
    with tempfile.TemporaryDirectory(prefix="graphsvc-workers-") as folder:
        return _Supervisor(target, settings, files, Path(folder)).run()


class _Supervisor:
    def __init__(self, target: Target, settings: Settings, files: list[Path], folder: Path) -> None:
        self._target = target
        self._settings = settings
        self._files = files
        self._folder = folder
        self._context = multiprocessing.get_context("spawn")
        self._running: dict[int, SpawnProcess] = {}
        self._is_stopping = False

    def run(self) -> int:
        """Until all have ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for index in range(self._settings.workers):
            self._start(index)
        code = 0
        while self._running and not self._is_stopping:
            wait([process.sentinel for process in self._running.values()], timeout=0.5)
            for index, process in tuple(self._running.items()):
                if process.exitcode is None or self._is_stopping:
                    continue
                del self._running[index]
                if not self._place(index).has_come_up:
                    # What keeps one from its first start keeps it from every other.
                    code = process.exitcode if process.exitcode > 0 else 3
                    self._stop()
                    break
                _log.warning("worker_restarted", worker=index, exit_code=process.exitcode)
                time.sleep(_AGAIN_S)
                self._start(index)
        return self._ended(code)

    def _start(self, index: int) -> None:
        files = self._files if index == 0 else []
        arguments = (place_settings(self._settings, index), files, self._place(index))
        process = self._context.Process(target=self._target, args=arguments, name=f"graphsvc worker {index}")
        process.start()
        self._running[index] = process

    def _place(self, index: int) -> Place:
        return Place(index, self._settings.workers, self._folder)

    def _stop(self, *_: object) -> None:
        self._is_stopping = True
        for process in self._running.values():
            if process.is_alive():
                process.terminate()

    def _ended(self, code: int) -> int:
        until_s = time.monotonic() + _STOP_WITHIN_S
        for process in self._running.values():
            process.join(max(0.0, until_s - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            if process.exitcode not in {0, -signal.SIGTERM} and code == 0:
                code = 3
        return code
