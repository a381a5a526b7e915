"""`graphsvc serve` as a process of its own, to kill, pause and start again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphsvc.api.auth import issue_token, local_key
from scripts.neo4j_home import free_port

__all__ = ["ServiceProcess"]

_READY_S = 240.0
_NO_STORE = 3
# The service's clock is `time.time_ns`; a process whose clock is off is one in which that function is. How far it is off
# stands in a file, so that a clock can jump.
_START = """\
import pathlib, time
skew, true_ns, true_s = pathlib.Path({skew!r}), time.time_ns, time.time
def off_ms():
    return int(skew.read_text() or 0)
if skew.exists():
    time.time_ns = lambda: true_ns() + off_ms() * 1_000_000
    time.time = lambda: true_s() + off_ms() / 1000
if {limit}:
    import resource
    # Python ignores SIGXFSZ, so a write beyond the limit is an error, as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
if {most_sessions}:
    from graphsvc.core import cap
    cap.MAX_SESSIONS = {most_sessions}
from graphsvc.cli.main import app
app()
"""


@dataclass
class ServiceProcess:
    """One replica. folder: its state, its log, and the working folder. skew_ms: how far its clock is off, None = it has
    the machine's and cannot jump.

    limit_file_bytes: no file may grow beyond that (RLIMIT_FSIZE). most_sessions: so many may be alive at once, instead of
    what the service allows.
    """

    folder: Path
    store: str
    environment: Mapping[str, str] = field(default_factory=dict)
    skew_ms: int | None = None
    limit_file_bytes: int | None = None
    most_sessions: int | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it told."""
        return self.folder / f"service-{self.port}.log"

    def set_clock(self, skew_ms: int) -> None:
        """Let its clock jump; only for one that was made with a skew."""
        file = self._skew_file
        aside = file.with_suffix(".new")
        aside.write_text(str(skew_ms))
        aside.replace(file)

    @property
    def _skew_file(self) -> Path:
        return self.folder / f"skew-{self.port}"

    def token(self, *roles: str, subject: str = "gateway-1") -> str:
        """A token for it."""
        return issue_token(
            local_key(self.folder / "state"), subject=subject, roles=roles or ("pep",), ttl_s=7200
        )

    def launch(self) -> None:
        """Start it, without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRAPHSVC_")}
        environment |= {"GRAPHSVC_STATE_DIR": str(self.folder / "state"), **self.environment}
        if self.skew_ms is not None:
            self.set_clock(self.skew_ms)
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        start = _START.format(
            skew=str(self._skew_file), limit=self.limit_file_bytes or 0, most_sessions=self.most_sessions or 0
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-c", start, "serve", "--store", self.store, "--port", str(self.port),
                ],
                stdout=log, stderr=log, env=environment, cwd=self.folder,
            )  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.wait_ready()

    def wait_ready(self, within_s: float = _READY_S) -> float:
        """Seconds until `/readyz` says so.

        A start that finds no store ends with exit code 3; it is tried again, as whoever supervises a service does.
        """
        assert self.process is not None
        began = time.monotonic()
        while not self.is_ready():
            ended = self.process.poll()
            if ended == _NO_STORE:
                self.launch()
            assert ended in {None, _NO_STORE}, f"it ended: {self.told()}"
            assert time.monotonic() - began < within_s, f"not ready: {self.told()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        """What `/readyz` says."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, *roles: str, within_s: float = 30
    ) -> Any:
        """One GraphQL request, without retries."""
        body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token(*roles)}"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=within_s) as answer:
            return json.load(answer)

    def told(self) -> str:
        """The end of what it told."""
        return self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""

    def rss_bytes(self) -> int:
        """Memory that it holds."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """Freeze it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it by SIGTERM, by SIGKILL when that takes too long; its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode
