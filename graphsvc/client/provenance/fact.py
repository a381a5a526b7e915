"""The fact of a value: the first that holds, from what the request names to what only foreign text held."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from graphsvc.client.provenance.argument import Value
from graphsvc.client.provenance.index import Index, Seen
from graphsvc.client.provenance.mechanism import Mechanism
from graphsvc.client.provenance.request import UserRequest
from graphsvc.client.provenance.token import Token, host_of

__all__ = ["Finder", "Found"]

_HARD = 3
# The request fills a slot for links and accounts itself from a lower level on: whom to write to it may leave open.
_SLOT = {"url": 2, "iban": 2}


class Found(NamedTuple):
    """A value's fact, the designation that it rests on, and what else the service wants to know of it."""

    fact: str
    designation: int
    detail: dict[str, Any]


class Finder:
    """Facts of one chain. created: case-folded values that executed calls created."""

    def __init__(
        self, request: UserRequest, index: Index, created: Collection[str], without: Collection[Mechanism]
    ) -> None:
        self._request = request
        self._index = index
        self._created = created
        self._without = without

    def find(self, value: Value, level: int, subjects: list[str]) -> Found:
        """The fact of a value in a call of a level. subjects: whom the call is about."""
        if self._is_named(value):
            return Found("named_by_intent", 0, {})
        seen = self._index.find(value.text, is_place=value.is_place)
        if seen is None:
            return self._unseen(value)
        mentioned = self._mentioned(value, seen)
        detail: dict[str, Any] = {} if mentioned is None else {"mentioned": mentioned}
        if seen.is_trusted:
            return Found("clean" if mentioned is None else "contested", 0, detail)
        if seen.lowest is None:
            return Found("party" if seen.is_party else "unprovenanced", 0, detail)
        fact = self._foreign(value.token, seen, level, is_place=value.is_place)
        if fact == "from_untrusted":
            return Found(fact, 0, detail)
        if fact == "designated_unique" and self._is_described(value, seen, subjects):
            detail["described"] = True
        return Found(fact, max(seen.designation, 0), detail)

    def fact_of_token(self, token: Token) -> str:
        """The fact of a typed value inside content."""
        if token in self._request.tokens or token.value.casefold() in self._created:
            return "named_by_intent"
        seen = self._index.find_token(token)
        if seen is None:
            return "unprovenanced"
        if seen.is_trusted:
            return "clean"
        if seen.lowest is None:
            return "party" if seen.is_party else "unprovenanced"
        return self._foreign(token, seen, 0)

    def _is_named(self, value: Value) -> bool:
        if self._request.names(value.text, is_place=value.is_place):
            return True
        return Mechanism.creates not in self._without and value.text.casefold() in self._created

    def _unseen(self, value: Value) -> Found:
        # After more was read than was kept, a value that is not found may come from anywhere.
        if self._index.is_cut:
            return Found("from_untrusted", 0, {"mentioned": 0})
        detail: dict[str, Any] = {}
        if value.token is not None and value.token.kind == "url":
            host, has_query = host_of(value.token.value)
            if not has_query and self._request.names(host, is_place=True):
                detail["host_named"] = True
        return Found("unprovenanced", 0, detail)

    def _mentioned(self, value: Value, seen: Seen) -> int | None:
        """The lowest designation of the foreign records whose text speaks of the value, or of an id's record."""
        if Mechanism.contested in self._without:
            return None
        found = seen.mentioned
        if value.role == "target":
            for name in seen.names:
                if not (" " in name.strip() or "." in name) or self._request.names(name):
                    continue
                named = self._index.find(name)
                # One record speaks of itself; two are another one.
                if named is not None and named.mentioned is not None and len(named.mention_in) > 1:
                    found = named.mentioned if found is None else min(found, named.mentioned)
        return found

    def _foreign(self, token: Token | None, seen: Seen, level: int, *, is_place: bool = False) -> str:
        if seen.designation < 1:
            return "from_untrusted"
        if (
            token is not None
            and level >= _SLOT.get(token.kind, _HARD)
            and token.kind in self._request.kinds
            and Mechanism.slot not in self._without
        ):
            # The request fills this place with a value of its own.
            return "from_untrusted"
        if token is None or seen.lowest is None or seen.lowest < 2:
            return "designated"
        # Following a link as it stands tells its owner nothing, so there it is enough that its record has no other.
        is_only = seen.alone_in_record if is_place else seen.all_unique
        if not is_only or seen.is_linked or Mechanism.unique in self._without:
            return "designated_many"
        if token.kind == "url" and Mechanism.follow in self._without:
            return "designated_many"
        return "designated_unique"

    def _is_described(self, value: Value, seen: Seen, subjects: list[str]) -> bool:
        if seen.designation < 3 or any(not self._request.names(subject) for subject in subjects):
            return False
        kind = value.token.kind if value.token is not None else None
        return self._request.describes(list(seen.sentences), kind, subjects)
