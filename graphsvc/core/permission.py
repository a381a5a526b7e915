"""One permission, compiled: which actions it speaks of, where, and under which condition.

A permission lists globs of actions and resources, with exceptions; `ON` edges name resources it holds for,
with everything they contain. A condition has three answers; what cannot be decided names the attributes that
were missing, so that an enforcement point knows what to send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from graphsvc.core.cel import Condition, ConditionError, compile_condition
from graphsvc.core.event import Event
from graphsvc.core.glob import is_literal, matcher
from graphsvc.core.graph import Node
from graphsvc.core.value import Json

__all__ = ["Permission", "compile_permission"]

Place = tuple[str, str]
_NO_MATCHER = matcher(())


@dataclass(frozen=True, slots=True, eq=False)
class Permission:
    """Compared by identity. deny: it forbids. exact: node keys of resources it names, by edge or by name.

    glob: the resources it names by wildcard, None without any; everywhere: `*` is one of them; anywhere: it holds for every resource.
    condition: None without one; conditional: it has one, perhaps in words this version cannot evaluate.
    keys: attributes that such a condition asks for. samples: resources that stand for all it names, a
    wildcard by its own text. actions: globs of actions, as written.
    """

    key: str
    deny: bool
    action: Callable[[str], bool]
    except_action: Callable[[str], bool]
    exact: frozenset[str]
    glob: Callable[[str], bool] | None
    except_resource: Callable[[str], bool] | None
    anywhere: bool
    conditional: bool
    condition: Condition | None
    keys: tuple[str, ...]
    samples: tuple[str, ...]
    everywhere: bool
    actions: tuple[str, ...]

    def speaks_of(self, action: str) -> bool:
        """True when the action's name fits, wherever it is done."""
        return self.action(action) and not self.except_action(action)

    def covers(self, places: Iterable[Place]) -> bool:
        """True when it holds for a resource, whatever is done there."""
        named = self.everywhere or any(
            key in self.exact or (self.glob is not None and self.glob(name)) for key, name in places
        )
        return named and not self.excepts(places)

    def names(self, places: Iterable[Place]) -> bool:
        """True when it is about a resource: names it, or allows everything everywhere.

        A right on `*` alone says nothing of a resource: most actions have no meaning for most things.
        """
        if self.everywhere:
            about = "*" in self.actions
        else:
            about = self.glob is not None and any(self.glob(name) for _, name in places)
        return (about or any(key in self.exact for key, _ in places)) and not self.excepts(places)

    def excepts(self, places: Iterable[Place]) -> bool:
        """True when it leaves out the resource, or something that contains it."""
        excepted = self.except_resource
        return excepted is not None and any(excepted(name) for _, name in places)

    def holds(self, event: Event | None) -> tuple[bool | None, tuple[str, ...]]:
        """Whether its condition holds for an event; None with the names of what is missing to say so."""
        if not self.conditional:
            return True, ()
        if self.condition is None or event is None:
            return None, self.keys
        answer = self.condition.judge(event)
        return (answer, ()) if answer is not None else self.condition.judge_with_missing(event)


def compile_permission(node: Node, on: Iterable[str]) -> Permission:
    """The permission of a node. on: keys of resources that its ON edges lead to."""
    fields = node.fields
    resources, excepted = _globs(fields.get("resources")), _globs(fields.get("except_resources"))
    literal = [name for name in resources if is_literal(name)]
    wild = [name for name in resources if not is_literal(name)]
    text = fields.get("condition")
    native = fields.get("native")
    native = native if isinstance(native, dict) else {}
    untranslated = bool(native.get("condition") or native.get("condition_keys"))
    fold = fields.get("fold") is True
    except_actions = _globs(fields.get("except_actions"))
    return Permission(
        key=node.key,
        deny=fields.get("effect") == "deny",
        action=_remembered(matcher(_globs(fields.get("actions")), fold=fold)),
        except_action=matcher(except_actions, fold=fold) if except_actions else _NO_MATCHER,
        exact=frozenset((*on, *(f"resource:{name}" for name in literal))),
        glob=matcher(wild) if wild else None,
        except_resource=matcher(excepted) if excepted else None,
        anywhere="*" in wild and not excepted,
        conditional=bool(text) or untranslated,
        condition=_condition(text) if isinstance(text, str) and text and not untranslated else None,
        keys=tuple(_globs(native.get("condition_keys"))),
        everywhere="*" in wild,
        actions=tuple(_globs(fields.get("actions"))),
        samples=(*on, *(f"resource:{name}" for name in resources)),
    )


def _remembered(test: Callable[[str], bool]) -> Callable[[str], bool]:
    known: dict[str, bool] = {}

    def remembering(name: str) -> bool:
        fits = known.get(name)
        if fits is None:
            if len(known) > 4096:
                known.clear()
            # Action names repeat endlessly; resources do not.
            fits = known[name] = test(name)
        return fits

    return remembering


@lru_cache(maxsize=4096)
def _condition(text: str) -> Condition | None:
    """None when it cannot be read: nobody can say whether such a condition holds."""
    try:
        return compile_condition(text)
    except ConditionError:
        return None


def _globs(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
