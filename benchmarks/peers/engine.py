"""The engines as processes that are asked over HTTP: how each is started, what it is sent, what its answer means."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.peers.world import Check, World

__all__ = ["ENGINES", "Engine", "Running"]

FOLDER = Path(os.environ.get("PEERS", ".peers"))
_REGO = """package authz
import rego.v1

default allow := false

holders := graph.reachable(data.member_of, {input.subject})
places := graph.reachable(data.inside, {input.resource})

allow if {
	some place in places
	some holder in data.granted[place][input.action]
	holder in holders
}
"""
_CERBOS = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - actions: ["*"]
      effect: EFFECT_ALLOW
      roles: ["*"]
      condition:
        match:
          expr: R.attr.holders.exists(holder, holder in P.attr.holders)
"""


@dataclass
class Running:
    """An engine that answers. request: the bytes of a question. means: whether an answer's body permits."""

    name: str
    host: str
    port: int
    pid: int
    request: Callable[[Check], bytes]
    means: Callable[[bytes], bool]

    def cpu_s(self) -> float:
        """CPU time the process has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """What it holds in memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@dataclass(frozen=True)
class Engine:
    """missing: what to do when it is not there, None when it is. start: a block in which it answers."""

    name: str
    missing: Callable[[], str | None]
    start: Callable[[World, Path], Iterator[Running]]


def _http(path: str, body: bytes, port: int, token: str = "") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{authorization}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@contextmanager
def _process(command: list[str], url: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload]
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {process.stderr.read().decode()[-500:]}")
            try:
                with urllib.request.urlopen(url, timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# -- OPA ------------------------------------------------------------------------------------------------


def _opa() -> str | None:
    found = FOLDER / "bin" / "opa"
    return str(found) if found.exists() else shutil.which("opa")


@contextmanager
def _start_opa(world: World, folder: Path) -> Iterator[Running]:
    granted: dict[str, dict[str, list[str]]] = {}
    for holder, action, place in sorted(world.grants):
        granted.setdefault(place, {}).setdefault(action, []).append(holder)
    names = (*world.identities, *world.groups)
    data = {
        "member_of": {name: world.member_of.get(name, []) for name in names},
        "inside": {
            name: [world.inside[name]] if name in world.inside else []
            for name in (*world.resources, *world.folders)
        },
        "granted": granted,
    }
    (folder / "data.json").write_bytes(_json(data))
    (folder / "authz.rego").write_text(_REGO)
    port = 18181
    command = [
        _opa() or "opa", "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error", "--skip-version-check",
        "--optimize-store-for-read-speed", str(folder / "authz.rego"), str(folder / "data.json"),
    ]  # fmt: skip
    with _process(command, f"http://127.0.0.1:{port}/health") as process:
        yield Running(
            "OPA", "127.0.0.1", port, process.pid,
            lambda check: _http(
                "/v1/data/authz/allow",
                _json({"input": {"subject": check.subject, "action": check.action, "resource": check.resource}}),
                port,
            ),
            lambda body: json.loads(body).get("result") is True,
        )  # fmt: skip


# -- Cerbos: keeps no data, so whoever asks sends what the question needs -----------------------------------


def _cerbos() -> str | None:
    found = FOLDER / "node_modules" / "@cerbos" / "cerbos-linux-x64" / "cerbos-linux-x64"
    return str(found) if found.exists() else shutil.which("cerbos")


@contextmanager
def _start_cerbos(world: World, folder: Path) -> Iterator[Running]:
    policies = folder / "policies"
    policies.mkdir()
    (policies / "doc.yaml").write_text(_CERBOS)
    port = 13592
    granted: dict[tuple[str, str], list[str]] = {}
    for holder, action, place in sorted(world.grants):
        granted.setdefault((place, action), []).append(holder)
    command = [
        _cerbos() or "cerbos", "server", "--log-level=error", "--set=telemetry.disabled=true",
        f"--set=server.httpListenAddr=127.0.0.1:{port}", "--set=server.grpcListenAddr=127.0.0.1:13593",
        f"--set=storage.disk.directory={policies}",
    ]  # fmt: skip

    def request(check: Check) -> bytes:
        holders = [
            holder
            for place in world.places(check.resource)
            for holder in granted.get((place, check.action), ())
        ]
        body = {
            "requestId": "x",
            "principal": {
                "id": check.subject,
                "roles": ["user"],
                "attr": {"holders": world.holders(check.subject)},
            },
            "resources": [
                {
                    "actions": [check.action],
                    "resource": {"kind": "doc", "id": check.resource, "attr": {"holders": holders}},
                }
            ],
        }
        return _http("/api/check/resources", _json(body), port)

    with _process(command, f"http://127.0.0.1:{port}/_cerbos/health") as process:
        yield Running(
            "Cerbos", "127.0.0.1", port, process.pid, request, lambda body: b'"EFFECT_ALLOW"' in body
        )


# -- graphsvc --------------------------------------------------------------------------------------------


def _ours(way: str, store: str, port: int) -> Callable[[World, Path], Iterator[Running]]:
    @contextmanager
    def start(world: World, folder: Path) -> Iterator[Running]:
        (folder / "world.jsonl").write_text("\n".join(world.facts()) + "\n")
        url = store.replace("FOLDER", str(folder))
        command = [sys.executable, "-m", "benchmarks.peers.serve", url, str(folder), str(port)]
        with _process(command, f"http://127.0.0.1:{port}/readyz") as process:
            token = (folder / "token").read_text()
            number = iter(range(10**9))

            def entities(check: Check) -> dict[str, object]:
                return {
                    "subject": {"type": "human", "id": check.subject},
                    "action": {"name": check.action},
                    "resource": {"type": "doc", "id": check.resource},
                }

            def evaluate(check: Check) -> bytes:
                return _http("/access/v1/evaluation", _json(entities(check)), port, token)

            def decide(check: Check) -> bytes:
                place = next(number)
                asked = {
                    **entities(check),
                    "idempotencyKey": f"{os.getpid()}-{place}",
                    "chain": f"c{place % 4_000}-{check.subject}",
                }
                return _http("/graphql", _json({"query": _DECIDE, "variables": {"i": asked}}), port, token)

            if way == "evaluation":
                yield Running(
                    f"graphsvc {way}", "127.0.0.1", port, process.pid, evaluate, lambda body: b"true" in body
                )
            else:
                yield Running(
                    f"graphsvc {way}",
                    "127.0.0.1",
                    port,
                    process.pid,
                    decide,
                    lambda body: b'"PERMIT"' in body,
                )

    return start


_DECIDE = "mutation D($i: DecideInput!) { decide(input: $i) { __typename ... on Decision { id verdict reasons { code } revision } } }"


def split(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


ENGINES: tuple[Engine, ...] = (
    Engine("graphsvc evaluation", lambda: None, _ours("evaluation", "memory:", 18091)),
    Engine("graphsvc decide, SQLite durable", lambda: None, _ours("decide, SQLite durable", "sqlite:///FOLDER/peers.db", 18092)),
    Engine(
        "OPA",
        lambda: None if _opa() else f"put `opa` into {FOLDER}/bin: GOBIN=$PWD/{FOLDER}/bin go install github.com/open-policy-agent/opa@latest",
        _start_opa,
    ),
    Engine(
        "Cerbos",
        lambda: None if _cerbos() else f"npm install --prefix {FOLDER} @cerbos/cerbos-linux-x64",
        _start_cerbos,
    ),
)  # fmt: skip
