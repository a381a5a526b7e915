"""What static questions are asked of: a graph, its rights, the rules of some packs, and which version of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Binding, Closures, Firing
from graphsvc.core.gain.holding import Holdings
from graphsvc.core.gain.rule import compile_rules
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.document import Policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from graphsvc.explore.worth import Worth

__all__ = ["EstateView", "view_of"]

# Actions of AWS by which an administrator makes another; without any of these nobody is one.
_HANDING_OUT = (
    "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:CreatePolicyVersion",
)  # fmt: skip
# Functions of rules whose answer hangs on memberships and grants.
_OF_OTHERS = frozenset({"attached", "has_member", "gives_rights"})
FiringKey = tuple[int, Binding]


@dataclass(frozen=True, slots=True)
class EstateView:
    """sure: rules over rights that are certain; maybe: conditions that cannot be decided counted as met.

    worth: resources that count. The first two look at one identity's own rights: what a rule gives is a hop of a path, not part of a combination.
    """

    estate: Estate
    rights: Rights
    ruleset: Ruleset
    sure: Closures
    maybe: Closures
    worth: Worth
    packs: dict[str, str] = field(default_factory=dict)

    def identities(self) -> list[str]:
        """Keys of the identities that act here: those of other accounts and of services are left out.

        So are service-linked roles: their service alone may assume them, and nobody here can change them.
        """
        return [node.key for node in self.estate.nodes() if self.acts(node.key)]

    def acts(self, key: str) -> bool:
        """Whether a node is one of these identities."""
        node = self.estate.node(key)
        return (
            node is not None
            and node.kind == "identity"
            and node.properties.get("external") is not True
            and node.properties.get("service_linked") is not True
            and node.properties.get("aws_type") not in ("account", "service", "federated")
        )

    @property
    def looks_at_others(self) -> bool:
        """True when a rule asks what somebody else belongs to or was given."""
        calls = (call for rule in self.sure.rules for test in rule.tests for call in test.calls)
        return any(call.function in _OF_OTHERS for call in calls)

    def firings(self, identity: str) -> tuple[Mapping[FiringKey, Firing], Mapping[FiringKey, Firing]]:
        """What rules an identity's own rights fire: surely, and where conditions that cannot be decided count as met."""
        held = frozenset((identity,))
        sure = self.sure.of(held).firings
        # Without conditions nothing is left to be met.
        return sure, sure if self.rights.is_plain(identity) else self.maybe.of(held).firings

    def has_everything(self, identity: str) -> bool:
        """True for a holder of `*` on `*`, after caps and denials."""
        return self.everything(identity) is not None

    def everything(self, identity: str) -> str | None:
        """The permission by which an identity may do everything everywhere; None when it may not.

        Leave for all but something is not for everything, nor is what a cap or a denial takes rights from that hand out
        rights: an administrator is who can make administrators.
        """
        if not self.rights.has_whole:
            return None
        held = self.rights.held(identity)
        given = next((each for each in held.permissions if not each.deny and each.is_whole), None)
        if given is None:
            return None
        place = "resource:*" if given.everywhere else "resource:aws:*"
        if not self.rights.check(identity, "*", place).allowed:
            return None
        restricted = bool(held.caps) or any(each.deny for each in held.permissions)
        if restricted and identity.startswith("identity:arn:"):
            asked = (self.rights.check(identity, name, place) for name in _HANDING_OUT)
            if not any(right.allowed for right in asked):
                return None
        return given.key

    def stamp(self) -> dict[str, str]:
        """Packs and versions that answers were computed with."""
        return dict(self.packs)


def view_of(nodes: Iterable[Node], edges: Iterable[Edge], policies: Sequence[Policy]) -> EstateView:
    """Everything indexed once, for any number of questions."""
    estate = Estate()
    estate.load("all", nodes, edges, replace=True)
    rights = Rights(estate)
    ruleset = compile_ruleset(policies)
    rules, atoms = compile_rules(ruleset.rights_patterns)
    actions = [glob for policy in policies for glob in policy.actions]
    sure, maybe = (
        Closures(
            rules, Holdings(rules, atoms, estate, rights, actions, lenient=lenient), estate, chained=False
        )
        for lenient in (False, True)
    )
    packs = {policy.pack.id: policy.pack.version for policy in policies}
    return EstateView(estate, rights, ruleset, sure, maybe, Worth(estate), packs)
