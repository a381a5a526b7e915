"""Everything an identity holds, as one value for all who hold the same: what static questions ask of."""

from __future__ import annotations

from graphsvc.core.permission import Permission

__all__ = ["Held"]


class Held:
    """Permissions in the order in which they are held, and caps by level. Compared by identity.

    personal: a condition of one of them may ask who it is, so that holding the same is not being allowed the same.
    plain: all of them simply allow something, and there is no cap, so that each adds what it says and takes nothing away.
    """

    __slots__ = ("_by_action", "caps", "permissions", "personal", "plain")

    def __init__(
        self,
        permissions: tuple[Permission, ...],
        caps: tuple[tuple[Permission, ...], ...],
        *,
        simple: bool = False,
    ) -> None:
        """simple: it is known that all permissions there are simply allow something, and that there is no cap."""
        self.permissions = permissions
        self.caps = caps
        self.personal = not simple and any(
            each.native is not None for level in (permissions, *caps) for each in level
        )
        self.plain = simple or (not caps and all(each.is_plain for each in permissions))
        self._by_action: dict[str, tuple[Permission, ...]] = {}

    def of(self, action: str) -> tuple[Permission, ...]:
        """Permissions that speak of the action."""
        found = self._by_action.get(action)
        if found is None:
            found = self._by_action[action] = tuple(
                each for each in self.permissions if each.speaks_of(action)
            )
        return found

    def free(self, action: str) -> bool:
        """True when the action is allowed on every resource whatever the request holds."""
        speaking = self.of(action)
        return (
            not self.caps
            and not any(each.deny for each in speaking)
            and any(each.anywhere and not each.conditional for each in speaking)
        )

    def samples(self, action: str) -> tuple[str, ...]:
        """Resources that stand for all that permissions and caps say of the action, those left out by one too."""
        caps = (cap for level in self.caps for cap in level if cap.speaks_of(action))
        found: dict[str, None] = {}
        for each in (*self.of(action), *caps):
            found |= dict.fromkeys(each.samples)
            # What a denial leaves out is where an allowance still holds.
            found |= dict.fromkeys(f"resource:{name}" for name in each.except_resources)
        return tuple(found)
