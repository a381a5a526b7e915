"""What reports said was seen in a session, as salted hashes: the service's own look at where a value came from.

A report's token is `<class>.<type>.<hash>`: t trusted field, i a whole field of foreign text, m inside foreign
text, p a party (sender, participant), c created by an executed call, n named by the request. A token of an argument
or an intent is `<type>.<hash>`. Hashes are salted by the enforcement point; other texts are kept out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["CREATED", "FOREIGN", "MAX_TOKENS", "MENTION", "NAMED", "PARTY", "TRUSTED", "Sightings"]

TRUSTED, ITEM, MENTION, PARTY, CREATED, NAMED = (1 << place for place in range(6))
FOREIGN = ITEM | MENTION
# Of one session; above it nothing can be told from a token that is absent.
MAX_TOKENS: Final = 50_000
_CLASSES: Final = {"t": TRUSTED, "i": ITEM, "m": MENTION, "p": PARTY, "c": CREATED, "n": NAMED}
_TOKEN: Final = re.compile(r"([timpcn])\.([a-z]{1,8}\.[0-9A-Za-z_-]{8,64})")
_NOTHING: Final[Mapping[str, int]] = {}


class Sightings:
    """By session, the classes in which each token was seen: a fold over reports, in whatever order they came."""

    __slots__ = ("_cut", "_seen")

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}
        self._cut: set[str] = set()

    def add(self, session: str, tokens: Iterable[str]) -> None:
        """Take the tokens of one report."""
        seen = self._seen.setdefault(session, {})
        for text in tokens:
            if text == "cut":
                # The enforcement point saw more than it could tell.
                self._cut.add(session)
                continue
            found = _TOKEN.fullmatch(text)
            if found is None:
                continue
            if len(seen) >= MAX_TOKENS and found[2] not in seen:
                self._cut.add(session)
                continue
            seen[found[2]] = seen.get(found[2], 0) | _CLASSES[found[1]]

    def forget(self, session: str) -> None:
        """The session is over."""
        self._seen.pop(session, None)
        self._cut.discard(session)

    def of(self, session: str) -> Mapping[str, int]:
        """Classes by `<type>.<hash>`; empty when nobody reported tokens."""
        return self._seen.get(session, _NOTHING)

    def is_whole(self, session: str) -> bool:
        """True when a token that is absent was reported by nobody."""
        return session in self._seen and session not in self._cut
