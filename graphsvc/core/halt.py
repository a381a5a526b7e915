"""The kill switch beyond identities: chains, sessions, actions and patterns that were suspended."""

from __future__ import annotations

from graphsvc.core.glob import matches
from graphsvc.core.verdict import Reason, ReasonCode, Verdict

__all__ = ["HALTED_KINDS", "Halts"]

HALTED_KINDS = ("chain", "session", "action", "pattern")


class Halts:
    """Suspensions by kind and name; changed only by folding records. Times are Unix milliseconds, None: no end."""

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, int | None]] = {}

    def __bool__(self) -> bool:
        return bool(self.by_kind)

    def add(self, kind: str, name: str, until_ms: int | None) -> None:
        """A suspension begins; a later one of the same replaces it."""
        self.by_kind.setdefault(kind, {})[name] = until_ms

    def remove(self, kind: str, name: str) -> None:
        """A suspension ends; unknown ones are no error."""
        held = self.by_kind.get(kind)
        if held is not None:
            held.pop(name, None)
            if not held:
                del self.by_kind[kind]

    def holds(self, kind: str, name: str, at_ms: int) -> bool:
        """True while one lasts. An action is halted by any glob that matches it."""
        held = self.by_kind.get(kind)
        if not held:
            return False
        if kind != "action":
            return name in held and _lasts(held[name], at_ms)
        return any(_lasts(until_ms, at_ms) and matches(glob, name) for glob, until_ms in held.items())

    def reasons(self, action: str, session: str, chains: tuple[str, ...], at_ms: int) -> list[Reason]:
        """Why an action is stopped. chains: its own and all those it was spawned from: what a task started stops with it."""
        if not self.by_kind:
            return []
        found = [
            Reason(ReasonCode.chain_closed, f"chain `{chain}` is suspended", Verdict.DENY, f"chain:{chain}")
            for chain in chains
            if self.holds("chain", chain, at_ms)
        ]
        if self.holds("session", session, at_ms):
            told = f"session `{session}` is suspended"
            found.append(Reason(ReasonCode.chain_closed, told, Verdict.DENY, f"session:{session}"))
        if self.holds("action", action, at_ms):
            told = f"the action `{action}` is suspended for everybody"
            found.append(Reason(ReasonCode.denied_explicitly, told, Verdict.DENY, f"action:{action}"))
        return found


def _lasts(until_ms: int | None, at_ms: int) -> bool:
    return until_ms is None or at_ms < until_ms
