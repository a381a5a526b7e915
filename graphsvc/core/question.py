"""What the conditions of permissions ask for, kept up as permissions come and go."""

from __future__ import annotations

from collections import Counter

from graphsvc.core.permission import Permission

__all__ = ["Questions"]


class Questions:
    """conditions: those in CEL; keys: what native ones ask for; each by how many. version: grows when there are others."""

    def __init__(self) -> None:
        self.conditions: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.version = 0

    def clear(self) -> None:
        """Nothing is asked."""
        self.conditions.clear()
        self.keys.clear()
        self.version += 1

    def ask(self, permission: Permission, by: int) -> None:
        """A permission with a condition comes (1) or goes (-1)."""
        asked = [(self.keys, key) for key in permission.native.keys] if permission.native is not None else []
        if permission.condition is not None:
            asked.append((self.conditions, permission.condition.text))
        for held, name in asked:
            before = held[name]
            held[name] = before + by
            if not before or not held[name]:
                self.version += 1
            if not held[name]:
                del held[name]
