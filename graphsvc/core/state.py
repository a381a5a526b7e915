"""Where every chain and every pattern instance stands: one flat mapping of immutable values.

Theory of operation. Everything the engine remembers of history lives in one dict. A judgement reads
it through a view and returns what it would write as a delta; whoever owns the dict merges the delta
once the decision is durable. Actions that happened are kept apart, packed (see `history`). A batch is judged on an `Overlay`, which collects deltas above the dict
and is thrown away when the commit fails. Nothing is ever changed in place, so an older state is a
reference to an older value, and growing histories share what they have in common (`immutables.Map`).

Keys say what they hold:
  ("c", chain) -> ChainState
  "s:<session>", "p:<principal>" -> Scope      DATA_SCOPE -> Scope of the patterns that follow data
  "r:<type>:<id>" -> Registers of what was written into a resource (rule R23)
  "u:<pattern>" -> guards of everybody's, (guard, key) -> times by root
  "n:<chain>" -> what it and the chains it spawned were permitted, in millionths (see `intent_amount`)
  "t" and the name of a session's, principal's or resource's cell -> time of its newest record (rule R2); no part of a delta
Values are msgspec structs: a frozen dataclass of ten fields takes three microseconds to build, which is
most of what a decision may cost. Registers of happened-before and flow patterns belong to a place, not
to a scope: they are the `Front` of a chain and of each of its actions.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol, TypeAlias

import msgspec
from immutables import Map

from graphsvc.core.event import Event
from graphsvc.core.mark import NOTHING, Mark
from graphsvc.core.value import Json

__all__ = [
    "DATA_SCOPE",
    "EMPTY",
    "NEW_SCOPE",
    "NOWHERE",
    "UNKNOWN_INPUTS",
    "Cells",
    "ChainState",
    "Delta",
    "Front",
    "Happened",
    "Inputs",
    "Levels",
    "Lies",
    "Overlay",
    "Register",
    "Registers",
    "Scope",
    "Slot",
    "StateView",
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
# As of `StateView.get`: the slot decides the type.
Cells: TypeAlias = Map[Slot, Any]
EMPTY: Map[Slot, Register] = Map()


class Front(msgspec.Struct, frozen=True, gc=False):
    """What lies before the next action at a place, as registers by slot.

    causal, flow: of patterns that stay in the session, along happened-before and along declared
    inputs. causal_data, flow_data: of patterns that follow data through stores (rule R23). marks, flow_marks: the
    same of plain patterns; one object where inputs are unknown, as all that happened before may have flowed then.
    """

    causal: Registers = EMPTY
    flow: Registers = EMPTY
    causal_data: Registers = EMPTY
    flow_data: Registers = EMPTY
    marks: Mark = NOTHING
    flow_marks: Mark = NOTHING


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

    @property
    def session(self) -> str:
        """Its session."""
        return self.event.session


# For 1..n steps reached together the newest start and the bits of those steps, one after the other.
Levels: TypeAlias = tuple[int, ...]


class Scope(msgspec.Struct, frozen=True, gc=False):
    """A session, a principal, or all data: what its pattern instances have come to.

    cells: by slot, registers of log-ordered steps and tops, times of guards, counted values, numbers of resets, what
    cannot be placed (see `unseen`). levels:
    by pattern number, see `progress`. best: of each plain pattern the most of its
    steps reached together, as bits of one number. total: what they contribute to the risk, as of the last change, in micros (see `progress`);
    due_ms: when the first window among them ends. marks: of
    plain patterns in log order. held: of a session the identities it has come to hold, each with the action that
    brought it. limit: how many cells it may hold until those that can never count again are swept.
    """

    cells: Cells = Map()
    levels: Map[int, Levels] = Map()
    best: int = 0
    total: int = 0
    due_ms: int | None = None
    limit: int = 64
    marks: Mark = NOTHING
    held: tuple[tuple[str, str], ...] = ()


NEW_SCOPE = Scope()


# As of `StateView.get`.
Delta = dict[Hashable, Any]


class StateView(Protocol):
    """Reading the state."""

    # What a key says decides the type of its value; a cast at every look-up would cost more than the look-up.
    def get(self, key: Hashable, /) -> Any:
        """The value, None when there is none."""

    @property
    def newest_ms(self) -> int:
        """No time in any cell is later."""

    def happened(self, action: str) -> Happened | None:
        """An action that has its place in the orders, None when it is unknown."""

    def lies(self, action: str) -> Lies | None:
        """Where such an action lies, which is quicker to say."""


class Lies(Protocol):
    """Where an action lies that has its place in the orders."""

    @property
    def session(self) -> str:
        """Its session."""

    @property
    def in_history(self) -> bool:
        """Permitted and not taken back."""

    @property
    def front(self) -> Front:
        """The registers after it."""


class Overlay:
    """Deltas on top of a state that stays as it is."""

    __slots__ = ("_base", "_happened", "_own", "newest_ms")

    def __init__(self, base: StateView) -> None:
        self._base = base
        self.newest_ms = base.newest_ms
        self._own: Delta = {}
        self._happened: dict[str, Happened] = {}

    def get(self, key: Hashable, /) -> Any:
        """The newest value."""
        found = self._own.get(key)
        return found if found is not None else self._base.get(key)

    def happened(self, action: str) -> Happened | None:
        """An action, of those on top or of those below."""
        return self._happened.get(action) or self._base.happened(action)

    def lies(self, action: str) -> Lies | None:
        """Where it lies."""
        return self._happened.get(action) or self._base.lies(action)

    def merge(self, delta: Delta, happened: Happened | None = None) -> None:
        """Put a delta on top, and the action that brings it about."""
        self._own |= delta
        if happened is not None:
            event = happened.event
            self._happened[event.request.id] = happened
            self._own.update(dict.fromkeys(event.clocks, event.at_ms))
            self.newest_ms = max(self.newest_ms, event.at_ms)
