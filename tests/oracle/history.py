"""The log of a trace: events in order, their time, their session and the edges between them."""

from dataclasses import dataclass, field

from tests.oracle.estate import Estate
from tests.oracle.rule import is_off
from tests.oracle.text import Record, listed, time_ms


@dataclass(eq=False)
class Event:
    """One place in the log: an action, an approval, or the mark of a spawn or join (no record then)."""

    seq: int
    session: str
    at_ms: int = 0
    record: Record = field(default_factory=dict)
    name: str = ""
    actor: str = ""
    root: str = ""
    principals: tuple[str, ...] = ()
    resource: tuple[str, str] = ("", "")
    resource_labels: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    before: list["Event"] = field(default_factory=list)  # direct happened-before edges
    parents: list["Event"] = field(default_factory=list)  # declared, and found good (rule R7)
    parents_known: bool = False
    is_action: bool = False
    in_history: bool = False  # whether it may match anything (rule R9)
    reviewed: "Event | None" = None  # of an approval: the action it approved
    carrier: "Event | None" = None  # of a join: the action it came with


class Log:
    """Everything recorded so far; `append_action` only places an event, it judges nothing."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.events: list[Event] = []
        self.by_id: dict[str, Event] = {}
        self._session: dict[str, str] = {}  # by chain (rule R3)
        self._position: dict[str, Event] = {}  # newest event by chain, spawns and joins included (rule R5)
        self._newest_ms: dict[tuple[str, ...], int] = {}  # by cell (rule R2)

    def _add(self, event: Event) -> Event:
        self.events.append(event)
        return event

    def _mark(self, session: str, before: list[Event]) -> Event:
        return self._add(Event(len(self.events), session, before=before))

    def _open(self, chain: str, record: Record) -> None:
        parent = record.get("parent_chain")
        if parent is not None and parent not in self._session:
            self._session[parent] = parent
        if parent is not None and not is_off("R3"):
            self._session[chain] = self._session[parent]
            if parent in self._position and not is_off("R4"):  # rule R4
                self._position[chain] = self._mark(self._session[chain], [self._position[parent]])
        else:
            self._session[chain] = record.get("session") or chain

    def _join(self, chain: str, other: str) -> None:
        session = self._session[chain]
        if other == chain or self._session.get(other) != session or other not in self._position:
            return
        before = [self._position[chain]] if chain in self._position else []
        self._position[chain] = self._mark(session, [*before, self._position[other]])

    def _stamp(self, event: Event, record: Record) -> None:
        """Give the event its time (rule R2)."""
        cells = [("session", event.session), ("resource", *event.resource)]
        cells += [("principal", principal) for principal in event.principals]
        at_ms = time_ms(record["at"])
        if record.get("seq") is None and not is_off("R2"):
            at_ms = max([at_ms, *(self._newest_ms[cell] for cell in cells if cell in self._newest_ms)])
        event.at_ms = at_ms
        for cell in cells:
            self._newest_ms[cell] = max(at_ms, self._newest_ms.get(cell, at_ms))

    def _principals(self, event: Event, ids: list[str]) -> None:
        people = ids if is_off("R22") else [self.estate.person(identity) for identity in ids]
        event.actor, event.root = people[0], people[-1]
        event.principals = tuple(dict.fromkeys(people))

    def append_action(self, record: Record) -> Event:
        """Place an action record in the log: chain, session, time and edges (rules R2 to R8)."""
        chain = record["chain"]
        if chain not in self._session:
            self._open(chain, record)
        first = len(self.events)
        for other in listed(record.get("joins")):
            self._join(chain, other)
        event = Event(len(self.events), self._session[chain], is_action=True)
        for mark in self.events[first:]:
            mark.carrier = event
        event.name = record["action"]["name"]
        event.resource = (record["resource"]["type"], record["resource"]["id"])
        event.resource_labels = self.estate.labels.get(event.resource, frozenset())
        delegators = [entity["id"] for entity in listed(record.get("on_behalf_of"))]
        self._principals(event, [record["subject"]["id"], *delegators])
        stored = self.estate.resources.get(event.resource, {})
        properties = {**(record["resource"].get("properties") or {}), **(stored.get("properties") or {})}
        event.record = {**record, "resource": {**record["resource"], "properties": properties}}
        self._stamp(event, record)
        if chain in self._position:
            event.before.append(self._position[chain])
        event.parents_known = record.get("parents") is not None
        for name in listed(record.get("parents")):
            parent = self.by_id.get(name)
            if parent is not None and parent.in_history and parent.session == event.session:
                event.parents.append(parent)  # rule R8
            else:
                event.parents_known = event.parents_known and is_off("R7")  # rule R7
        if not is_off("R8"):
            event.before += event.parents
        self._position[chain] = event
        self.by_id[record["id"]] = event
        return self._add(event)

    def append_approval(self, record: Record) -> None:
        """Place an approved review in the log as the action `review:Approve` of the approver (rule R14)."""
        reviewed = self.by_id.get(record["decision"])
        if reviewed is None:
            return
        event = Event(len(self.events), reviewed.session, in_history=True, reviewed=reviewed)
        event.name = "review:Approve"
        event.resource = reviewed.resource
        event.resource_labels = self.estate.labels.get(event.resource, frozenset())
        self._principals(event, [record["by"]["id"]])
        resource = reviewed.record["resource"]
        event.record = {
            "subject": record["by"],
            "action": {"name": event.name},
            "resource": resource,
            "context": {},
        }
        self._stamp(event, record)
        self._add(event)

    def ancestors(
        self, last: Event, *, declared: bool, through_stores: "StoreEdges | None", cut: frozenset[Event]
    ) -> set[Event]:
        """Events from which a path leads to `last` with no event of `cut` strictly inside.

        `declared`: relation flow, else happened-before. Unknown parents mean the happened-before paths (rule R6),
        all the way back; a store edge (rule R23) starts the relation anew at the writer.
        """
        found: set[Event] = set()
        seen: set[tuple[Event, bool]] = set()
        waiting = [(last, declared)]
        while waiting:
            event, by_flow = waiting.pop()
            if (event, by_flow) in seen:
                continue
            seen.add((event, by_flow))
            if event is not last:
                found.add(event)
                if event in cut:
                    continue
            if by_flow and (event.parents_known or is_off("R6")):
                waiting += [(parent, True) for parent in event.parents]
            else:
                lost = (
                    event.carrier is not None and not event.carrier.in_history and event.carrier is not last
                )
                own = event.before[:-1] if lost and is_off("R5") else event.before
                waiting += [(earlier, False) for earlier in own]
            if through_stores is not None:
                waiting += [(writer, declared) for writer in through_stores.get(event, [])]
        return found


StoreEdges = dict[Event, list[Event]]
