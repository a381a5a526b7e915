"""Steps that nobody in a graph may do: such a pattern can never complete, so it probably says something else than meant.

Only what is certain is told. A condition counts as met, a wildcard as naming whatever it could, and labels, which
come and go at run time, are not looked at; of denies only those that forbid an action everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.glob import matcher
from graphsvc.core.graph import Node
from graphsvc.core.member import is_one_of
from graphsvc.core.permission import Permission
from graphsvc.core.policy.check import RESERVED
from graphsvc.core.policy.condition import EventCondition, ResourceCondition
from graphsvc.core.policy.cover import covers, overlaps
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.lint import Finding
from graphsvc.core.rights import Rights

__all__ = ["impossible_steps"]


@dataclass(frozen=True, slots=True)
class _Holder:
    """Identities that hold exactly the same."""

    permissions: tuple[Permission, ...]
    identities: list[Node]


def impossible_steps(policies: Sequence[Policy], estate: Estate, rights: Rights) -> list[Finding]:
    """Findings `impossible_step`, ordered by place; none where the packs do not ask for permissions."""
    asked = {each.settings.entitlement for each in policies} - {None}
    if asked and "required" not in asked:
        return []
    holders = _holders(estate, rights)
    resources = [node for node in estate.nodes() if node.kind == "resource"]
    found: list[Finding] = []
    for policy in policies:
        for index, pattern in enumerate(policy.patterns):
            steps: list[tuple[tuple[str | int, ...], str, EventCondition]] = [
                (("steps", name), f"the step `{name}`", step) for name, step in pattern.steps.items()
            ]
            if pattern.count is not None:
                steps.append((("count", "step"), "what is counted", pattern.count.step))
            for place, called, step in steps:
                why = _why_not(step, policies, holders, estate, resources)
                if why is not None:
                    line, column = policy.source.at("patterns", index, *place)
                    message = f"nobody in the graph can do {called} of `{pattern.id}`: {why}"
                    found.append(
                        Finding(
                            file=policy.source.file,
                            line=line,
                            column=column,
                            code="impossible_step",
                            message=message,
                        )
                    )
    return sorted(found)


def _holders(estate: Estate, rights: Rights) -> list[_Holder]:
    by_set: dict[tuple[Permission, ...], _Holder] = {}
    for node in estate.nodes():
        if node.kind == "identity":
            permissions = rights.permissions(node.key)
            by_set.setdefault(permissions, _Holder(permissions, [])).identities.append(node)
    return [*by_set.values()]


def _why_not(
    step: EventCondition,
    policies: Sequence[Policy],
    holders: Sequence[_Holder],
    estate: Estate,
    resources: Sequence[Node],
) -> str | None:
    actions = list(_actions(step, policies))
    if any(action.startswith(RESERVED) for action in actions):
        return None
    if not actions:
        effects = ", ".join(f"`{effect}`" for effect in step.effects)
        return f"no action that a pack declares has the effect {effects}; declare one under `actions`"
    able = [
        holder
        for holder in holders
        if step.subject is None
        or any(is_one_of(step.subject, each.key, estate) for each in holder.identities)
    ]
    if not able:
        return "no identity of the graph is such a subject; correct `subject`, or import whom it means"
    on = step.resource
    targets: list[Node] | None = None
    if on is not None and on.tier:
        targets = [node for node in resources if _is_target(on, node)]
        if not targets:
            return f"no resource of the graph is of the tier {_listed(on.tier)}; correct it, or import them"
    for holder in able:
        permissions = holder.permissions
        denies = [each for each in permissions if each.deny and not each.conditional and each.anywhere]
        for permission in permissions:
            if permission.deny or not _reaches(permission, on, targets, estate):
                continue
            for action in actions:
                if _speaks(permission, action) and not any(_covers(deny, action) for deny in denies):
                    return None
    where = " on such a resource" if on is not None else ""
    return f"no permission of any such identity allows {_listed(actions[:3])}{where}; correct it, or import the permissions"


def _actions(step: EventCondition, policies: Sequence[Policy]) -> Iterator[str]:
    if not step.effects:
        yield from step.action or ("*",)
        return
    wanted = set(step.effects)
    for policy in policies:
        for glob, declared in policy.actions.items():
            if wanted.isdisjoint(declared.effects):
                continue
            if not step.action:
                yield glob
            else:
                # The narrower of the two stands for what both match.
                yield from (
                    glob if covers(asked, glob) else asked for asked in step.action if overlaps(asked, glob)
                )


def _is_target(on: ResourceCondition, node: Node) -> bool:
    return (
        node.tier in on.tier
        and (not on.type or node.resource_type in on.type)
        and (not on.id or matcher(on.id)(node.id))
    )


def _reaches(
    permission: Permission, on: ResourceCondition | None, targets: list[Node] | None, estate: Estate
) -> bool:
    if on is None or permission.anywhere:
        return True
    if targets is not None:
        return any(permission.covers(estate.places(node.key)) for node in targets)
    wanted = [f"resource:{kind}:{name}" for kind in on.type or ("*",) for name in on.id or ("*",)]
    # What contains others is named for them, so a sample of another type may still lead there.
    inside = [place for sample in permission.samples for place in estate.contained(sample)]
    return any(overlaps(glob, sample) for glob in wanted for sample in inside)


def _speaks(permission: Permission, action: str) -> bool:
    folded = action.casefold()
    return not any(covers(excepted, action) for excepted in permission.except_actions) and any(
        overlaps(allowed.casefold(), folded) for allowed in permission.actions
    )


def _covers(deny: Permission, action: str) -> bool:
    return any(covers(denied, action) for denied in deny.actions) and not any(
        overlaps(excepted, action) for excepted in deny.except_actions
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
