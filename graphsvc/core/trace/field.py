"""The fields of one object of a trace, read with their types checked; what nobody asked for is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn

from graphsvc.core.duration import parse_duration
from graphsvc.core.request import Entity
from graphsvc.core.value import Json, parse_time
from graphsvc.errors import BadInput

__all__ = ["Fields", "entity_record"]


class Fields:
    """An object of a trace. BadInput starts with `place` and names the field by its path."""

    __slots__ = ("_asked", "_parts", "path", "place", "record")

    def __init__(self, record: Mapping[str, Json], place: str, path: str = "") -> None:
        self.record = record
        self.place = place
        self.path = path
        self._asked: set[str] = set()
        self._parts: list[Fields] = []

    def get(self, name: str) -> Json:
        """The value as it is; None when it is missing or null."""
        self._asked.add(name)
        return self.record.get(name)

    def ignored(self) -> Iterator[str]:
        """Paths of the fields that were never asked for."""
        for name in self.record:
            if name not in self._asked:
                yield f"{self.path}{name}"
        for part in self._parts:
            yield from part.ignored()

    def fail(self, name: str, message: str) -> NoReturn:
        """Refuse a field: `message` says what is wrong with it."""
        field = f"{self.path}{name}"
        raise BadInput(f"{self.place}: {field} {message}", field=field)

    # -- plain values ----------------------------------------------------------------------------

    def text(self, name: str) -> str:
        """Text that is not empty."""
        value = self.get(name)
        if not isinstance(value, str) or not value:
            self.fail(name, "is missing" if value is None else "must be text that is not empty")
        return value

    def optional_text(self, name: str) -> str | None:
        """Text; None when it is missing, null or empty."""
        return None if self.get(name) in (None, "") else self.text(name)

    def note(self, name: str) -> str:
        """Text that may be left out, then empty."""
        return self.optional_text(name) or ""

    def choice(self, name: str, value: str, allowed: tuple[str, ...]) -> str:
        """`value` when it is one of those allowed."""
        if value not in allowed:
            self.fail(name, f"`{value}` is none of {', '.join(allowed)}")
        return value

    def integer(self, name: str, least: int | None = None) -> int | None:
        """An integer, `least` or above; None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(name, "must be an integer")
        if least is not None and value < least:
            self.fail(name, f"is {value}, must be {least} or more")
        return value

    def share(self, name: str) -> float:
        """A number from 0 to 1."""
        value = self.get(name)
        if value is None:
            self.fail(name, "is missing; write a number from 0 to 1")
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            self.fail(name, f"is `{value}`, must be a number from 0 to 1")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fail(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty when it is missing or null."""
        value = self.get(name)
        items = value if isinstance(value, list) else [] if value is None else [None]
        texts = tuple(item for item in items if isinstance(item, str))
        if len(texts) != len(items):
            self.fail(name, "must be a list of texts")
        return texts

    # -- time ------------------------------------------------------------------------------------

    def time(self, name: str) -> int:
        """An RFC 3339 time in Unix milliseconds."""
        text = self.text(name)
        try:
            return parse_time(text)
        except BadInput as error:
            field = f"{self.path}{name}"
            raise BadInput(f"{self.place}: {field}: {error}", field=field) from None

    def optional_time(self, name: str) -> int | None:
        """The same; None when it is missing or null."""
        return None if self.get(name) is None else self.time(name)

    def duration(self, name: str) -> int:
        """A span such as `1h` in milliseconds, above zero."""
        text = self.text(name)
        try:
            return parse_duration(text)
        except ValueError as error:
            self.fail(name, str(error))

    # -- objects ---------------------------------------------------------------------------------

    def mapping(self, name: str) -> dict[str, Json]:
        """An object of any content, empty when it is missing or null."""
        return self.optional_mapping(name) or {}

    def optional_mapping(self, name: str) -> dict[str, Json] | None:
        """An object of any content; None when it is missing or null."""
        value = self.get(name)
        if value is not None and not isinstance(value, dict):
            self.fail(name, "must be an object")
        return value

    def part(self, name: str) -> Fields:
        """The fields of an object that must be there."""
        if self.get(name) is None:
            self.fail(name, "is missing")
        return self._part(self.mapping(name), name)

    def optional_part(self, name: str) -> Fields | None:
        """The same; None when it is missing or null."""
        return None if self.get(name) is None else self.part(name)

    def parts(self, name: str) -> list[Fields]:
        """The fields of every object of a list, empty when it is missing or null."""
        value = self.get(name)
        found = []
        for index, item in enumerate(value if isinstance(value, list) else [] if value is None else [None]):
            if not isinstance(item, dict):
                self.fail(name, "must be a list of objects")
            found.append(self._part(item, f"{name}[{index}]"))
        return found

    def entity(self, name: str, default_type: str) -> Entity:
        """A subject, person or resource; its type may be left out."""
        return self.part(name).as_entity(default_type)

    def as_entity(self, default_type: str) -> Entity:
        """These fields as a subject, person or resource."""
        return Entity(self.optional_text("type") or default_type, self.text("id"), self.mapping("properties"))

    def _part(self, record: Mapping[str, Json], name: str) -> Fields:
        part = Fields(record, self.place, f"{self.path}{name}.")
        self._parts.append(part)
        return part


def entity_record(entity: Entity) -> dict[str, Json]:
    """An entity as a trace holds it; reading it gives an equal one."""
    record: dict[str, Json] = {"type": entity.type, "id": entity.id}
    if entity.properties:
        record["properties"] = entity.properties
    return record
