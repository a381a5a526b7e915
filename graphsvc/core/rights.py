"""Entitlement: may this identity do this to that, by the permissions it holds?

An action is allowed when a permission of any holder (the identity, its groups, their roles) allows
it and none denies it. Caps (boundaries, organisation policies) must allow it too, one of each level.
A condition this version cannot evaluate is unknown: of an allow that means no, of a deny it means yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.glob import matcher
from graphsvc.core.graph import Node
from graphsvc.core.value import Json

__all__ = ["Right", "Rights"]

_CACHE_LIMIT = 500_000


@dataclass(frozen=True, slots=True)
class Right:
    """The answer. code: `entitled`, `not_entitled`, `denied_explicitly` or `condition_unknown`.

    rule: key of the permission that decided it, if one did.
    """

    allowed: bool
    code: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class _Permission:
    key: str
    deny: bool
    conditional: bool
    action: Callable[[str], bool]
    except_action: Callable[[str], bool]
    resource: Callable[[str], bool]
    except_resource: Callable[[str], bool]
    on: frozenset[str]
    anywhere: bool
    known_actions: dict[str, bool]

    def covers(self, action: str, places: Iterable[str]) -> bool:
        """places: keys of the resource and of what contains it."""
        fits = self.known_actions.get(action)
        if fits is None:
            # Action names repeat endlessly; resources do not.
            fits = self.known_actions[action] = self.action(action) and not self.except_action(action)
        if not fits or self.anywhere:
            return fits
        names = [(place, place.partition(":")[2]) for place in places]
        if any(self.except_resource(name) for _, name in names):
            return False
        return any(place in self.on or self.resource(name) for place, name in names)


class Rights:
    """Answers over an estate; remembers them until the estate changes."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._version = -1
        self._permissions: dict[str, _Permission] = {}
        self._held: dict[str, tuple[tuple[_Permission, ...], tuple[tuple[_Permission, ...], ...]]] = {}
        # Who may act for whom, by (acting identity, delegators ...); filled by `entitlement`.
        self.standings: dict[tuple[str, ...], object] = {}
        self._answers: dict[tuple[str, str, str], Right] = {}

    def check(self, identity: str, action: str, resource: str) -> Right:
        """identity, resource: keys. An identity without permissions is not entitled."""
        self.follow()
        question = (identity, action, resource)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= _CACHE_LIMIT:
                self._answers.clear()
            answer = self._answers[question] = self._decide(identity, action, resource)
        return answer

    def count(self, identity: str) -> int:
        """How many permissions the identity holds."""
        self.follow()
        return len(self._of(identity)[0])

    def follow(self) -> None:
        """Forget what was remembered of an older version of the estate."""
        if self._version != self._estate.version:
            self._permissions.clear()
            self._held.clear()
            self._answers.clear()
            self.standings.clear()
            self._version = self._estate.version

    def _decide(self, identity: str, action: str, resource: str) -> Right:
        held, caps = self._of(identity)
        places = self._estate.ancestors(resource)
        allowed: str | None = None
        unknown: str | None = None
        for permission in held:
            if not permission.covers(action, places):
                continue
            if permission.deny:
                return Right(False, "denied_explicitly", permission.key)
            if permission.conditional:
                unknown = unknown or permission.key
            else:
                allowed = allowed or permission.key
        for level in caps:
            covering = [cap for cap in level if cap.covers(action, places)]
            denied = next((cap for cap in covering if cap.deny), None)
            if denied is not None:
                return Right(False, "denied_explicitly", denied.key)
            if not any(not cap.conditional for cap in covering):
                if allowed is not None and covering:
                    return Right(False, "condition_unknown", covering[0].key)
                allowed = None
        if allowed is not None:
            return Right(True, "entitled", allowed)
        if unknown is not None:
            return Right(False, "condition_unknown", unknown)
        return Right(False, "not_entitled")

    def _of(self, identity: str) -> tuple[tuple[_Permission, ...], tuple[tuple[_Permission, ...], ...]]:
        found = self._held.get(identity)
        if found is None:
            holders = self._estate.holders(identity)
            held = {key: None for holder in holders for key in self._estate.out("GRANTED", holder)}
            levels: dict[str, dict[str, None]] = {}
            for holder in holders:
                for key, edge in self._estate.out("CAPPED_BY", holder).items():
                    levels.setdefault(str(edge.properties.get("level", "boundary")), {})[key] = None
            found = self._held[identity] = (
                tuple(self._compiled(held)),
                tuple(tuple(self._compiled(level)) for level in levels.values()),
            )
        return found

    def _compiled(self, keys: Iterable[str]) -> Iterable[_Permission]:
        for key in keys:
            compiled = self._permissions.get(key)
            if compiled is None:
                node = self._estate.node(key)
                if node is None:
                    continue
                compiled = self._permissions[key] = _compile(node, frozenset(self._estate.out("ON", key)))
            yield compiled


def _compile(node: Node, on: frozenset[str]) -> _Permission:
    fields = node.fields
    native = fields.get("native")
    unknown = isinstance(native, dict) and bool(native.get("condition") or native.get("condition_keys"))
    fold = fields.get("fold") is True
    return _Permission(
        key=node.key,
        deny=fields.get("effect") == "deny",
        conditional=bool(fields.get("condition")) or unknown,
        action=matcher(_globs(fields.get("actions")), fold=fold),
        except_action=matcher(_globs(fields.get("except_actions")), fold=fold),
        resource=matcher(_globs(fields.get("resources"))),
        except_resource=matcher(_globs(fields.get("except_resources"))),
        on=on,
        anywhere="*" in _globs(fields.get("resources")) and not _globs(fields.get("except_resources")),
        known_actions={},
    )


def _globs(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
