"""Runs the agent benchmark: every rule, every approver, every part left out; a table and JSON.

python -m benchmarks agents                      the development suites, banking and slack
python -m benchmarks agents --suites workspace,travel --quick
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.agents.chain import VERSION, Suite
from benchmarks.agents.curve import STEPS, step_texts
from benchmarks.agents.estate import records
from benchmarks.agents.replay import Outcome, Replayer
from benchmarks.agents.rule import RULES, policies
from benchmarks.agents.tally import attack_rules, benign_rules, figures
from graphsvc.client import Client
from graphsvc.client.provenance import Mechanism, Tools
from graphsvc.core.policy.load import load_policies
from graphsvc.core.policy.tools import tools_of

__all__ = ["DEVELOPMENT", "UNSEEN", "measure"]

DEVELOPMENT = ("banking", "slack")
UNSEEN = ("workspace", "travel")
_APPROVERS = ("own", "nobody", "everything")
_AT_ONCE = 8


def measure(
    suites: Sequence[str], *, quick: bool = False, parts: bool = False, curve: bool = False
) -> dict[str, Any]:
    """Everything about some suites. quick: the shipped rule alone; parts: each part left out in turn; curve: laxer and stricter tables."""
    return asyncio.run(_measure([Suite(name) for name in suites], quick=quick, parts=parts, curve=curve))


async def _measure(suites: list[Suite], *, quick: bool, parts: bool, curve: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "agentdojo": VERSION,
        "suites": [suite.name for suite in suites],
        "rules": {},
        "without": {},
        "curve": {},
    }
    for rule in ["provenance"] if quick else RULES:
        print(f"{rule} ...", file=sys.stderr)
        async with _serving(suites, policies(rule)) as replayer:
            benign = await _benign(replayer, suites)
            # The baselines ask nobody, so whoever approves makes no difference.
            approvers = _APPROVERS if rule == "provenance" else _APPROVERS[:1]
            attacks = {approver: await _attacks(replayer, suites, approver) for approver in approvers}
            found["rules"][rule] = {"all": figures(benign, attacks)} | {
                suite.name: figures(
                    [each for each in benign if each.chain.suite == suite.name],
                    {
                        name: [each for each in played if each.chain.suite == suite.name]
                        for name, played in attacks.items()
                    },
                )
                for suite in suites
            }
            if rule != "provenance":
                continue
            found["benign stopped"] = benign_rules(benign)
            found["attacks stopped"] = attack_rules(attacks["own"])
            found["attacks that succeed"] = _named(attacks["own"])
            found["attacks that succeed when everything is approved"] = _by_goal(attacks["everything"])
            found["chains"] = {
                "benign": len(benign),
                "attacks": len(attacks["own"]),
                "calls": sum(each.calls for each in benign),
            }
            if not parts:
                continue
            for part in (*Mechanism, "graph"):
                print(f"without {part} ...", file=sys.stderr)
                options: dict[str, Any] = {"with_graph": False} if part == "graph" else {"without": {part}}
                less = await _benign(replayer, suites, **options)
                attacked = {"everything": await _attacks(replayer, suites, "everything", **options)}
                found["without"][str(part)] = figures(less, attacked)
    for step in STEPS if curve else ():
        print(f"{step} ...", file=sys.stderr)
        async with _serving(suites, step_texts(step)) as replayer:
            benign = await _benign(replayer, suites)
            attacks = {each: await _attacks(replayer, suites, each) for each in ("own", "everything")}
            found["curve"][step] = figures(benign, attacks)
    return found


async def _benign(replayer: Replayer, suites: list[Suite], **options: Any) -> list[Outcome]:
    return await _all(
        [(suite, chain) for suite in suites for chain in suite.benign], replayer, "everything", options
    )


async def _attacks(replayer: Replayer, suites: list[Suite], approver: str, **options: Any) -> list[Outcome]:
    return await _all(
        [(suite, chain) for suite in suites for chain in suite.attacks], replayer, approver, options
    )


async def _all(
    chains: list[Any], replayer: Replayer, approver: str, options: dict[str, Any]
) -> list[Outcome]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(suite: Suite, chain: Any) -> Outcome:
        async with gate:
            return await replayer.play(suite, chain, approver, **options)

    return list(await asyncio.gather(*(one(suite, chain) for suite, chain in chains)))


@asynccontextmanager
async def _serving(suites: list[Suite], texts: list[str]) -> AsyncIterator[Replayer]:
    """A service with these rules and the suites' estate, and clients of it."""
    loaded = load_policies([(text, f"{number}.yaml") for number, text in enumerate(texts)])
    tools = Tools(tools_of(loaded))
    with tempfile.TemporaryDirectory(prefix="graphsvc-agents-") as folder:
        home = Path(folder)
        (home / "graph.jsonl").write_text("\n".join(json.dumps(record) for record in records(suites)) + "\n")
        for number, text in enumerate(texts):
            (home / f"{number}.yaml").write_text(text)
        server = subprocess.Popen(  # noqa: ASYNC220  nothing else runs yet
            [sys.executable, "-m", "benchmarks.agents.server", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line:
                raise RuntimeError("the service did not start")
            facts = json.loads(line)
            async with (
                Client(facts["url"], facts["pep"], deadline_ms=30_000) as pep,
                Client(facts["url"], facts["approver"]) as approver,
            ):
                yield Replayer(pep, approver, tools, "chain")
        finally:
            server.communicate("", timeout=60)


def _named(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    return [
        {"suite": each.chain.suite, "user": each.chain.user, "goal": each.chain.attack, "checker": bool(each.succeeded), "effect": each.had_effect}
        for each in outcomes
        if each.succeeded or each.had_effect
    ]  # fmt: skip


def _by_goal(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in outcomes:
        if each.succeeded:
            name = f"{each.chain.suite} {each.chain.attack}"
            counts[name] = counts.get(name, 0) + 1
    return counts
