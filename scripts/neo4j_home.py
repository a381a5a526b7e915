"""Assemble, start and stop a real Neo4j Community as a plain Java process.

How it works. Maven copies the server's jars once into `<cache>/<version>/lib`; every *home* (a
folder with its own data, port and password) links to them, so a new server costs seconds and no
container engine. Neo4j Community is licensed under the GPL: it runs as a process of its own and
its jars never ship with graphsvc.

INVARIANT: a server listens on the loopback address only, and is ended by its process id, never by
name. A watchdog ends it when the program that started it dies without saying goodbye.

Run as a program it is what `make neo4j` calls: one server in the foreground, data kept between runs.
Linux and macOS.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

__all__ = [
    "DEFAULT_VERSION",
    "Neo4jHomeError",
    "Neo4jProcess",
    "Toolchain",
    "assemble",
    "create_home",
    "find_toolchain",
    "free_port",
]

DEFAULT_VERSION = "5.26.31"
REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_CACHE = REPOSITORY / ".neo4j"
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
POLL_S = 0.05

# The import scope takes netty, jetty, jackson and log4j at the versions of the distribution.
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local.graphsvc</groupId>
  <artifactId>neo4j-home</artifactId>
  <version>1</version>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>org.neo4j</groupId><artifactId>parent</artifactId><version>{version}</version>
        <type>pom</type><scope>import</scope>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{version}</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>
        <version>3.8.1</version>
      </plugin>
    </plugins>
  </build>
</project>
"""

# preallocate=false: an empty store takes 3 MB instead of 517 MB. The two `internal.` keys make a clean
# stop take one second instead of eleven. An unknown key stops the start, so add with care.
_CONF = """\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
dbms.usage_report.enabled=false
server.memory.pagecache.size={page_cache}
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=1 hours
db.lock.acquisition.timeout=5s
db.transaction.timeout=30s
internal.server.bolt.connection_shutdown_wait_time=0s
internal.server.bolt.thread_pool_shutdown_wait_time=0s
"""

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


class Neo4jHomeError(Exception):
    """Something the person who called must mend; the text is one line and names the fix."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The Java and the Maven to use; `java_major` is its feature version, such as 17."""

    java_home: Path
    java_major: int
    mvn: Path | None

    @property
    def java(self) -> str:
        """The path of the `java` program."""
        return str(self.java_home / "bin" / "java")


def java_majors(version: str) -> tuple[int, ...]:
    """The Java feature versions that the given Neo4j version runs on, best first."""
    return (17, 21) if version.startswith("5.") else (25, 21)


def find_toolchain(version: str = DEFAULT_VERSION, *, cache: Path = DEFAULT_CACHE) -> Toolchain:
    """The best installed Java for this version, and Maven where there is one.

    Maven may be missing only if the jars are in the cache already.
    Raises Neo4jHomeError naming the package to install.
    """
    wanted = java_majors(version)
    found = {major: home for home, major in reversed(list(_installed_javas()))}
    best = next((major for major in wanted if major in found), None)
    if best is None:
        have = f"found only Java {', '.join(map(str, sorted(found)))}" if found else "found no Java"
        raise Neo4jHomeError(
            f"Neo4j {version} needs Java {' or '.join(map(str, wanted))}, {have}; install a JRE "
            f"(Debian: openjdk-{wanted[0]}-jre-headless) or set JAVA_HOME"
        )
    mvn = shutil.which("mvn")
    if mvn is None and not _is_assembled(cache, version):
        raise Neo4jHomeError("`mvn` was not found; install Maven (Debian: maven) to fetch Neo4j once")
    return Toolchain(java_home=found[best], java_major=best, mvn=Path(mvn) if mvn else None)


def _installed_javas() -> Iterator[tuple[Path, int]]:
    """Java homes with their feature versions: JAVA_HOME first, then PATH, then the usual folders."""
    homes: list[Path] = []
    if java_home := os.environ.get("JAVA_HOME"):
        homes.append(Path(java_home))
    if on_path := shutil.which("java"):
        homes.append(Path(on_path).resolve().parent.parent)
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    homes += sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home"))
    seen: set[Path] = set()
    for home in (home.resolve() for home in homes):
        if home in seen or not os.access(home / "bin" / "java", os.X_OK):
            continue
        seen.add(home)
        if (major := _java_major(home)) is not None:
            yield home, major


def _java_major(home: Path) -> int | None:
    """The feature version of a Java home, from its `release` file or by asking it; None if unknown."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        try:
            answer = subprocess.run(
                [str(home / "bin" / "java"), "-version"],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        text = answer.stderr
    match = re.search(r'[Vv](?:ERSION=|ersion )"(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None


def _is_assembled(cache: Path, version: str) -> bool:
    # The folder gets its final name only when it is complete.
    return (cache / version / "lib").is_dir()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; the system drops it if this one dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def assemble(tools: Toolchain, version: str = DEFAULT_VERSION, *, cache: Path = DEFAULT_CACHE) -> Path:
    """The folder with the jars of this version, fetched by Maven if it is not there yet.

    Safe under concurrent callers: one fetches, the others wait. Raises Neo4jHomeError when Maven
    fails; the next call starts afresh.
    """
    lib = cache / version / "lib"
    if _is_assembled(cache, version):
        return lib
    with _locked(cache / f"{version}.lock"):
        if _is_assembled(cache, version):
            return lib
        if tools.mvn is None:
            raise Neo4jHomeError("`mvn` was not found; install Maven (Debian: maven) to fetch Neo4j once")
        partial = cache / version / "lib.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        pom = cache / version / "pom.xml"
        pom.write_text(_POM.format(version=version), encoding="utf-8")
        command = [
            str(tools.mvn), "-B", "-q", "-f", str(pom), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={partial}",
        ]  # fmt: skip
        done = subprocess.run(
            command,
            env={**os.environ, "JAVA_HOME": str(tools.java_home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not any(partial.glob("neo4j-[0-9]*.jar")):
            said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
            raise Neo4jHomeError(f"Maven could not fetch Neo4j {version}: {said[0]}")
        partial.rename(lib)
    return lib


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_port_taken(port: int) -> bool:
    """Whether somebody holds this port of the loopback address."""
    with socket.socket() as probe:
        # As Java does: a port that is merely waiting out an old connection counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def create_home(
    home: Path,
    *,
    lib: Path,
    tools: Toolchain,
    password: str,
    port: int,
    page_cache: str = "128m",
) -> None:
    """Write a home: folders, link to the jars, configuration, and the password if it is new.

    The password counts before the first start only; an existing store keeps the one it has.
    Raises Neo4jHomeError when Neo4j refuses it (fewer than 8 characters).
    """
    for name in ("conf", "data", "import", "licenses", "logs", "plugins", "run"):
        (home / name).mkdir(parents=True, exist_ok=True)
    link = home / "lib"
    if link.is_symlink():
        link.unlink()
    link.symlink_to(lib.resolve(), target_is_directory=True)
    (home / "conf" / "neo4j.conf").write_text(
        _CONF.format(port=port, page_cache=page_cache), encoding="utf-8"
    )
    if has_store(home):
        return
    command = [
        tools.java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{lib}/*", f"-Dbasedir={home}",
        "org.neo4j.cli.AdminTool", "dbms", "set-initial-password", password,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env={**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise Neo4jHomeError(f"the initial password could not be set: {said[0]}")


def has_store(home: Path) -> bool:
    """Whether this home was given a password before, so that its store has one."""
    data = home / "data"
    return (data / "dbms" / "auth.ini").exists() or (data / "databases" / "system").exists()


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
            if _is_open(self.port) and self._answers():
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


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


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


def _dev_password(home: Path) -> str:
    """The password of the developer's store, kept beside it and readable by its owner only."""
    path = home / "password"
    if has_store(home) and path.exists():
        return path.read_text(encoding="ascii").strip()
    password = os.environ.get("GRAPHSVC_NEO4J_PASSWORD") or secrets.token_urlsafe(12)
    home.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(password + "\n", encoding="utf-8")
    return password


def run_foreground(*, port: int, heap: str, version: str, cache: Path) -> None:
    """Start the developer's server, say how to reach it, and stop it cleanly on Ctrl-C or SIGTERM."""
    if is_port_taken(port):
        raise Neo4jHomeError(
            f"port {port} of 127.0.0.1 is taken; stop what listens there or run `make neo4j PORT=7688`"
        )
    tools = find_toolchain(version, cache=cache)
    if not _is_assembled(cache, version):
        print(f"fetching Neo4j {version} (once, about 125 MB) ...", flush=True)
    lib = assemble(tools, version, cache=cache)
    home = cache / "dev"
    password = _dev_password(home)
    create_home(home, lib=lib, tools=tools, password=password, port=port)
    server = Neo4jProcess(home=home, tools=tools, port=port, password=password, version=version, heap=heap)
    print(f"starting Neo4j {version} on Java {tools.java_major} ...", flush=True)
    # From here on SIGTERM ends this program the way Ctrl-C does, so that the store is closed cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        took_s = server.start()
        print(
            f"ready after {took_s:.0f} s\n"
            f"  url       {server.url}\n"
            f"  user      neo4j\n"
            f"  password  {password}\n"
            f"  data      {home / 'data'}\n"
            f"use it:\n"
            f"  export GRAPHSVC_NEO4J_PASSWORD={password}\n"
            f"  .venv/bin/graphsvc serve --store bolt://neo4j@127.0.0.1:{port}/neo4j\n"
            f"stop it with Ctrl-C",
            flush=True,
        )
        code = server.wait()
        raise Neo4jHomeError(f"Neo4j ended by itself with exit code {code}; see `{server.console}`")
    except KeyboardInterrupt:
        print("\nstopping ...", flush=True)
    finally:
        server.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """The command line: exit code 0 after a clean stop, 2 with one line on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Run a local Neo4j Community in the foreground.")
    parser.add_argument("--port", type=int, default=7687, help="Bolt port on 127.0.0.1 (default 7687)")
    parser.add_argument("--heap", default="1g", help="Java heap, such as 512m or 1g (default 1g)")
    parser.add_argument("--version", default=DEFAULT_VERSION, help=f"default {DEFAULT_VERSION}")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="default .neo4j in the checkout")
    options = parser.parse_args(argv)
    try:
        run_foreground(
            port=options.port, heap=options.heap, version=options.version, cache=options.cache.resolve()
        )
    except Neo4jHomeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
