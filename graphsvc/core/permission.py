"""One permission, compiled: which actions it speaks of, where, and under which condition.

A permission lists globs of actions and resources, with exceptions; `ON` edges name resources it holds for,
with everything they contain. A condition has three answers; what cannot be decided names the attributes that
were missing, so that an enforcement point knows what to send.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

import msgspec

from graphsvc.core.cel import Condition, ConditionError, compile_condition
from graphsvc.core.glob import is_literal, matcher
from graphsvc.core.graph import Node
from graphsvc.core.native import Asked, NativeTest, compile_native
from graphsvc.core.native.condition import starred
from graphsvc.core.value import Json

__all__ = ["Permission", "compile_permission"]

Place = tuple[str, str]
# Above this many names a set is quicker than looking through them; below it is several times the size.
_FEW = 8
_ALL_OF_AWS = "aws:*"


class Permission(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Compared by identity; there are as many as the graph has permissions, so it is small.

    deny: it forbids. actions, except_actions: globs, compared case-folded with fold; globbed: a name may fit that
    is not listed. on: node keys that its ON edges lead to. resources, except_resources: globs over `type:id`.
    exact: node keys it names, by edge or by name; wild: the resources it names by wildcard.
    condition: None without one; conditional: it has one, perhaps in words this version cannot evaluate.
    keys: attributes that such a condition asks for. native: a condition in the words of where it comes from.
    """

    key: str
    deny: bool
    fold: bool
    globbed: bool
    conditional: bool
    actions: tuple[str, ...]
    except_actions: tuple[str, ...]
    on: tuple[str, ...]
    resources: tuple[str, ...]
    except_resources: tuple[str, ...]
    exact: Collection[str]
    wild: tuple[str, ...]
    condition: Condition | None
    keys: tuple[str, ...]
    native: NativeTest | None = None

    @property
    def is_whole(self) -> bool:
        """True when it is about everything everywhere, without a condition or an exception."""
        if "*" not in self.actions or self.conditional or self.except_actions or self.except_resources:
            return False
        return self.everywhere or _ALL_OF_AWS in self.wild

    @property
    def is_plain(self) -> bool:
        """True when it simply allows: no denial, no condition, no resource left out."""
        return not (self.deny or self.conditional or self.except_resources)

    @property
    def is_idle(self) -> bool:
        """True when it leaves out all the actions that it lists: it may be about a resource, and allows nothing there."""
        return not any(map(self.speaks_of, self.actions))

    @property
    def everywhere(self) -> bool:
        """True when `*` is one of its resources."""
        return "*" in self.wild

    @property
    def anywhere(self) -> bool:
        """True when it holds for every resource."""
        return "*" in self.wild and not self.except_resources

    @property
    def samples(self) -> tuple[str, ...]:
        """Resources that stand for all it names, a wildcard by its own text."""
        return (*self.on, *(f"resource:{name}" for name in self.resources))

    def speaks_of(self, action: str) -> bool:
        """True when the action's name fits, wherever it is done."""
        if action not in self.actions and not (self.globbed and _test(self.actions, self.fold)(action)):
            return False
        return not self.except_actions or not _test(self.except_actions, self.fold)(action)

    def covers(self, places: Iterable[Place]) -> bool:
        """True when it holds for a resource, whatever is done there. places: of it and of what contains it."""
        named = self.everywhere or any(key in self.exact for key, _ in places) or self._globs(places)
        return named and not self.excepts(places)

    def names(self, places: Iterable[Place]) -> bool:
        """True when it is about a resource: names it, or allows everything everywhere.

        A right on `*` alone says nothing of a resource: most actions have no meaning for most things. Of AWS the
        service says which they have a meaning for.
        """
        about = "*" in self.actions if self.everywhere else self._globs(places)
        if about and _ALL_OF_AWS in self.wild:
            about = any(_is_of(action, name) for action in self.actions for _, name in places)
        return (about or any(key in self.exact for key, _ in places)) and not self.excepts(places)

    def excepts(self, places: Iterable[Place]) -> bool:
        """True when it leaves out the resource, or something that contains it."""
        if not self.except_resources:
            return False
        excepted = _test(self.except_resources, False)
        return any(excepted(name) for _, name in places)

    def holds(self, asked: Asked) -> tuple[bool | None, tuple[str, ...]]:
        """Whether its condition holds; None with the names of what is missing to say so."""
        if not self.conditional:
            return True, ()
        if self.native is not None:
            answer, missing = self.native.judge(asked)
            return answer, self.keys if missing == ("its condition",) else missing
        event = asked.event
        if self.condition is None or event is None:
            return None, self.keys
        answer = self.condition.judge(event)
        return (answer, ()) if answer is not None else self.condition.judge_with_missing(event)

    def _globs(self, places: Iterable[Place]) -> bool:
        if not self.wild:
            return False
        glob = _test(self.wild, False)
        return any(glob(name) for _, name in places)


def compile_permission(node: Node, on: Iterable[str]) -> Permission:
    """The permission of a node. on: keys of resources that its ON edges lead to."""
    fields = node.fields
    native = fields.get("native")
    native = native if isinstance(native, dict) else {}
    test = compile_native(native)
    resources, ends = _globs(fields.get("resources")), tuple(on)
    excepted = _globs(fields.get("except_resources"))
    if test is not None and test.resources:
        resources = tuple(map(starred, resources))
    if test is not None and test.except_resources:
        # Who asks decides what these leave out.
        excepted = tuple(name for name in excepted if "${" not in name)
    actions = _globs(fields.get("actions"))
    literal = tuple(f"resource:{name}" for name in resources if is_literal(name))
    exact = (*ends, *literal) if literal else ends
    text = fields.get("condition")
    fold = fields.get("fold") is True
    return Permission(
        key=node.key,
        deny=fields.get("effect") == "deny",
        fold=fold,
        globbed=fold or not all(map(is_literal, actions)),
        conditional=bool(text) or test is not None,
        actions=actions,
        except_actions=_globs(fields.get("except_actions")),
        on=ends,
        resources=resources,
        except_resources=excepted,
        exact=exact if len(exact) <= _FEW else frozenset(exact),
        wild=tuple(name for name in resources if not is_literal(name)),
        condition=_condition(text) if isinstance(text, str) and text and test is None else None,
        keys=_globs(native.get("condition_keys")),
        native=test,
    )


def _is_of(action: str, name: str) -> bool:
    """Whether an action of AWS is one of the service whose resource is named, as `aws:arn:...`."""
    service, colon, _ = action.partition(":")
    _, _, rest = name.partition(":arn:")
    return not colon or matcher((service,), fold=True)(rest.split(":")[1] if ":" in rest else rest)


@lru_cache(maxsize=32_768)
def _test(globs: tuple[str, ...], fold: bool) -> Callable[[str], bool]:
    return matcher(globs, fold=fold)


@lru_cache(maxsize=4096)
def _condition(text: str) -> Condition | None:
    """None when it cannot be read: nobody can say whether such a condition holds."""
    try:
        return compile_condition(text)
    except ConditionError:
        return None


def _globs(value: Json) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
