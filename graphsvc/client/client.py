"""The asynchronous client: asks, and takes no answer for DENY."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from graphsvc.client import document
from graphsvc.client.answer import as_kind, checked, decision_of, fail_closed
from graphsvc.client.asking import GrantAsking
from graphsvc.client.batch import Batcher
from graphsvc.client.calling import next_cursor
from graphsvc.client.error import Unreachable
from graphsvc.client.governing import Governing, policy_files
from graphsvc.client.registering import Registering
from graphsvc.client.result import (
    Acknowledged,
    Chain,
    ChainPage,
    Decision,
    DecisionEvent,
    DecisionPage,
    Evaluation,
    Gap,
    Granted,
    Review,
    ReviewPage,
    Revoked,
)  # fmt: skip
from graphsvc.client.transport import Transport, new_key, pause
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["Client"]

# The service answers within the deadline; this is for the way there and back.
_WAY_S = 0.25


class Client(GrantAsking, Governing, Registering):
    """A client of one service, used in `async with`.

    token: from `graphsvc token`; None only where authentication is off. uds: a Unix socket beside the
    service, faster than a port. deadline_ms: time for a decision, past which it is DENY; timeout_s:
    time for any other call, past which it is Unreachable. retries: further attempts of a decision or
    an idempotent read when the connection is lost, always with the same idempotency key. lanes: calls of
    `decide` on their way at once, above which they gather and travel together; 0 = each travels alone.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        token: str | None = None,
        *,
        uds: Path | None = None,
        deadline_ms: int = 5_000,
        timeout_s: float = 30.0,
        retries: int = 2,
        lanes: int = 2,
    ) -> None:
        self._transport = Transport(url, token, uds=uds)
        self._batcher = Batcher(self._one, self._many, lanes=lanes) if lanes else None
        self._deadline_ms = deadline_ms
        self._timeout_s = timeout_s
        self._retries = retries

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._batcher is not None:
            await self._batcher.close()
        await self._transport.__aexit__(kind, error, trace)

    async def decide(self, request: Mapping[str, Any]) -> Decision:
        """May this happen? `request` is a DecideInput as JSON; a missing `idempotencyKey` is made up.

        Never raises for an unreachable or slow service: the answer is then DENY and says so. BadInput,
        NotAllowed and Conflict are the caller's own mistakes.
        """
        wanted = self._prepared(request)
        if self._batcher is None:
            return await self._one(wanted)
        deadline_ms = int(wanted["deadlineMs"])
        try:
            # The time spent waiting for others is part of the deadline.
            async with asyncio.timeout(deadline_ms / 1000 + _WAY_S):
                return await self._batcher.ask(wanted)
        except TimeoutError as error:
            return fail_closed(error, deadline_ms)

    async def decide_many(self, requests: Sequence[Mapping[str, Any]]) -> list[Decision | GraphsvcError]:
        """Up to 200 in order, each judged after the ones before it; a refused one is its error."""
        return await self._many([self._prepared(request) for request in requests])

    async def evaluate(self, request: Mapping[str, Any]) -> Evaluation:
        """What decide would answer now; changes nothing."""
        wanted = {"idempotencyKey": "evaluate", **request}
        return as_kind(Evaluation, await self._read(document.EVALUATE, {"v": wanted}))

    async def report(
        self,
        decision: str,
        outcome: str = "SUCCESS",
        *,
        labels: Sequence[str] = (),
        tokens: Sequence[str] = (),
    ) -> Acknowledged:
        """What came of a permitted action: SUCCESS, FAILURE or UNKNOWN. Told again when the connection is lost."""
        given = {"decision": decision, "outcome": outcome, "labels": list(labels), "tokens": list(tokens)}
        # Twice the same report says no more than once.
        return as_kind(Acknowledged, checked(await self._read(document.REPORT, {"v": given})))

    async def cancel_decision(self, decision: str) -> Acknowledged:
        """A permitted action did not happen."""
        return as_kind(Acknowledged, await self._call(document.CANCEL, {"v": decision}))

    async def open_chain(
        self, chain: str, *, session: str | None = None, parent_chain: str | None = None,
        shared_with: Sequence[str] = (), intent: Mapping[str, Any] | None = None,
    ) -> Acknowledged:  # fmt: skip
        """Open a chain before its first action."""
        given = {
            "id": chain,
            "session": session,
            "parentChain": parent_chain,
            "sharedWith": list(shared_with),
            "intent": intent,
        }
        return as_kind(Acknowledged, await self._call(document.OPEN_CHAIN, {"v": given}))

    async def close_chain(self, chain: str) -> Acknowledged:
        """The chain takes no further action."""
        return as_kind(Acknowledged, await self._call(document.CLOSE_CHAIN, {"v": chain}))

    async def grant(
        self, identity: str, *, actions: Sequence[str], resources: Sequence[str], expires_at: str, purpose: str,
        not_before: str | None = None, uses: int | None = None, chain: str | None = None, session: str | None = None,
    ) -> Granted:  # fmt: skip
        """Give rights for a while; times are RFC 3339."""
        given = {
            "identity": identity,
            "actions": list(actions),
            "resources": list(resources),
            "expiresAt": expires_at,
            "purpose": purpose,
            "notBefore": not_before,
            "uses": uses,
            "chain": chain,
            "session": session,
        }
        return as_kind(Granted, await self._call(document.GRANT, {"v": given}))

    async def revoke_grant(self, grant: str, reason: str) -> Revoked:
        """End a grant; once this returns nobody is permitted by it."""
        return as_kind(Revoked, await self._call(document.REVOKE, {"v": grant, "reason": reason}))

    async def review(self, review: str) -> Review | None:
        """A human review as it is now, None when there is none that the caller may see."""
        found = await self._read(document.REVIEW, {"v": review})
        return None if found is None else as_kind(Review, found)

    async def approve_review(
        self,
        review: str,
        reason: str,
        *,
        expires_at: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Review:
        """Let an escalated request through once, or count towards its `quorum`; not for whoever took part in it.

        expires_at: use it before then. properties: of the action, narrower than was asked.
        """
        scope = {"expiresAt": expires_at, "properties": properties}
        given = {"v": review, "reason": reason, "scope": scope}
        return as_kind(Review, await self._call(document.APPROVE_REVIEW, given))

    async def reject_review(self, review: str, reason: str) -> Review:
        """Refuse an escalated request."""
        return as_kind(Review, await self._call(document.REJECT_REVIEW, {"v": review, "reason": reason}))

    async def withdraw_review(self, review: str, reason: str) -> Review:
        """Nobody waits for the answer any more."""
        return as_kind(Review, await self._call(document.WITHDRAW_REVIEW, {"v": review, "reason": reason}))

    async def reviews(
        self, *, first: int = 50, after: str | None = None, status: str | None = None
    ) -> ReviewPage:
        """Reviews, newest first. status: OPEN, APPROVED, REJECTED, USED, EXPIRED or WITHDRAWN."""
        wanted = {"status": status} if status is not None else None
        value = await self._read(document.REVIEWS, {"first": first, "after": after, "filter": wanted})
        return ReviewPage(
            reviews=[as_kind(Review, edge["node"]) for edge in value["edges"]], cursor=next_cursor(value)
        )

    async def send_signal(
        self, identity: str, *, weight: float, half_life: str, cause: str, chain: str | None = None
    ) -> Acknowledged:
        """Warn about an identity: its risk rises, and fades by half every `half_life` (such as 1h)."""
        given = {
            "identity": identity,
            "weight": weight,
            "halfLife": half_life,
            "cause": cause,
            "chain": chain,
        }
        return as_kind(Acknowledged, await self._call(document.SEND_SIGNAL, {"v": given}))

    async def suspend(
        self, target: str, reason: str, *, until: str | None = None, kind: str = "identity"
    ) -> Acknowledged:
        """Stop something. kind: identity, chain, session, action (a glob) or pattern."""
        given = {"kind": kind, "id": target, "reason": reason, "until": until}
        return as_kind(Acknowledged, await self._call(document.SUSPEND, {"v": given}))

    async def reinstate(self, target: str, *, kind: str = "identity") -> Acknowledged:
        """End a suspension."""
        return as_kind(Acknowledged, await self._call(document.REINSTATE, {"v": target, "kind": kind}))

    async def declare_intent(self, chain: str, intent: Mapping[str, Any]) -> Acknowledged:
        """Say what a chain is for from now on: `actions`, `resources`, `effects` (globs) and `text`."""
        return as_kind(
            Acknowledged, await self._call(document.DECLARE_INTENT, {"v": {"chain": chain, "intent": intent}})
        )

    async def publish_policy(self, *texts: str | tuple[str, str], comment: str = "") -> Acknowledged:
        """Put packs into force, all or none; each a YAML text or (text, file name)."""
        given = {"files": policy_files(texts), "comment": comment}
        return as_kind(Acknowledged, await self._call(document.PUBLISH, {"v": given}))

    async def rollback_policy(
        self, pack: str, *, version: str | None = None, comment: str = ""
    ) -> Acknowledged:
        """Put an earlier text of a pack into force again: of a version, else the one before."""
        given = {"pack": pack, "version": version, "comment": comment}
        return as_kind(Acknowledged, await self._call(document.ROLLBACK, {"v": given}))

    async def upsert_graph(
        self, source: str, records: Sequence[Mapping[str, Any]], *, replace: bool = False
    ) -> Acknowledged:
        """Facts of one source, `{"node": ...}` or `{"edge": ...}` each, become visible at once."""
        given = {"source": source, "records": list(records), "replace": replace}
        return as_kind(Acknowledged, await self._call(document.UPSERT, {"v": given}))

    async def remove_source(self, source: str) -> Acknowledged:
        """All facts of a source are gone."""
        return as_kind(Acknowledged, await self._call(document.REMOVE_SOURCE, {"v": source}))

    async def decision(self, decision: str) -> Decision | None:
        """One decision, None when there is none or it is somebody else's."""
        value = await self._read(document.DECISION, {"v": decision})
        return None if value is None else as_kind(Decision, value)

    async def decisions(
        self,
        *,
        first: int = 50,
        after: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> DecisionPage:
        """A page of decisions, newest first."""
        value = await self._read(document.DECISIONS, {"first": first, "after": after, "filter": filter})
        nodes = [as_kind(Decision, edge["node"]) for edge in value["edges"]]
        return DecisionPage(decisions=nodes, cursor=next_cursor(value))

    async def chain(self, chain: str) -> Chain | None:
        """One chain, None when there is none or it is somebody else's."""
        value = await self._read(document.CHAIN, {"v": chain})
        return None if value is None else as_kind(Chain, value)

    async def chains(
        self,
        *,
        first: int = 50,
        after: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> ChainPage:
        """A page of chains, newest first."""
        value = await self._read(document.CHAINS, {"first": first, "after": after, "filter": filter})
        nodes = [as_kind(Chain, edge["node"]) for edge in value["edges"]]
        return ChainPage(chains=nodes, cursor=next_cursor(value))

    async def subscribe(
        self,
        *,
        after: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> AsyncGenerator[DecisionEvent | Gap, None]:
        """Decisions as they become durable. A lost socket is opened again behind the last event seen.

        Before the first event, and with no `after`, a lost socket is Unreachable: nothing says where to
        go on. Close the generator to end the subscription.
        """
        cursor, attempt = after, 0
        while True:
            variables = {"after": cursor, "filter": filter}
            try:
                async with aclosing(self._transport.stream(document.SUBSCRIBE, variables)) as items:
                    async for item in items:
                        attempt = 0
                        event: DecisionEvent | Gap = (
                            as_kind(Gap, item)
                            if item["__typename"] == "Gap"
                            else as_kind(DecisionEvent, item)
                        )
                        cursor = event.cursor
                        yield event
                return
            except Unreachable:
                attempt += 1
                if cursor is None or attempt > self._retries:
                    raise
                await pause(attempt)

    async def _one(self, wanted: dict[str, Any]) -> Decision:
        deadline_ms = int(wanted["deadlineMs"])
        try:
            value = await self._asked(document.DECIDE, {"v": wanted}, deadline_ms)
        except (Unreachable, TimeoutError) as error:
            return fail_closed(error, deadline_ms)
        return decision_of(value)

    async def _many(self, wanted: Sequence[dict[str, Any]]) -> list[Decision | GraphsvcError]:
        deadline_ms = max((int(one["deadlineMs"]) for one in wanted), default=self._deadline_ms)
        try:
            values = await self._asked(document.DECIDE_MANY, {"v": wanted}, deadline_ms)
        except (Unreachable, TimeoutError) as error:
            return [fail_closed(error, deadline_ms) for _ in wanted]
        results: list[Decision | GraphsvcError] = []
        for value in values:
            try:
                results.append(decision_of(value))
            except GraphsvcError as error:
                results.append(error)
        return results

    def _prepared(self, request: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {"idempotencyKey": new_key(), "deadlineMs": self._deadline_ms, **request}
        if not isinstance(wanted["deadlineMs"], int):
            raise BadInput("deadlineMs: must be a number of milliseconds", field="deadlineMs")
        return wanted

    async def _asked(self, text: str, variables: Mapping[str, Any], deadline_ms: int) -> Any:
        timeout_s = deadline_ms / 1000 + _WAY_S
        async with asyncio.timeout(timeout_s):
            return await self._again(text, variables, timeout_s)

    async def _read(self, text: str, variables: Mapping[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._again(text, variables, self._timeout_s)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout_s:g} s") from None

    async def _again(self, text: str, variables: Mapping[str, Any], timeout_s: float) -> Any:
        for attempt in range(1, self._retries + 1):
            try:
                return await self._transport.call(text, variables, timeout_s=timeout_s)
            except Unreachable:
                await pause(attempt)
        return await self._transport.call(text, variables, timeout_s=timeout_s)

    async def _call(self, text: str, variables: Mapping[str, Any]) -> Any:
        # Not repeated: these calls carry no idempotency key.
        try:
            value = await self._transport.call(text, variables, timeout_s=self._timeout_s)
        except TimeoutError:
            raise Unreachable(
                f"no answer within {self._timeout_s:g} s; whether it took effect is unknown"
            ) from None
        return checked(value)
