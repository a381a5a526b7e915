"""The Java that fits a version of Neo4j, and the server's jars, which Maven fetches once."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DEFAULT_CACHE",
    "DEFAULT_VERSION",
    "Neo4jHomeError",
    "Toolchain",
    "assemble",
    "find_toolchain",
    "is_assembled",
]

DEFAULT_VERSION = "5.26.31"
DEFAULT_CACHE = Path(__file__).resolve().parents[2] / ".neo4j"

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
    if mvn is None and not is_assembled(cache, version):
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


def is_assembled(cache: Path, version: str) -> bool:
    """Whether the jars are there: their folder gets its final name only when it is complete."""
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
    if is_assembled(cache, version):
        return lib
    with _locked(cache / f"{version}.lock"):
        if is_assembled(cache, version):
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
