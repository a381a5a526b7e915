"""The sample company behind a real server of this process: what `graphsvc demo` and `graphsvc tour` play on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.client import Client, Decision
    from graphsvc.client.transport import Transport
    from graphsvc.packs.sample import Ask, GiveRight, TakeRight

__all__ = ["Row", "Stage", "changed", "staged"]

Row = dict[str, Json]


@dataclass
class Stage:
    """A service that holds the sample company, its packs in force.

    you: whoever sits before it, every role but that of an enforcement point; gateway: the enforcement point.
    token_of: makes a token of a subject with roles.
    """

    url: str
    you: Client
    gateway: Client
    wire: Transport
    token: str
    token_of: Callable[[str, list[str]], str]

    def page(self, view: str = "") -> str:
        """A page of the dashboard, with the token filled in: a fragment, which no browser sends anywhere."""
        return f"{self.url}/#/login/{self.token}{'/' if view else ''}{quote(view, safe='')}"

    async def query(self, text: str, **variables: Json) -> Any:
        """What a document of ours answers, as JSON."""
        return await self.wire.call(text, variables, timeout_s=30)

    async def ask(self, step: Ask, **more: Json) -> tuple[Row, Decision]:
        """Have one step decided; its row says whether the answer is the expected one."""
        decision = await self.gateway.decide({**_input(step), **more})
        return _row(step, decision), decision

    async def give(self, step: GiveRight) -> tuple[Row, str]:
        """Grant; the row and the id of the grant."""
        granted = await self.you.grant(
            step.identity,
            actions=list(step.actions),
            resources=list(step.resources),
            expires_at=_in(step.minutes),
            purpose=step.purpose,
        )
        row = changed(step.identity, f"is granted {', '.join(step.actions)}", f"for {step.minutes} min")
        return row, granted.grant.id

    async def take(self, step: TakeRight, grant: str) -> Row:
        """Revoke."""
        await self.you.revoke_grant(grant, step.reason)
        return changed(step.name, "is revoked", step.reason)


@asynccontextmanager
async def staged(folder: Path, *, port: int = 0) -> AsyncIterator[Stage]:
    """The company in a store inside `folder`, served on 127.0.0.1; AddressInUse where the port is taken."""
    from graphsvc.api.auth import issue_token, local_key
    from graphsvc.api.server import running
    from graphsvc.client import Client
    from graphsvc.client.transport import Transport
    from graphsvc.config import load_settings
    from graphsvc.core.graph import to_records
    from graphsvc.importers.graph_jsonl import read
    from graphsvc.packs import PACKS, pack_file, pack_text
    from graphsvc.packs.sample import estate_text
    from graphsvc.wiring import build_app, open_service

    # Nothing of the environment's: neither another store nor somebody else's issuer.
    settings = load_settings(
        environ={}, secrets_dir=folder / "none",
        store=f"sqlite:///{folder / 'sample.db'}", state_dir=folder / "state", auth="on",
    )  # fmt: skip
    key = local_key(settings.state)

    def token_of(subject: str, roles: list[str]) -> str:
        return issue_token(key, subject=subject, roles=roles, ttl_s=12 * 3600)

    token = token_of("you", ["admin", "analyst", "approver", "auditor"])
    async with (
        open_service(settings) as service,
        running(build_app(service, settings), port=port) as url,
        Client(url, token) as you,
        Client(url, token_of("gateway", ["pep"])) as gateway,
        Transport(url, token) as wire,
    ):
        estate = read(estate_text(), "estate.jsonl")
        await you.upsert_graph("sample", to_records(estate.nodes, estate.edges))
        await you.publish_policy(*((pack_text(name), pack_file(name)) for name in PACKS), comment="sample")
        yield Stage(url, you, gateway, wire, token, token_of)


def _input(step: Ask) -> dict[str, Json]:
    """A step as a DecideInput."""
    return {
        "idempotencyKey": str(uuid4()),
        "chain": step.chain,
        "subject": {"type": step.subject.type, "id": step.subject.id},
        "onBehalfOf": [{"type": each.type, "id": each.id} for each in step.delegators],
        "action": {"name": step.action, "properties": step.properties},
        "resource": {"type": step.resource.type, "id": step.resource.id},
    }


def _row(step: Ask, decision: Decision) -> Row:
    completed = sorted(completion.pattern.id for completion in decision.completions)
    codes = {str(reason.code) for reason in decision.reasons}
    expected = (
        str(decision.verdict) == step.expect
        and completed == sorted(step.completes)
        and codes >= set(step.reasons)
    )
    why = [completion.explanation for completion in decision.completions]
    if not why:
        why = [reason.message for reason in decision.reasons]
    who = " for ".join([step.subject.id, *(each.id for each in step.delegators)])
    note = f" ({step.note})" if step.note else ""
    return {
        "who": who,
        "action": f"{step.action} {step.resource.type}:{step.resource.id}{note}",
        "verdict": str(decision.verdict),
        "completed path": "; ".join(why),
        "pattern": ", ".join(completed),
        "as expected": expected,
    }


def changed(who: str, what: str, why: str) -> Row:
    """The row of a step that is no question."""
    row: Mapping[str, Json] = {"verdict": "", "completed path": "", "pattern": "", "as expected": True}
    return {"who": who, "action": f"{what} ({why})", **row}


def _in(minutes: int) -> str:
    from graphsvc.core.value import format_time
    from graphsvc.wiring import now_ms

    return format_time(now_ms() + minutes * 60_000)
