"""What a log folds to whose oldest records were cut off: the one snapshot that is not a copy of what the log says.

It carries no version of graphsvc: any version that knows the snapshot's format reads it. One that does not needs the
archives, from which `graphsvc restore` makes the whole log again.
"""

from __future__ import annotations

import zlib

from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.world import World
from graphsvc.decide.ports import Base
from graphsvc.errors import BadInput, StoreError

__all__ = ["state_of", "world_of"]


def state_of(world: World) -> bytes:
    """The world as the state of a base."""
    return zlib.compress(snapshot(world), 6)


def world_of(base: Base) -> World:
    """The world of a base; StoreError when this version cannot read it."""
    try:
        world = restore(zlib.decompress(base.state))
        if world.seq != base.seq:
            raise BadInput(f"it holds a world at {world.seq}", field="state")
    except (zlib.error, BadInput) as error:
        raise StoreError(
            f"records 1 to {base.seq} were cut off, and what is kept of them cannot be read ({error}); make the store again "
            "with `graphsvc backup` and `graphsvc restore ARCHIVE... BACKUP`"
        ) from error
    return world
