"""The dashboard in a real Chromium: first paint, how soon a decision is on the screen, and how it bears a flood."""

from __future__ import annotations

import asyncio
import gzip
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession

import graphsvc
from tests.api.served import request, served
from tests.dashboard.browser import EVERY_ROLE, shown

__all__ = ["measure"]

_LOOKS = 40
_FLOOD_S = 10.0
_LONG_TASKS = """() => { window.longest = 0; window.tasks = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) {
    window.tasks += 1; window.longest = Math.max(window.longest, entry.duration) } }).observe({ type: 'longtask' }) }"""
# When the row of an action is in the page, by the page's own clock, which is the machine's.
_SEEN = """(name) => new Promise((resolve) => { const look = () => document.body.textContent.includes(name)
  ? resolve(performance.timeOrigin + performance.now()) : requestAnimationFrame(look); look() })"""


def measure() -> list[dict[str, Any]]:
    """Milliseconds, kB, and updates a second; one worker, memory store, everything on one machine."""
    return asyncio.run(_measure())


async def _measure() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"figure": "all files, gzip kB", "value": _size_kb(), "limit": 200}]
    async with served() as service, service.client() as pep, shown(service) as browser:
        page = browser.page
        token = service.token(*EVERY_ROLE, subject="dana")
        await page.goto(service.url)
        await page.get_by_label("Token").wait_for()
        await asyncio.sleep(0.5)
        paint = await page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
        )
        rows.append({"figure": "first contentful paint, ms", "value": round(paint, 1), "limit": 1000})
        await browser.log_in(token)
        await page.locator(".freshness.live").wait_for()
        delays = []
        for place in range(_LOOKS):
            seen = asyncio.ensure_future(page.evaluate(_SEEN, f"odd:Look{place:03}"))
            await pep.decide(request(f"odd:Look{place:03}", "record:1", chain=f"l{place}"))
            answered_ms = time.time() * 1000
            delays.append(await seen - answered_ms)
        delays.sort()
        rows.append(
            {
                "figure": "on the screen after the answer, p50 ms",
                "value": round(statistics.median(delays), 1),
                "limit": None,
            }
        )
        rows.append(
            {
                "figure": "on the screen after the answer, worst ms",
                "value": round(delays[-1], 1),
                "limit": 250,
            }
        )
        await page.evaluate(_LONG_TASKS)
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        began_s = await _worked_s(devtools)
        sent, ends = 0, time.monotonic() + _FLOOD_S
        while (left := ends - time.monotonic()) > 0:
            # A hundred every tenth of a second: 1,000 a second where the machine can.
            due = time.monotonic() + 0.1
            await pep.decide_many(
                [request("odd:Flood", f"record:{n}", chain=f"f{sent + n}") for n in range(100)]
            )
            sent += 100
            await asyncio.sleep(max(0.0, min(left, due - time.monotonic())))
        await asyncio.sleep(1)
        longest, tasks = await page.evaluate("[window.longest, window.tasks]")
        kept = await page.locator("table.decisions tbody tr").count()
        rows += [
            {"figure": "updates a second", "value": round(sent / _FLOOD_S), "limit": None},
            {
                "figure": "processor time of the page's main thread, us an update",
                "value": round((await _worked_s(devtools) - began_s) / sent * 1e6),
                "limit": None,
            },
            {"figure": "longest task of the main thread, ms", "value": round(longest, 1), "limit": 200},
            {"figure": "tasks above 50 ms", "value": tasks, "limit": None},
            {"figure": "rows kept", "value": kept, "limit": 300},
        ]
    return rows


async def _worked_s(devtools: CDPSession) -> float:
    """Processor time that the main thread of the page has spent, however busy the machine is."""
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def _size_kb() -> float:
    folder = Path(graphsvc.__file__).parent / "static"
    kinds = {".js", ".css", ".html", ".svg"}
    # What the page loads; the IDE is another page.
    files = [path for path in folder.rglob("*") if path.suffix in kinds and "ide" not in path.parts]
    return round(sum(len(gzip.compress(path.read_bytes())) for path in files) / 1000, 1)
