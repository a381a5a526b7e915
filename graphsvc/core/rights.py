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


@dataclass(frozen=True, slots=True)
class Right:
    """The answer. code: `entitled`, `not_entitled`, `denied_explicitly` or `condition_unknown`.

    rule: key of the permission that decided it, if one did. capped: a cap forbids it, so that no
    grant may allow it either.
    """

    allowed: bool
    code: str
    rule: str | None = None
    capped: bool = False


@dataclass(frozen=True, slots=True)
class _Permission:
    key: str
    deny: bool
    conditional: bool
    action: Callable[[str], bool]
    except_action: Callable[[str], bool]
    resource: Callable[[str], bool]
    except_resource: Callable[[str], bool] | None
    on: frozenset[str]
    anywhere: bool
    known_actions: dict[str, bool]

    def speaks_of(self, action: str) -> bool:
        """True when the action's name fits, wherever it is done."""
        fits = self.known_actions.get(action)
        if fits is None:
            # Action names repeat endlessly; resources do not.
            fits = self.known_actions[action] = self.action(action) and not self.except_action(action)
        return fits

    def covers(self, action: str, places: Iterable[tuple[str, str]]) -> bool:
        """places: keys and names of the resource and of what contains it."""
        if not self.speaks_of(action):
            return False
        if self.anywhere:
            return True
        if self.except_resource is not None:
            for _, name in places:
                if self.except_resource(name):
                    return False
        on, resource = self.on, self.resource
        for key, name in places:  # noqa: SIM110  a loop costs half of a generator
            if key in on or resource(name):
                return True
        return False


class _Held:
    """Permissions and caps of everybody who holds exactly these; answers per action are remembered."""

    __slots__ = ("by_action", "caps", "permissions")

    def __init__(
        self, permissions: tuple[_Permission, ...], caps: tuple[tuple[_Permission, ...], ...]
    ) -> None:
        self.permissions = permissions
        self.caps = caps
        self.by_action: dict[str, tuple[tuple[_Permission, ...], Right | None]] = {}

    def of(self, action: str) -> tuple[tuple[_Permission, ...], Right | None]:
        """Permissions that speak of the action, and the answer when the resource does not matter."""
        found = self.by_action.get(action)
        if found is None:
            speaking = tuple(permission for permission in self.permissions if permission.speaks_of(action))
            answer = None
            if not speaking and not self.caps:
                answer = Right(False, "not_entitled")
            elif not self.caps and not any(permission.deny for permission in speaking):
                free = next((each for each in speaking if each.anywhere and not each.conditional), None)
                answer = Right(True, "entitled", free.key) if free is not None else None
            found = self.by_action[action] = (speaking, answer)
        return found


class Rights:
    """Answers over an estate; what is remembered is forgotten when the estate changes."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._version = -1
        self._permissions: dict[str, _Permission] = {}
        self._held: dict[str, _Held] = {}
        self._sets: dict[tuple[tuple[str, ...], ...], _Held] = {}

    def check(self, identity: str, action: str, resource: str) -> Right:
        """identity, resource: keys. An identity without permissions is not entitled."""
        self.follow()
        held = self._held.get(identity) or self._of(identity)
        speaking, answer = held.of(action)
        return answer if answer is not None else self._decide(speaking, held.caps, action, resource)

    def count(self, identity: str) -> int:
        """How many permissions the identity holds."""
        self.follow()
        return len(self._of(identity).permissions)

    def follow(self) -> None:
        """Forget what was remembered of an older version of the estate."""
        if self._version != self._estate.version:
            self._permissions.clear()
            self._held.clear()
            self._sets.clear()
            self._version = self._estate.version

    def _decide(
        self,
        speaking: tuple[_Permission, ...],
        caps: tuple[tuple[_Permission, ...], ...],
        action: str,
        resource: str,
    ) -> Right:
        places = self._estate.places(resource)
        allowed: str | None = None
        unknown: str | None = None
        for permission in speaking:
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
            if all(cap.conditional for cap in covering):
                code = "condition_unknown" if covering else "not_entitled"
                return Right(False, code, covering[0].key if covering else None, capped=True)
        if allowed is not None:
            return Right(True, "entitled", allowed)
        if unknown is not None:
            return Right(False, "condition_unknown", unknown)
        return Right(False, "not_entitled")

    def _of(self, identity: str) -> _Held:
        held = self._held.get(identity)
        if held is None:
            holders = self._estate.holders(identity)
            keys = dict.fromkeys(key for holder in holders for key in self._estate.out("GRANTED", holder))
            levels: dict[str, dict[str, None]] = {}
            for holder in holders:
                for key, edge in self._estate.out("CAPPED_BY", holder).items():
                    levels.setdefault(str(edge.properties.get("level", "boundary")), {})[key] = None
            name = (tuple(keys), *(tuple(level) for level in levels.values()))
            held = self._sets.get(name)
            if held is None:
                caps = tuple(tuple(self._compiled(level)) for level in levels.values())
                held = self._sets[name] = _Held(tuple(self._compiled(keys)), caps)
            self._held[identity] = held
        return held

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
        except_resource=matcher(excepted) if (excepted := _globs(fields.get("except_resources"))) else None,
        on=on,
        anywhere="*" in _globs(fields.get("resources")) and not _globs(fields.get("except_resources")),
        known_actions={},
    )


def _globs(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
