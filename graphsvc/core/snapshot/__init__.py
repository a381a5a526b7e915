"""A world as bytes, and back: so that a start need not fold the whole log.

The encoding is MessagePack of plain values with a version number: it cannot execute anything, and one of another
version is refused. What the worlds share is written once and referred to by its place: registers, the parties and
targets of actions, requests. A front is written as what changed since the front before it in its chain, and is
built again that way, so that the restored maps share what the original ones shared.
"""

from graphsvc.core.snapshot.read import restore
from graphsvc.core.snapshot.row import FORMAT
from graphsvc.core.snapshot.write import in_steps, snapshot

__all__ = ["FORMAT", "in_steps", "restore", "snapshot"]
