"""Without which grant a path would not exist: the edges that each step's right hangs on, and the smallest repair.

A step needs its right for everybody who takes part: the subject and whoever it acts for. A right hangs on an edge
(a membership, a role, a grant of a permission) when every way from the identity to a permission that allows the
action goes over it; the smallest set that takes the right away is a minimum cut of those ways (max-flow min-cut with
unit capacities; Ford and Fulkerson, "Maximal flow through a network", 1956). Breaking any one step breaks the path.
Rights are those of the graph as of each step; denies and caps stay as they are, and conditions count as met. A right
that a situational grant gave hangs on that grant, unless another one covered the step as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.glob import matcher
from graphsvc.core.grants import Grants
from graphsvc.core.record import Decided
from graphsvc.core.rights import Rights
from graphsvc.core.verdict import Completion

__all__ = [
    "Counterfactual",
    "EdgeTriple",
    "StepRight",
    "counterfactual",
    "hangs_on",
    "smallest_cut",
    "ways_over",
]

EdgeTriple = tuple[str, str, str]
_NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")
_SINK = "*"


@dataclass(frozen=True, slots=True)
class StepRight:
    """What one party's right to one step hangs on. single: each of these alone; cut: the fewest together.

    Both are empty when the right needs no edge: entitlement was not asked for, or a situational grant gave it. grant: the only
    one that did.
    """

    step: str
    action: str
    action_name: str
    party: str
    single: tuple[EdgeTriple, ...]
    cut: tuple[EdgeTriple, ...]
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """For one completion. single: without any one of these the path would not exist. repair: the fewest to remove.

    grants: situational grants whose revocation does it as well. earlier: ids of the earlier actions of the path,
    none of which could be left out of it. of_rights: single, repair and grants of a combination of rights, which
    does not break wherever one of its holders loses a right that another one has; None for a path of actions.
    """

    pattern: str
    steps: tuple[StepRight, ...]
    earlier: tuple[str, ...] = ()
    of_rights: tuple[tuple[EdgeTriple, ...], tuple[EdgeTriple, ...], tuple[str, ...]] | None = None

    @property
    def single(self) -> tuple[EdgeTriple, ...]:
        """Edges each of which is needed by some step, or by the combination."""
        if self.of_rights is not None:
            return self.of_rights[0]
        return tuple(dict.fromkeys(edge for step in self.steps for edge in step.single))

    @property
    def repair(self) -> tuple[EdgeTriple, ...]:
        """The smallest set of edges that breaks a step, or the combination; () when none does."""
        if self.of_rights is not None:
            return self.of_rights[1]
        return min((step.cut for step in self.steps if step.cut), key=lambda cut: (len(cut), cut), default=())

    @property
    def grants(self) -> tuple[str, ...]:
        """Situational grants that a step rests on, or the combination."""
        if self.of_rights is not None:
            return self.of_rights[2]
        return tuple(dict.fromkeys(step.grant for step in self.steps if step.grant is not None))


def counterfactual(
    completion: Completion,
    decided: Mapping[str, Decided],
    last: Decided,
    graph_of: Callable[[str], tuple[Estate, Rights]],
    grants: Grants,
) -> Counterfactual:
    """decided: earlier decisions by id; last: the one that the completion belongs to. graph_of: as of an action.

    grants: all that were ever given.
    """
    steps: list[StepRight] = []
    for place in completion.path:
        record = last if place.action == last.request.id else decided.get(place.action)
        if record is None:
            continue
        request = record.request
        estate, rights = graph_of(place.action)
        resource = f"resource:{request.resource.type}:{request.resource.id}"
        for party in (request.subject, *request.on_behalf_of):
            identity = f"identity:{estate.resolve(party.id)[0]}"
            ways = _ways(identity, request.action, resource, estate, rights)
            given = _given(record, identity.partition(":")[2], resource, estate, grants)
            # What was denied relied on none, so there it is asked which would have had to give the right.
            if not ways or any(grant in record.grants for grant in given):
                ways = ()
                grant = given[0] if len(given) == 1 else None
            else:
                grant = None
            steps.append(
                StepRight(
                    place.step,
                    place.action,
                    request.action,
                    party.id,
                    hangs_on(ways, identity),
                    smallest_cut(ways, identity),
                    grant,
                )
            )
    earlier = dict.fromkeys(place.action for place in completion.path if place.action != last.request.id)
    return Counterfactual(completion.pattern, tuple(steps), tuple(earlier))


def hangs_on(ways: Sequence[EdgeTriple], identity: str) -> tuple[EdgeTriple, ...]:
    """Edges over which every way leads."""
    if not ways:
        return ()
    return tuple(
        edge
        for edge in ways
        if edge[2] != _SINK and not _reached(identity, [other for other in ways if other != edge])
    )


def smallest_cut(ways: Sequence[EdgeTriple], identity: str) -> tuple[EdgeTriple, ...]:
    """The fewest edges without which no way is left; those nearest the identity."""
    # Edges into the sink cannot be cut: they stand for what a permission says, not for who holds it.
    flow: set[EdgeTriple] = set()
    while (way := _augmenting(identity, ways, flow)) is not None:
        for edge, forward in way:
            (flow.add if forward else flow.discard)(edge)
    seen = _residual(identity, ways, flow)
    return tuple(edge for edge in ways if edge[1] in seen and edge[2] not in seen)


def _ways(
    identity: str, action: str, resource: str, estate: Estate, rights: Rights
) -> tuple[EdgeTriple, ...]:
    """Edges from the identity to permissions that allow it, and from each of those to the sink."""
    places = estate.places(resource)
    allowing = {
        each.key
        for each in rights.permissions(identity)
        if not each.deny and each.speaks_of(action) and each.covers(places)
    }
    return ways_over(identity, allowing, estate)


def ways_over(identity: str, allowing: Collection[str], estate: Estate) -> tuple[EdgeTriple, ...]:
    """Edges from the identity to some permissions, and from each of those to the sink; () without any."""
    if not allowing:
        return ()
    found: list[EdgeTriple] = [
        (kind, holder, end)
        for holder in estate.holders(identity)
        for kind in (*_NESTED, "GRANTED")
        for end in estate.out(kind, holder)
        if kind != "GRANTED" or end in allowing
    ]
    return (*found, *(("ALLOWS", key, _SINK) for key in sorted(allowing)))


def _given(record: Decided, identity: str, resource: str, estate: Estate, grants: Grants) -> tuple[str, ...]:
    """Situational grants that covered the step for the identity when it was decided."""
    action, at_ms = record.request.action, record.at_ms
    places = [place for _, place in estate.places(resource)]
    return tuple(
        grant.id
        for grant in grants.by_id.values()
        if grant.identity == identity
        and grant.from_ms <= at_ms < grant.to_ms
        and grants.revoked.get(grant.id, at_ms + 1) > at_ms
        and grant.chain in {None, record.request.chain}
        and grant.session in {None, record.session}
        and matcher(grant.actions)(action)
        and any(map(matcher(grant.resources), places))
    )


def _reached(start: str, ways: Iterable[EdgeTriple]) -> bool:
    following: dict[str, list[str]] = {}
    for _, begin, end in ways:
        following.setdefault(begin, []).append(end)
    seen, queue = {start}, [start]
    for node in queue:
        for end in following.get(node, ()):
            if end not in seen:
                seen.add(end)
                queue.append(end)
    return _SINK in seen


def _augmenting(
    start: str, ways: Sequence[EdgeTriple], flow: set[EdgeTriple]
) -> list[tuple[EdgeTriple, bool]] | None:
    came: dict[str, tuple[EdgeTriple, bool]] = {}
    queue = [start]
    for node in queue:
        for edge in ways:
            for begin, end, forward in ((edge[1], edge[2], True), (edge[2], edge[1], False)):
                usable = (edge not in flow or end == _SINK) if forward else edge in flow
                if begin == node and usable and end != start and end not in came:
                    came[end] = (edge, forward)
                    queue.append(end)
        if _SINK in came:
            break
    if _SINK not in came:
        return None
    way: list[tuple[EdgeTriple, bool]] = []
    node = _SINK
    while node != start:
        edge, forward = came[node]
        way.append((edge, forward))
        node = edge[1] if forward else edge[2]
    return way


def _residual(start: str, ways: Sequence[EdgeTriple], flow: set[EdgeTriple]) -> set[str]:
    seen, queue = {start}, [start]
    for node in queue:
        for edge in ways:
            for begin, end, usable in (
                (edge[1], edge[2], edge not in flow),
                (edge[2], edge[1], edge in flow),
            ):
                if begin == node and usable and end not in seen:
                    seen.add(end)
                    queue.append(end)
    return seen
