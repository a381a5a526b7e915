"""Where every chain and every pattern instance stands: one flat mapping of immutable values.

Theory of operation. Everything the engine remembers of history lives in one dict. A judgement reads
it through `get` and returns what it would write as a delta; whoever owns the dict merges the delta
once the decision is durable. A batch is judged on an `Overlay`, which collects deltas above the dict
and is thrown away when the commit fails. Nothing is ever changed in place, so an older state is a
reference to an older value, and growing histories share what they have in common (`immutables.Map`).

Keys say what they hold:
  ("c", chain) -> ChainState           ("e", action) -> Happened
  "s:<session>", "p:<principal>" -> Scope      DATA_SCOPE -> Scope of the patterns that follow data
  "r:<type>:<id>" -> Store             "u:<pattern>" -> guards of everybody's, (guard, key) -> times by root
Values are msgspec structs: a frozen dataclass of ten fields takes three microseconds to build, which is
most of what a decision may cost. Registers of happened-before and flow patterns belong to a place, not
to a scope: they are the `Front` of a chain and of each of its actions.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol, TypeAlias

import msgspec
from immutables import Map

from graphsvc.core.event import Event
from graphsvc.core.value import Json

__all__ = [
    "DATA_SCOPE",
    "EMPTY",
    "NOWHERE",
    "UNKNOWN_INPUTS",
    "Cells",
    "ChainState",
    "Delta",
    "Front",
    "Happened",
    "Inputs",
    "Level",
    "Overlay",
    "Register",
    "Registers",
    "Scope",
    "Slot",
    "StateView",
    "Store",
]

# A slot is the number of a step (guard, counter ...) in a rule set; with a key, (number, *key values).
Slot: TypeAlias = int | tuple[int | str | None, ...]
DATA_SCOPE = "d:"


class Register(msgspec.Struct, frozen=True, gc=False):
    """The best match of a step's subtree: the one whose earliest event is latest.

    start_ms: time of its earliest event. action: the event of the step itself. children: the
    registers its earlier steps were taken from, so the whole match can be told without a search.
    epoch: how many resets its edge had seen (rule R16); one of an older epoch is dead.
    uses: the events it holds for steps that must differ (rule R13); spares: further registers, each the
    best that avoids some events, and room: how many events the steps outside may forbid.
    """

    start_ms: int
    action: str
    step: int
    children: tuple[Register, ...] = ()
    epoch: int = 0
    uses: tuple[str, ...] = ()
    spares: tuple[Register, ...] = ()
    room: int = 0


Registers: TypeAlias = Map[Slot, Register]
Cells: TypeAlias = Map[Slot, object]
EMPTY: Map[Slot, Register] = Map()


class Front(msgspec.Struct, frozen=True, gc=False):
    """What lies before the next action at a place, as registers by slot.

    causal, flow: of patterns that stay in the session, along happened-before and along declared
    inputs. causal_data, flow_data: of patterns that follow data through stores (rule R23).
    reached: bits of the steps with a causal register, of the patterns whose steps have bits.
    """

    causal: Registers = EMPTY
    flow: Registers = EMPTY
    causal_data: Registers = EMPTY
    flow_data: Registers = EMPTY
    reached: int = 0


NOWHERE = Front()


class ChainState(msgspec.Struct, frozen=True, gc=False):
    """A chain: its session, how many actions it has seen, and what lies before its next action."""

    session: str
    index: int = 0
    front: Front = NOWHERE
    last_action: str | None = None
    parent: str | None = None
    spawned_from: str | None = None  # the parent's last action when this chain began
    closed: bool = False
    owner: str = ""
    shared_with: tuple[str, ...] = ()
    opened_ms: int = 0
    intent: Mapping[str, Json] | None = None
    used: bool = False  # an action or opening named it; False: only mentioned as a parent


class Inputs(msgspec.Struct, frozen=True, gc=False):
    """What flowed into an action, found when it was judged first: a later cancel does not reopen it.

    fed: the declared parents that counted. known: they are all there is (rules R6, R7).
    """

    fed: tuple[str, ...] = ()
    known: bool = False


UNKNOWN_INPUTS = Inputs()


class Happened(msgspec.Struct, frozen=True, gc=False):
    """An action that has its place in the orders. in_history: permitted and not taken back.

    front: the registers after it. scopes: its session and principals, as cells. reported: labels learned
    from its result (rule R11).
    """

    seq: int
    event: Event
    in_history: bool
    scopes: tuple[str, ...]
    front: Front = NOWHERE
    inputs: Inputs = UNKNOWN_INPUTS
    reported: tuple[str, ...] = ()


# The newest start of so many steps reached together, and the bits of those steps.
Level: TypeAlias = tuple[int, int]


class Scope(msgspec.Struct, frozen=True, gc=False):
    """A session, a principal, or all data: what its pattern instances have come to.

    newest_ms: time of its newest record (rule R2). cells: by slot, registers of log-ordered steps and
    tops, times of guards, counted values, numbers of resets. levels: by pattern number, for 1..n steps reached
    the newest start. micros: contribution to the risk by class of harm, as of the last change, and total: their sum;
    due_ms: when the first window among them ends. reached: as in `Front`, in log order. held: of a session
    the identities it has come to hold, each with the action that brought it. limit: how many cells it may hold until those that can never
    count again are swept.
    """

    newest_ms: int
    cells: Cells = Map()
    levels: Map[int, tuple[Level | None, ...]] = Map()
    micros: Map[int, int] = Map()
    total: int = 0
    due_ms: int | None = None
    limit: int = 64
    reached: int = 0
    held: tuple[tuple[str, str], ...] = ()


class Store(msgspec.Struct, frozen=True, gc=False):
    """A resource: time of its newest record (rule R2), and what was written into it (rule R23).

    data: the registers of every writer, each along the relation of its own pattern.
    """

    newest_ms: int
    data: Registers = EMPTY


Delta = dict[Hashable, object]


class StateView(Protocol):
    """Reading the state; a dict is one."""

    def get(self, key: Hashable, /) -> object | None:
        """The value, None when there is none."""


class Overlay:
    """Deltas on top of a state that stays as it is."""

    __slots__ = ("_base", "_own")

    def __init__(self, base: StateView) -> None:
        self._base = base
        self._own: Delta = {}

    def get(self, key: Hashable, /) -> object | None:
        """The newest value."""
        found = self._own.get(key)
        return found if found is not None else self._base.get(key)

    def merge(self, delta: Delta) -> None:
        """Put a delta on top."""
        self._own |= delta
