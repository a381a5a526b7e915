"""What of a person is taken out of stored records, and the statement by which a record may be changed for that.

Names, addresses and aliases of people stand in the facts that imports brought, and in what enforcement points said of a subject
or a delegator beside their ids. Such a record keeps its line in the audit log, which never held them, and so its leaf; what is
stored of it is replaced by the same without them. Its seal does not fit the new content, so a note signed with the log's key says
what the content is now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from operator import is_ as _is

from msgspec.structs import replace

from graphsvc.core.audit.note import Note, SigningKey, open_note
from graphsvc.core.graph import Node
from graphsvc.core.record import Decided, GraphStaged
from graphsvc.core.request import Entity
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = [
    "PERSONAL",
    "Erasure",
    "claims_of",
    "open_erasure",
    "scrubbed",
    "sign_erasure",
    "unclaimed",
    "values_of",
    "without",
    "without_claims",
]

# Names of properties, in any case, that say who somebody is.
PERSONAL = frozenset({
    "name", "displayname", "givenname", "firstname", "surname", "lastname", "familyname", "fullname", "email", "mail", "upn",
    "userprincipalname", "samaccountname", "phone", "telephone", "mobile", "address", "title", "description", "employeeid",
})  # fmt: skip
_TITLE = "graphsvc audit erasure"
_NUMBER = re.compile("[1-9][0-9]{0,18}")


def scrubbed(node: Node, properties: Collection[str], kept: Collection[str]) -> Node:
    """A person's node without their name, the properties (in any case), and all aliases but those that are `kept`."""
    fields = {name: value for name, value in node.fields.items() if name != "name"}
    aliases = fields.get("aliases")
    if isinstance(aliases, list):
        fields["aliases"] = [each for each in aliases if each in kept]
    told = {name: value for name, value in node.properties.items() if name.casefold() not in properties}
    return replace(node, fields=fields, properties=told)


def values_of(node: Node, properties: Collection[str]) -> Iterator[str]:
    """The texts that `scrubbed` takes out, aliases included."""
    found: list[Json] = [node.fields.get("name")]
    aliases = node.fields.get("aliases")
    found += aliases if isinstance(aliases, list) else []
    found += [value for name, value in node.properties.items() if name.casefold() in properties]
    yield from (value for value in found if isinstance(value, str) and value)


def without(record: GraphStaged, key: str, properties: Collection[str], kept: Collection[str]) -> GraphStaged:
    """The record of an import with a person's node scrubbed."""
    nodes = tuple(scrubbed(node, properties, kept) if node.key == key else node for node in record.nodes)
    return replace(record, nodes=nodes)


def claims_of(entity: Entity, properties: Collection[str]) -> Iterator[str]:
    """The texts that `unclaimed` takes out."""
    told = (value for name, value in entity.properties.items() if name.casefold() in properties)
    yield from (value for value in told if isinstance(value, str) and value)


def unclaimed(entity: Entity, properties: Collection[str]) -> Entity:
    """Somebody as a caller named them, without these properties (casefolded)."""
    told = {name: value for name, value in entity.properties.items() if name.casefold() not in properties}
    return entity if len(told) == len(entity.properties) else replace(entity, properties=told)


def without_claims(record: Decided, told: Callable[[Entity], Entity]) -> Decided:
    """A decision in which subject and delegators are as `told` says, the very same where nothing goes."""
    request = record.request
    subject, delegators = told(request.subject), tuple(map(told, request.on_behalf_of))
    if subject is request.subject and all(map(_is, delegators, request.on_behalf_of)):
        return record
    return replace(record, request=replace(request, subject=subject, on_behalf_of=delegators))


@dataclass(frozen=True, slots=True)
class Erasure:
    """That record `seq` is stored otherwise since `at`: with this SHA-256, in hex. size: of the log when it was signed."""

    origin: str
    seq: int
    size: int
    content: str
    at: str
    note: Note


def sign_erasure(key: SigningKey, *, seq: int, size: int, stored: bytes, at: str) -> str:
    """The note for a record of the log whose key this is."""
    return key.sign(f"{_TITLE}\n{key.name}\n{seq}\n{size}\n{sha256(stored).hexdigest()}\n{at}\n")


def open_erasure(text: str) -> Erasure:
    """Read a note; BadInput when it is none. Its signature is not verified."""
    note = open_note(text)
    lines = note.text.split("\n")
    if (
        len(lines) != 7
        or lines[0] != _TITLE
        or not (_NUMBER.fullmatch(lines[2]) and _NUMBER.fullmatch(lines[3]))
    ):
        raise BadInput("is no statement of an erasure", field="note")
    return Erasure(lines[1], int(lines[2]), int(lines[3]), lines[4], lines[5], note)
