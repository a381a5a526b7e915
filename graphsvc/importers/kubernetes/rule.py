"""Policy rules of roles: what Kubernetes would match, as action and resource globs that match the same.

Source: the RBAC authorizer (`VerbMatches`, `APIGroupMatches`, `ResourceMatches`, `ResourceNameMatches`,
`NonResourceURLMatches`). `*` stands alone for everything; `*/scale` is a subresource of everything; a URL may end in
`*`; anywhere else a star is a character that no name has, so it matches nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.name import Cluster, action

__all__ = ["Rule", "read_rule"]

_LISTS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
# Their requests carry no name, so a rule that lists names never matches them.
_NAMELESS = ("create", "deletecollection")
_SUBRESOURCES = "k8s:*:*/*/*"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, its lists sorted and without duplicates; without verbs it matches nothing.

    dropped: parts that can never match anything.
    """

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    dropped: tuple[str, ...] = field(default=(), compare=False)

    @property
    def digest(self) -> str:
        """Names the rule in its role: it stays when rules move or others come before it."""
        parts = [self.verbs, self.groups, self.resources, self.names, self.urls]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:12]

    def covers(self, verb: str, group: str, resource: str) -> bool:
        """True when some object's request of this kind matches; resource may name a subresource."""
        return (
            ("*" in self.verbs or verb in self.verbs)
            and ("*" in self.groups or group in self.groups)
            and any(
                each in {"*", resource}
                or (each.startswith("*/") and "/" in resource and resource.endswith(each[1:]))
                for each in self.resources
            )
        )

    def permissions(self, cluster: Cluster, namespace: str | None) -> list[dict[str, Json]]:
        """The fields of the permissions that say the same. namespace None: in the whole cluster.

        A second one is needed where any API group is meant: there `*/pods` must not be taken for the
        subresource `pods` of something.
        """
        if not self.verbs:
            return []
        if self.urls:
            if namespace is not None:
                return []
            return [
                _permission(
                    [f"k8s:{verb}:url" for verb in self.verbs],
                    [f"k8s-url:{cluster.name}{url if url != '*' else '/*'}" for url in self.urls],
                )
            ]
        top = [each for each in self.resources if "/" not in each and each != "*"]
        rest = [each for each in self.resources if each not in top]
        found: list[dict[str, Json]] = []
        if "*" in self.groups:
            if top:
                found.append(self._of(["*"], top, cluster, namespace, top_of_any=True))
            if rest:
                found.append(self._of(["*"], rest, cluster, namespace))
        else:
            found.append(self._of(list(self.groups), list(self.resources), cluster, namespace))
        return [each for each in found if each["actions"]]

    def _of(
        self,
        groups: list[str],
        resources: list[str],
        cluster: Cluster,
        namespace: str | None,
        *,
        top_of_any: bool = False,
    ) -> dict[str, Json]:
        nameless = frozenset(
            action(verb, group, resource)
            for verb, group, resource in product(_NAMELESS, groups, resources)
            # Subresources are created on an object that has a name.
            if self.names and "/" not in resource and resource != "*"
        )
        actions = {
            action(verb, group, resource) for verb, group, resource in product(self.verbs, groups, resources)
        }
        excepted = [
            *([_SUBRESOURCES] if top_of_any else []),
            *(sorted(nameless) if "*" in self.verbs else []),
        ]
        where = f"k8s:{cluster.name}/*" if namespace is None else f"k8s:{cluster.place(namespace)}"
        parents = sorted({resource.split("/")[0] for resource in resources})
        globs: list[str] = []
        for group, parent in product(groups, parents):
            kind = "*" if group == parent == "*" else f"{group or 'core'}/{parent}"
            globs += [f"{where}/{kind}/{name}" for name in (self.names or ("*",))]
        if not self.names and namespace is None and "*" in groups and "*" in parents:
            globs = [f"k8s:{cluster.name}/*"]
        return _permission(actions - nameless, globs, excepted)


def _permission(
    actions: Iterable[str], resources: Iterable[str], excepted: Iterable[str] = ()
) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "effect": "allow",
        "actions": list[Json](sorted(actions)),
        "resources": list[Json](sorted(set(resources))),
    }
    if excepted := list(excepted):
        fields["except_actions"] = list[Json](excepted)
    return fields


def read_rule(value: Json, place: str) -> Rule:
    """A rule of a role; BadInput names the list that is malformed."""
    if not isinstance(value, dict):
        raise BadInput(f"{place}: a rule must be a mapping", field=place)
    lists: dict[str, list[str]] = {}
    for name in _LISTS:
        listed = value.get(name)
        if listed is None:
            listed = []
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            raise BadInput(f"{place}.{name}: must be a list of texts", field=f"{place}.{name}")
        lists[name] = [str(item) for item in listed]
    if not lists["verbs"]:
        raise BadInput(f"{place}.verbs: must name at least one verb", field=f"{place}.verbs")
    if lists["nonResourceURLs"] and (lists["resources"] or lists["apiGroups"] or lists["resourceNames"]):
        raise BadInput(f"{place}: is about resources and about URLs; make two rules of it", field=place)
    if not lists["nonResourceURLs"] and not (lists["resources"] and lists["apiGroups"]):
        raise BadInput(f"{place}: must have `apiGroups` and `resources`, or `nonResourceURLs`", field=place)
    dropped: list[str] = []
    kept = {name: _kept(name, listed, dropped) for name, listed in lists.items()}
    if any(listed and not kept[name] for name, listed in lists.items()):
        # Nothing is left of a list: the rule matches nothing, which is not the same as one without the list.
        return Rule(dropped=tuple(dropped))
    return Rule(
        verbs=kept["verbs"],
        groups=kept["apiGroups"],
        resources=kept["resources"],
        names=kept["resourceNames"],
        urls=kept["nonResourceURLs"],
        dropped=tuple(dropped),
    )


def _kept(name: str, listed: list[str], dropped: list[str]) -> tuple[str, ...]:
    """The items that can match; `*` swallows the others where it stands for everything."""
    if "*" in listed and name != "resourceNames":
        return ("*",)
    kept: set[str] = set()
    for item in listed:
        bare = item
        if name == "nonResourceURLs":
            bare = item.removesuffix("*")
        elif name == "resources":
            bare = item.removeprefix("*/")
        # Literal text to Kubernetes, wildcards to us.
        if "*" in bare or "?" in bare:
            dropped.append(f"{name}: `{item}`")
        else:
            kept.add(item)
    return tuple(sorted(kept))
