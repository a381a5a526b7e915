"""Which packs a replay goes by: those given on the command line, else those that the trace holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphsvc.core.policy.document import Policy
from graphsvc.core.record import PolicyPublished
from graphsvc.core.trace import TraceAction, TraceChange, TraceItem, TracePack
from graphsvc.core.world import World

__all__ = ["PackChoice"]


class PackChoice:
    """Leaves the packs of the trace out when others are given.

    given: those in force from the start; None: what the trace holds is in force as it says. quiet:
    nothing is told of packs that do not count.
    """

    def __init__(self, given: Iterable[Policy] | None, *, quiet: bool = False) -> None:
        policies = tuple(given or ())
        self._replaces = given is not None
        self._quiet = quiet
        self._ids = {policy.pack.id for policy in policies}
        self._texts = {(policy.pack.id, policy.source.sha256) for policy in policies}
        self._unproven = False

    def takes(self, item: TraceItem) -> bool:
        """False for packs of the trace that do not count."""
        published = _published(item)
        if published is None:
            return not isinstance(item, TracePack)
        self._unproven = not self._replaces
        return not self._replaces

    def warnings(self, item: TraceItem) -> Iterator[str]:
        """What of the trace's packs does not count although it did when the trace was recorded."""
        pack = item if isinstance(item, TracePack) else _published(item)
        if pack is None or self._quiet or self._is_given(pack):
            return
        named = f"{item.place}: pack: `{pack.pack}` {pack.version}".rstrip()
        if isinstance(pack, TracePack):
            yield f"{named} took effect here, but the trace holds no text of it; give it with --policy"
        elif self._replaces:
            yield f"{named} is left out: the packs of --policy are in force all the time"

    def prove(self, item: TraceItem, world: World) -> None:
        """PolicyError when an action would be judged by packs of the trace that cannot be in force."""
        if self._unproven and isinstance(item, TraceAction):
            # Packs that are published together need not fit one by one, so they are checked here.
            world.publish(())
            self._unproven = False

    def _is_given(self, pack: TracePack | PolicyPublished) -> bool:
        if not pack.sha256:
            return pack.pack in self._ids
        return (pack.pack, pack.sha256) in self._texts


def _published(item: TraceItem) -> PolicyPublished | None:
    if isinstance(item, TraceChange) and isinstance(item.records[-1], PolicyPublished):
        return item.records[-1]
    return None
