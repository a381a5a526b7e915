"""What `make neo4j` calls: the developer's server in the foreground, its data kept between runs."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.neo4j_home.home import create_home, has_store
from scripts.neo4j_home.port import is_port_taken
from scripts.neo4j_home.process import Neo4jProcess
from scripts.neo4j_home.toolchain import (
    DEFAULT_CACHE,
    DEFAULT_VERSION,
    Neo4jHomeError,
    assemble,
    find_toolchain,
    is_assembled,
)

__all__ = ["main"]


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
    if not is_assembled(cache, version):
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
