"""Assemble, start and stop a real Neo4j Community as a plain Java process.

How it works. Maven copies the server's jars once into `<cache>/<version>/lib`; every *home* (a
folder with its own data, port and password) links to them, so a new server costs seconds and no
container engine. Neo4j Community is licensed under the GPL: it runs as a process of its own and
its jars never ship with graphsvc.

INVARIANT: a server listens on the loopback address only, and is ended by its process id, never by
name. A watchdog ends it when the program that started it dies without saying goodbye.

Run as a program (`python -m scripts.neo4j_home`) it is what `make neo4j` calls.
Linux and macOS.
"""

from __future__ import annotations

from scripts.neo4j_home.home import create_home
from scripts.neo4j_home.port import free_port, is_port_taken
from scripts.neo4j_home.process import Neo4jProcess
from scripts.neo4j_home.toolchain import (
    DEFAULT_VERSION,
    Neo4jHomeError,
    Toolchain,
    assemble,
    find_toolchain,
)

__all__ = [
    "DEFAULT_VERSION",
    "Neo4jHomeError",
    "Neo4jProcess",
    "Toolchain",
    "assemble",
    "create_home",
    "find_toolchain",
    "free_port",
    "is_port_taken",
]
