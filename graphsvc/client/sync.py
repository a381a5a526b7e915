"""The synchronous client: the same questions and answers for code without an event loop.

Every thread has a connection of its own, kept open, over TCP or a Unix socket.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from graphsvc.client import document
from graphsvc.client.answer import as_kind, checked, decision_of, fail_closed
from graphsvc.client.error import Unreachable
from graphsvc.client.result import Acknowledged, Decision, Evaluation, Review
from graphsvc.client.transport import encoded, new_key, value_of, wait_s
from graphsvc.client.wire import Wire
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["SyncClient"]

# The service answers within the deadline; this is for the way there and back.
_WAY_S = 0.25


class SyncClient:
    """A client of one service, used in `with`; threads may share it. The arguments are those of `Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        token: str | None = None,
        *,
        uds: Path | None = None,
        deadline_ms: int = 5_000,
        timeout_s: float = 30.0,
        retries: int = 2,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadInput(f"url: `{url}` is no URL; write one such as http://127.0.0.1:8080", field="url")
        self._where = f"`{uds}`" if uds is not None else f"`{url.rstrip('/')}/graphql`"
        self._is_tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._is_tls else 80)
        self._uds = uds
        if token is not None and not token.isprintable():
            raise BadInput("token: must be one line of text", field="token")
        authorization = f"Authorization: Bearer {token}\r\n" if token is not None else ""
        named = "localhost" if uds is not None else parts.netloc.rpartition("@")[2]
        self._head = (
            f"POST {parts.path.rstrip('/')}/graphql HTTP/1.1\r\nHost: {named}\r\n{authorization}"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._deadline_ms = deadline_ms
        self._timeout_s = timeout_s
        self._retries = retries
        self._local = threading.local()
        self._opened: list[Wire] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def decide(self, request: Mapping[str, Any]) -> Decision:
        """May this happen? Never raises for an unreachable or slow service: the answer is then DENY and says so."""
        wanted = self._prepared(request)
        deadline_ms = int(wanted["deadlineMs"])
        try:
            return decision_of(self._again(document.DECIDE, {"v": wanted}, deadline_ms / 1000 + _WAY_S))
        except (Unreachable, TimeoutError) as error:
            return fail_closed(error, deadline_ms)

    def decide_many(self, requests: Sequence[Mapping[str, Any]]) -> list[Decision | GraphsvcError]:
        """Up to 200 in order, each judged after the ones before it; a refused one is its error."""
        wanted = [self._prepared(request) for request in requests]
        deadline_ms = max((int(one["deadlineMs"]) for one in wanted), default=self._deadline_ms)
        try:
            values = self._again(document.DECIDE_MANY, {"v": wanted}, deadline_ms / 1000 + _WAY_S)
        except (Unreachable, TimeoutError) as error:
            return [fail_closed(error, deadline_ms) for _ in wanted]
        results: list[Decision | GraphsvcError] = []
        for value in values:
            try:
                results.append(decision_of(value))
            except GraphsvcError as error:
                results.append(error)
        return results

    def evaluate(self, request: Mapping[str, Any]) -> Evaluation:
        """What decide would answer now; changes nothing."""
        wanted = {"idempotencyKey": "evaluate", **request}
        return as_kind(Evaluation, self._read(document.EVALUATE, {"v": wanted}))

    def report(
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
        return as_kind(Acknowledged, checked(self._read(document.REPORT, {"v": given})))

    def cancel_decision(self, decision: str) -> Acknowledged:
        """A permitted action did not happen."""
        return as_kind(Acknowledged, self._call(document.CANCEL, {"v": decision}))

    def open_chain(
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
        return as_kind(Acknowledged, self._call(document.OPEN_CHAIN, {"v": given}))

    def close_chain(self, chain: str) -> Acknowledged:
        """The chain takes no further action."""
        return as_kind(Acknowledged, self._call(document.CLOSE_CHAIN, {"v": chain}))

    def review(self, review: str) -> Review | None:
        """A human review as it is now, None when there is none that the caller may see."""
        found = self._read(document.REVIEW, {"v": review})
        return None if found is None else as_kind(Review, found)

    # -- inside ----------------------------------------------------------------------------------

    def _prepared(self, request: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {"idempotencyKey": new_key(), "deadlineMs": self._deadline_ms, **request}
        if not isinstance(wanted["deadlineMs"], int):
            raise BadInput("deadlineMs: must be a number of milliseconds", field="deadlineMs")
        return wanted

    def _read(self, text: str, variables: Mapping[str, Any]) -> Any:
        try:
            return self._again(text, variables, self._timeout_s)
        except TimeoutError:
            raise Unreachable(f"no answer within {self._timeout_s:g} s") from None

    def _call(self, text: str, variables: Mapping[str, Any]) -> Any:
        # Not repeated: these calls carry no idempotency key.
        try:
            return checked(self._once(encoded(text, variables), time.monotonic() + self._timeout_s))
        except TimeoutError:
            raise Unreachable(
                f"no answer within {self._timeout_s:g} s; whether it took effect is unknown"
            ) from None

    def _again(self, text: str, variables: Mapping[str, Any], timeout_s: float) -> Any:
        body, ends_s = encoded(text, variables), time.monotonic() + timeout_s
        for attempt in range(1, self._retries + 1):
            try:
                return self._once(body, ends_s)
            except Unreachable:
                if time.monotonic() + wait_s(attempt) >= ends_s:
                    raise
                time.sleep(wait_s(attempt))
        return self._once(body, ends_s)

    def _once(self, body: bytes, ends_s: float) -> Any:
        left_s = ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        wire = self._wire()
        try:
            status, raw = wire.exchange(b"%b%d\r\n\r\n%b" % (self._head, len(body), body), left_s)
        except TimeoutError:
            wire.close()
            raise
        except OSError as error:
            # Half an answer may lie in the connection: the next call takes a new one.
            wire.close()
            raise Unreachable(
                f"{self._where} does not answer ({error}); is `graphsvc serve` running there?"
            ) from error
        return value_of(status, raw, self._where)

    def _wire(self) -> Wire:
        held: Wire | None = getattr(self._local, "wire", None)
        if held is None:
            held = Wire(self._host, self._port, is_tls=self._is_tls, uds=self._uds)
            self._local.wire = held
            self._opened.append(held)
        return held
