"""What is agreed about findings: entries of a file and of the service's register, and which of them hold for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from graphsvc.core.glob import matcher
from graphsvc.core.governing import FindingRegistered

__all__ = ["Agreed", "Entry", "stored_entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is agreed about findings of some patterns on some identities (globs).

    accepted_until: the risk is accepted up to and including that day. due: by when it is to be gone. ids: of the entries of
    the service's register that it is made of, none for one of a file.
    """

    pattern: str = "*"
    identity: str = "*"
    fingerprint: str | None = None
    owner: str = ""
    due: date | None = None
    accepted_until: date | None = None
    accepted_by: str = ""
    reason: str = ""
    ids: tuple[str, ...] = ()

    def accepts(self, today: date) -> bool:
        """Whether somebody answers for the risk today."""
        return self.accepted_until is not None and today <= self.accepted_until


def stored_entries(records: Iterable[FindingRegistered]) -> list[Entry]:
    """Entries of the service's register, in the order given: the newest first counts first."""
    return [
        Entry(
            pattern=each.pattern,
            identity=each.identity,
            fingerprint=each.fingerprint,
            owner=each.owner,
            due=each.due,
            accepted_until=each.accepted_until,
            accepted_by=each.by if each.accepted_until is not None else "",
            reason=each.reason,
            ids=(each.id,),
        )
        for each in records
    ]


class Agreed:
    """Entries in layers, the first of each that fits counts: a file's, then accepted risks and owners of the register.

    What an earlier layer leaves open is taken from a later one. A risk that is accepted today goes before one whose day
    is over.
    """

    def __init__(self, file: Sequence[Entry], stored: Sequence[Entry], today: date) -> None:
        self._today = today
        risks = [each for each in stored if each.accepted_until is not None]
        risks.sort(key=lambda each: not each.accepts(today))
        owners = [each for each in stored if each.accepted_until is None]
        self._layers = [layer for layer in (list(file), risks, owners) if layer]

    def about(self, pattern: str, identity: str, fingerprint: str) -> Entry | None:
        """What is agreed about one identity's finding, None when nothing is."""
        fitting = []
        for layer in self._layers:
            first = next((each for each in layer if _fits(each, pattern, identity, fingerprint)), None)
            if first is not None:
                fitting.append(first)
        return self._merged(fitting) if fitting else None

    def _merged(self, fitting: list[Entry]) -> Entry:
        first = fitting[0]
        if len(fitting) == 1:
            return first
        risks = [each for each in fitting if each.accepted_until is not None]
        risk = min(risks, key=lambda each: not each.accepts(self._today), default=first)
        return replace(
            first,
            owner=next((each.owner for each in fitting if each.owner), ""),
            due=next((each.due for each in fitting if each.due is not None), None),
            accepted_until=risk.accepted_until,
            accepted_by=risk.accepted_by,
            reason=risk.reason or first.reason,
            ids=tuple(name for each in fitting for name in each.ids),
        )


def _fits(entry: Entry, pattern: str, identity: str, fingerprint: str) -> bool:
    return (
        entry.fingerprint in (None, fingerprint)
        and matcher([entry.pattern])(pattern)
        and matcher([entry.identity])(identity)
    )
