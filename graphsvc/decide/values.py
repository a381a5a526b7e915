"""What is kept of the values that a request carries: all of them, or only those that something reads."""

from __future__ import annotations

import hashlib
import hmac
import weakref
from typing import Literal, TypeAlias

from graphsvc.core.reading import Reads, reads_of
from graphsvc.core.request import AccessRequest
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.trimming import carries_values, is_whole, trimmed
from graphsvc.core.world import World

__all__ = ["StoreValues", "Values"]

StoreValues: TypeAlias = Literal["all", "referenced"]


class Values:
    """Requests as they are judged and kept.

    salt: the store's; None: every value is kept as it is. What is read is worked out once for the rules and the
    conditions of the graph that hold; a request is trimmed before it is judged, so that both see the same.
    """

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt
        self._known: tuple[Ruleset, weakref.ref[World], int, Reads] | None = None

    def kept(self, world: World, request: AccessRequest) -> AccessRequest:
        """The request with markers in the place of values that nothing reads at this place of the log."""
        if self._salt is None or not carries_values(request):
            return request
        review = world.reviews.get(request.review) if request.review is not None else None
        return trimmed(
            request, self._reads(world), self._salt, review.request if review is not None else None
        )

    def digest(self, plain: str, kept: AccessRequest) -> str:
        """What is kept of a request's hash, by which a key is known to be used for the same request again.

        From a plain hash of a request of which not all is kept, a value of few possibilities could be guessed.
        """
        return (
            plain
            if self._salt is None or not carries_values(kept) or is_whole(kept)
            else _keyed(self._salt, plain)
        )

    def is_same(self, kept: str, plain: str) -> bool:
        """True when a kept hash is of the request with this plain one, however it was kept."""
        return kept == plain or (self._salt is not None and kept == _keyed(self._salt, plain))

    def _reads(self, world: World) -> Reads:
        ruleset, questions = world.ruleset, world.rights.questions
        known = self._known
        if (
            known is None
            or known[0] is not ruleset
            or known[1]() is not world
            or known[2] != questions.version
        ):
            reads = reads_of(
                (*ruleset.policies, *ruleset.on_trial),
                questions.conditions,
                questions.keys,
                arguments=bool(ruleset.provenance),
            )
            known = self._known = ruleset, weakref.ref(world), questions.version, reads
        return known[3]


def _keyed(salt: bytes, plain: str) -> str:
    return hmac.new(salt, plain.encode(), hashlib.sha256).hexdigest()
