"""One server: started, found ready, frozen, killed and stopped by its process id."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from scripts.neo4j_home.port import is_open, is_port_taken
from scripts.neo4j_home.toolchain import DEFAULT_VERSION, Neo4jHomeError, Toolchain

__all__ = ["Neo4jProcess"]

READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.05

_JVM_ARGS = (
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+DisableExplicitGC",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dfile.encoding=UTF-8",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
)
# JDK 17 refuses the second of these, so only the lines that run on a newer JDK get them.
_JVM_ARGS_2025 = (
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dio.netty.leakDetection.level=DISABLED",
)

_HINTS = (
    ("Address already in use", "the port is taken; stop what listens there or choose another with `--port`"),
    ("FileLockException", "another Neo4j uses this data folder; stop it first"),
    ("Unrecognized setting", "the configuration holds a key this version does not know"),
    ("UnsupportedClassVersionError", "this Java is too old for the chosen Neo4j version"),
    ("OutOfMemoryError", "the heap is too small; raise it with `--heap`"),
)


@dataclass(slots=True)
class Neo4jProcess:
    """One server over one home; `start` and `stop` may follow each other any number of times.

    port: the Bolt port, on the loopback address.
    password: of the user `neo4j`; used to find out whether the server is ready.
    heap: such as `512m`; the collector is the serial one, fit for tests and development.
    """

    home: Path
    tools: Toolchain
    port: int
    password: str
    version: str = DEFAULT_VERSION
    heap: str = "512m"
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _watchdog: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where drivers connect to."""
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def console(self) -> Path:
        """What the server printed since its last start."""
        return self.home / "logs" / "console.log"

    def start(self, *, timeout_s: float = READY_TIMEOUT_S) -> float:
        """Start and wait until a session answers; returns the seconds it took.

        Raises Neo4jHomeError when the port is taken, the server ends by itself, or the time is up;
        nothing is left running then.
        """
        if self.pid is not None:
            raise Neo4jHomeError(f"this Neo4j runs already (process {self.pid})")
        # Neo4j itself notices a taken port only after its whole start.
        if is_port_taken(self.port):
            raise Neo4jHomeError(
                f"port {self.port} of 127.0.0.1 is taken; stop what listens there or choose another"
            )
        began = time.monotonic()
        with self.console.open("wb") as console:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is for the program that started it, which then stops the server.
                start_new_session=True,
            )
        self._watchdog = _watch(self._process.pid)
        try:
            self._wait_until_ready(began + timeout_s)
        except BaseException:
            self.kill()
            raise
        return time.monotonic() - began

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ask the server to end (SIGTERM) and wait; returns its exit code, 0 for a clean stop.

        Past the time it is killed. Does nothing, and returns 0, if it does not run.
        """
        process = self._process
        if process is None:
            return 0
        self.resume()
        self._signal(signal.SIGTERM)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -signal.SIGKILL
        self._forget()
        return code

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would; its store stays as it is."""
        process = self._process
        if process is not None:
            self._signal(signal.SIGKILL)
            process.wait()
        self._forget()

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait until the server ends by itself; returns its exit code."""
        return self._process.wait() if self._process is not None else 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        home, is_5 = self.home, self.version.startswith("5.")
        main = "CommunityEntryPoint" if is_5 else "Neo4jCommunity"
        return [
            self.tools.java, "-XX:+UseSerialGC", *_JVM_ARGS, *(() if is_5 else _JVM_ARGS_2025),
            f"-Xms{self.heap}", f"-Xmx{self.heap}",
            "-cp", f"{home}/plugins/*:{home}/conf/*:{home}/lib/*",
            f"org.neo4j.server.{main}", f"--home-dir={home}", f"--config-dir={home}/conf", "--console-mode",
        ]  # fmt: skip

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _forget(self) -> None:
        self._process = None
        if self._watchdog is not None:
            self._watchdog.kill()
            if self._watchdog.stdin is not None:
                self._watchdog.stdin.close()
            self._watchdog.wait()
            self._watchdog = None

    def _wait_until_ready(self, deadline: float) -> None:
        """Poll until a session answers: the port opens up to three seconds before that."""
        assert self._process is not None
        while time.monotonic() < deadline:
            code = self._process.poll()
            if code is not None:
                raise Neo4jHomeError(f"Neo4j ended with exit code {code}: {self._why()}")
            if is_open(self.port) and self._answers():
                return
            time.sleep(POLL_S)
        raise Neo4jHomeError(f"Neo4j did not answer in time; see `{self.home / 'logs' / 'debug.log'}`")

    def _answers(self) -> bool:
        try:
            # Here, so that the rest of this module works without the driver.
            from neo4j import GraphDatabase
            from neo4j.exceptions import AuthError, DriverError, Neo4jError
        except ModuleNotFoundError:
            raise Neo4jHomeError("the package `neo4j` is missing; run this through `make neo4j`") from None
        try:
            with (
                GraphDatabase.driver(self.url, auth=("neo4j", self.password), connection_timeout=5) as driver,
                driver.session(database="neo4j") as session,
            ):
                return bool(session.run("RETURN 1 AS one").single(strict=True)["one"] == 1)
        except AuthError:
            raise Neo4jHomeError(
                f"the store in `{self.home}` has another password; delete that folder to begin afresh"
            ) from None
        except (DriverError, Neo4jError, OSError):
            return False

    def _why(self) -> str:
        try:
            text = self.console.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        for sign, hint in _HINTS:
            if sign in text:
                return hint
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def _watch(pid: int) -> subprocess.Popen[bytes]:
    """A shell that ends process `pid` when this process is gone.

    It reads a pipe whose other end only this process holds, so the end of the file is the sign.
    """
    script = "read -r _; kill -CONT $0; kill -TERM $0"
    return subprocess.Popen(
        ["/bin/sh", "-c", script, str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
