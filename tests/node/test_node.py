"""The GraphQL over HTTP suite, and the reference clients of both subscription protocols."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.served import request, served
from tests.support.requirement import skip_or_fail

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
HERE = Path(__file__).parent
# What the suite may remark: queries by GET are off outside development.
NOTICES = {
    "MAY accept application/x-www-form-urlencoded formatted GET requests",
    "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json",
    "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json",
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts with the locked packages beside them."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip_or_fail("node", "Node and npm are not installed; on Debian: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "audit.mjs", "watch.mjs"):
        shutil.copy(HERE / name, folder / name)
    ended = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


async def _node(folder: Path, *arguments: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        "node", *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode().splitlines()


async def test_graphql_over_http(packages: Path) -> None:
    """No error and no warning; the notices are those that are known."""
    async with served() as service:
        *remarks, counts = await _node(
            packages, "audit.mjs", f"{service.url}/graphql", service.token("analyst")
        )
        found = [json.loads(each) for each in remarks]
        assert [each for each in found if each["status"] != "notice"] == []
        assert {each["name"] for each in found} == NOTICES
        assert json.loads(counts)["ok"] >= 58


@pytest.mark.parametrize("kind", ["ws", "sse"])
async def test_the_reference_clients_subscribe(packages: Path, kind: str) -> None:
    """Three decisions, in order, from a cursor on."""
    async with served() as service, service.client() as pep:
        head = service.harness.service.revision()
        made = [(await pep.decide(request(chain=f"c{place}"))).id for place in range(3)]
        seen = await _node(
            packages, "watch.mjs", kind, f"{service.url}/graphql", service.token("analyst"), head
        )
        assert seen == made
