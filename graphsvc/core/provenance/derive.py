"""The facts that hold of a value: the caller's, what its token's hash allows, and what the graph knows.

A caller's fact is a claim. The hash of a typed value (an address, a link, an account) tells where reports saw it,
which may show that the claim is too good; whoever judges takes the worse. The graph alone may make a fact better,
for it knows whom the principals know and what they own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from graphsvc.core.provenance.claim import Detail
from graphsvc.core.provenance.fact import DESIGNATED, FACTS, WORST
from graphsvc.core.provenance.sighting import CREATED, FOREIGN, MENTION, NAMED, PARTY, TRUSTED
from graphsvc.core.request import Argument

__all__ = ["facts_of", "with_graph"]

# Values written in words: a hash tells where a whole field equals them, not where text contains them.
_WORDS = "w."


def facts_of(
    argument: Argument, seen: Mapping[str, int], *, whole: bool, named: Collection[str] | None
) -> Iterator[str]:
    """The claimed fact, then every other that its tokens show. A missing or unknown claim is the worst.

    seen: classes by token; whole: what is not in it was not reported. named: tokens of the request, None when the
    chain's intent holds none.
    """
    claimed = argument.fact if argument.fact in FACTS else WORST
    yield claimed
    if claimed == WORST:
        return
    for token in argument.tokens:
        found = _derived(token, claimed, seen, whole=whole, named=named)
        if found is not None and found != claimed:
            yield found


def _derived(
    token: str, claimed: str, seen: Mapping[str, int], *, whole: bool, named: Collection[str] | None
) -> str | None:
    classes = seen.get(token, 0)
    is_typed = not token.startswith(_WORDS)
    if classes & (CREATED | NAMED) or (named is not None and token in named):
        return None
    if claimed == "named_by_intent" and (not is_typed or named is None):
        return None
    if classes & TRUSTED:
        return "contested" if classes & MENTION else "clean"
    if classes & FOREIGN:
        # Whether the request points at that place is for the client to say; hashes cannot tell.
        return claimed if claimed in DESIGNATED or claimed == "contested" else WORST
    if classes & PARTY:
        return "party"
    return "unprovenanced" if is_typed and whole else None


def with_graph(fact: str, detail: Detail, level: int, *, mentioned_in_text: bool) -> str:
    """The fact of a value that the graph knows: good, unless foreign text speaks of it.

    Speaking of it is no harm where the request points at every such record and the effect can be undone.
    """
    if fact == "named_by_intent":
        return fact
    mentioned = detail.mentioned
    unsaid = not detail.is_said and (fact in DESIGNATED or fact == WORST)
    if mentioned is None and (mentioned_in_text or unsaid or fact == "contested"):
        mentioned = 0
    if mentioned is None or (mentioned >= 2 and level <= 2):
        return "clean"
    return "contested"
