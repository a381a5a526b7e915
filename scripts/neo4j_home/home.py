"""A home: the folder of one server, with its own data, port and password, and a link to the jars."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from scripts.neo4j_home.toolchain import Neo4jHomeError, Toolchain

__all__ = ["create_home", "has_store"]

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
