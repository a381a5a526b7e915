"""A person logs in to the dashboard at a real provider (npm `oidc-provider`), in a real browser, and out again."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from graphsvc.api.server import running
from graphsvc.cli.serve import beside
from graphsvc.config import load_settings
from graphsvc.wiring import build_app, open_service
from tests.dashboard.browser import Shown, expect, shown
from tests.support.requirement import skip_or_fail

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.slow]
HERE = Path(__file__).parent
SECRET = "s3cret+with/odd=signs"
# Its pages ask for a font that is not here, and have no icon.
OF_THE_PROVIDER = ("ERR_NAME_NOT_RESOLVED", "404")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The provider's script with the locked packages beside it."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip_or_fail("node", "Node and npm are not installed; on Debian: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("oidc")
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(HERE / name, folder / name)
    ended = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"], check=False, cwd=folder, capture_output=True, text=True
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _both(packages: Path, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """The service's and the provider's address."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        "node", "provider.mjs", url, SECRET, cwd=packages,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        issuer = (await process.stdout.readline()).decode().strip()
        (folder / "secret").write_text(SECRET)
        settings = load_settings(
            environ={}, secrets_dir=folder / "none", store="memory:", state_dir=folder / "state", port=port,
            oidc={
                "issuer": issuer, "audience": "graphsvc", "jwks_uri": f"{issuer}/jwks",
                "login": {"client_id": "dashboard", "secret_file": folder / "secret"},
            },
        )  # fmt: skip
        jobs: list[object] = []
        async with open_service(settings) as service:
            app = build_app(service, settings, listening=url, jobs=jobs)  # type: ignore[arg-type]
            async with running(app, port=port), beside(jobs):  # type: ignore[arg-type]
                yield url, issuer
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _log_in(browser: Shown, name: str) -> None:
    page = browser.page
    await page.goto(f"{browser.url}/#/identities")
    await page.get_by_role("link", name="Log in at 127.0.0.1").click()
    await page.locator("input[name=login]").fill(name)
    await page.locator("input[name=password]").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_a_person_logs_in_and_out(packages: Path, tmp_path: Path) -> None:
    """Back where they were, with the roles of the claim but never a PEP's; live by the cookie alone; out on both sides."""
    async with (
        _both(packages, tmp_path) as (url, issuer),
        shown(url, elsewhere=issuer, tolerate=OF_THE_PROVIDER) as browser,
    ):
        page = browser.page
        await _log_in(browser, "dana")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Identities")
        await expect(page.locator("header")).to_contain_text("dana analyst, approver")
        await page.get_by_role("link", name="Live").click()
        await expect(page.locator(".freshness.live")).to_be_visible()
        assert await page.evaluate("document.cookie") == ""
        assert await page.evaluate("Object.keys(sessionStorage).length") == 0
        (cookie,) = [
            each
            for each in await page.context.cookies(url)
            if "session" in each["name"].lower() and "graphsvc" in each["name"]
        ]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        stolen = cookie["value"]
        await page.reload()
        await expect(page.locator("header")).to_contain_text("dana")
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_role("button", name="Yes, sign me out").click()
        await expect(page.get_by_role("link", name="Log in at 127.0.0.1")).to_be_visible()
        await page.context.add_cookies([{"name": cookie["name"], "value": stolen, "url": url}])
        await page.reload()
        await expect(page.get_by_role("link", name="Log in at 127.0.0.1")).to_be_visible()


async def test_somebody_without_a_role_is_told_why(packages: Path, tmp_path: Path) -> None:
    """Known to the provider, but not let in: the answer names the claim that is missing."""
    async with (
        _both(packages, tmp_path) as (url, issuer),
        shown(url, elsewhere=issuer, tolerate=("403", *OF_THE_PROVIDER)) as browser,
    ):
        await _log_in(browser, "nobody")
        await expect(browser.page.locator("body")).to_contain_text("holds no role here")
