"""What a deployer says of a tool once: its effects, the roles of its arguments, and which of its result's fields are foreign."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec

from graphsvc.errors import BadInput

__all__ = ["ALL", "LEVELS", "Tool", "Tools"]

# How hard each effect is to undo; an action's is that of its worst.
LEVELS: Final[Mapping[str, int]] = {
    "write": 0, "message": 1, "modify": 1, "send": 2, "grant": 2, "assume": 2, "commit": 2,
    "destroy": 3, "account": 3, "pay": 3, "execute": 3,
}  # fmt: skip
ALL: Final = "*"


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    labels: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    party: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration, with the keys of `actions` in policy files. A tool without one is `UNDECLARED`.

    arguments: role by name. text: fields that an outsider can write in free words, `*` = all; party: identities that
    an outsider chooses; key: fields by which a person points at a record; amount: sums. about: nouns of a request.
    """

    effects: tuple[str, ...] = ()
    effects_with_destination: tuple[str, ...] = ()
    arguments: dict[str, str] = {}
    level: int | None = None
    about: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    result: _Result = _Result()
    is_declared: bool = True

    def effects_of(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Its effects for a call: more when a destination is given."""
        if self.effects_with_destination and any(
            arguments.get(name) for name, role in self.arguments.items() if role == "destination"
        ):
            return (*self.effects, *self.effects_with_destination)
        return self.effects

    def level_of(self, effects: tuple[str, ...]) -> int:
        """How hard these effects are to undo, 0 to 3; -1 when they change nothing."""
        found = [LEVELS[effect] for effect in effects if effect in LEVELS]
        return -1 if not found else self.level if self.level is not None else max(found)

    def role(self, name: str) -> str:
        """The role of an argument; of a tool that nobody declared every argument is critical."""
        return self.arguments.get(name, "" if self.is_declared else "target")


UNDECLARED: Final = Tool(effects=("execute",), result=_Result(text=(ALL,)), is_declared=False)


class Tools:
    """Declarations by action name or glob: the exact name, else the glob with most literal characters."""

    def __init__(self, declared: Mapping[str, Tool | Mapping[str, Any]] | None = None) -> None:
        self._exact: dict[str, Tool] = {}
        globs: list[tuple[str, Tool]] = []
        for name, given in (declared or {}).items():
            tool = given if isinstance(given, Tool) else _read(name, given)
            if "*" in name or "?" in name:
                globs.append((name, tool))
            else:
                self._exact[name] = tool
        self._globs = sorted(globs, key=lambda item: -sum(each not in "*?" for each in item[0]))

    @classmethod
    def load(cls, path: Path | str) -> Tools:
        """From a file that `graphsvc policy tools` wrote. BadInput names what is wrong in it."""
        try:
            declared = msgspec.json.decode(Path(path).read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise BadInput(
                f"`{path}`: {error}; write it with `graphsvc policy tools`", field="tools"
            ) from error
        if not isinstance(declared, dict):
            raise BadInput(f"`{path}`: must hold an object of tools by name", field="tools")
        return cls(declared)

    def __getitem__(self, action: str) -> Tool:
        found = self._exact.get(action)
        if found is None:
            found = next((tool for glob, tool in self._globs if fnmatchcase(action, glob)), UNDECLARED)
            self._exact[action] = found
        return found


def _read(name: str, given: Mapping[str, Any]) -> Tool:
    try:
        return msgspec.convert(_listed(given), Tool)
    except msgspec.ValidationError as error:
        raise BadInput(f"tools.{name}: {error}", field=f"tools.{name}") from None


def _listed(given: Mapping[str, Any]) -> dict[str, Any]:
    """One value may stand for a list, as in policy files."""
    plain: dict[str, Any] = {}
    for key, value in given.items():
        if key == "result" and isinstance(value, Mapping):
            plain[key] = {name: [each] if isinstance(each, str) else each for name, each in value.items()}
        elif key in {"effects", "effects_with_destination", "about", "creates", "shown"} and isinstance(
            value, str
        ):
            plain[key] = [value]
        else:
            plain[key] = value
    return plain
