"""Provenance of one chain: takes in results, and says of each call where the values of its arguments came from.

    tracker = Tracker("Pay the bill in bill.txt", tools)
    claim = tracker.ask("bank:Pay", {"to": "...", "amount": 98.7})      # into decide
    told = tracker.note("files:Read", {"path": "bill.txt"}, result)       # into report

Content stays here: a claim holds facts and hashes, and as properties only values that say where something goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from graphsvc.client.provenance.argument import Value, content_of, texts_of, values_of
from graphsvc.client.provenance.fact import Finder
from graphsvc.client.provenance.index import Index, Standing
from graphsvc.client.provenance.lexicon import requested
from graphsvc.client.provenance.mechanism import Mechanism
from graphsvc.client.provenance.record import PARTY, TEXT, Record, records_of
from graphsvc.client.provenance.request import UserRequest
from graphsvc.client.provenance.salt import Hasher
from graphsvc.client.provenance.token import Token, as_token
from graphsvc.client.provenance.tool import ALL, Tool, Tools

__all__ = ["Claim", "Told", "Tracker"]

MAX_TOKENS: Final = 2_000
_CRITICAL: Final = ("destination", "target", "value")
_READS: Final = ("read", "fetch")
_SENT: Final = ("destination", "target", "locator")


class Claim(NamedTuple):
    """What goes into a request: its `arguments`, `context.provenance`, and properties of the action."""

    arguments: list[dict[str, Any]]
    provenance: dict[str, Any]
    properties: dict[str, Any]


class Told(NamedTuple):
    """What goes into a report: labels that were found in the result, and hashes of its values."""

    labels: list[str]
    tokens: list[str]


class Tracker:
    """One chain's. request: the user's words. known: values that a directory vouches for, used for content alone.

    salt: of the hashes, see `Hasher`. without: parts to leave out.
    """

    def __init__(
        self, request: str, tools: Tools, *, known: Collection[str] = (), salt: bytes | None = None,
        without: Collection[Mechanism] = (),
    ) -> None:  # fmt: skip
        self._without = frozenset(without)
        short = Mechanism.short_numbers not in self._without
        self.request = UserRequest(request, short_numbers=short)
        self._tools = tools
        self._index = Index(short_numbers=short)
        self._hash = Hasher(salt)
        self._created: set[str] = set()
        self._known = {token for value in known if (token := as_token(value)) is not None}
        self._finder = Finder(self.request, self._index, self._created, self._without)
        self._asked: dict[tuple[str, tuple[str, ...]], str] = {}

    def add_request(self, text: str) -> None:
        """The user said more."""
        self.request.add(text)
        self._asked.clear()

    def intent_tokens(self) -> list[str]:
        """Hashes of the typed values that the request names, for the chain's intent."""
        return sorted(self._hash(token) for token in self.request.tokens)[:1_000]

    def ask(self, action: str, arguments: Mapping[str, Any]) -> Claim:
        """Where the values of a call's arguments came from. Arguments by name, as the tool takes them."""
        tool = self._tools[action]
        effects = tool.effects_of(arguments)
        level = tool.level_of(effects)
        values = list(values_of(tool, arguments, level, is_fetch="fetch" in effects))
        subjects = [each.text for each in values if each.role == "subject"]
        told: list[dict[str, Any]] = []
        details: dict[str, list[dict[str, Any]]] = {}
        for value in values:
            if value.role not in _CRITICAL and not (value.role == "locator" and "fetch" in effects):
                continue
            found = self._finder.find(value, level, subjects)
            told.append(self._entry(value, found.fact, found.designation))
            details.setdefault(value.name, []).append(found.detail)
        if Mechanism.content not in self._without:
            told += self._content(tool, arguments)
        ratio = self._amount(values, told)
        provenance: dict[str, Any] = {"requested": self._requested(action, tool, effects)}
        if details:
            provenance["arguments"] = details
        if ratio is not None:
            provenance["amount"] = ratio
        properties = {
            name: _sent(value)
            for name, value in arguments.items()
            if tool.role(name) in _SENT and value not in (None, "", [])
        }
        return Claim(told, provenance, properties)

    def note(self, action: str, arguments: Mapping[str, Any], result: Any, *, succeeded: bool = True) -> Told:
        """Take in what a call returned; of one that failed, its error's text counts as foreign."""
        tool = self._tools[action]
        asked = values_of(tool, arguments, 0, is_fetch="fetch" in tool.effects)
        values = list(asked)
        read = tool if succeeded and Mechanism.field_labels not in self._without else _foreign(tool)
        records, is_cut = records_of(read, result, {value.text for value in values})
        self._index.is_cut = self._index.is_cut or is_cut
        standings = self._standings(tool, values, records)
        # What an action gives back of what it was given is vouched for by nobody; a look-up vouches for what it finds.
        acts = any(effect not in _READS for effect in tool.effects_of(arguments))
        seen = dict.fromkeys(
            self._index.add(
                records, standings, action, keys=tool.result.key, amounts=tool.result.amount,
                given=list(texts_of(arguments)) if acts else (),
            )
        )  # fmt: skip
        tokens = [f"{kind}.{self._hash(token)}" for kind, token in seen]
        if succeeded and Mechanism.creates not in self._without:
            tokens = [*self._create(tool, arguments), *tokens]
        if len(tokens) > MAX_TOKENS or self._index.is_cut:
            tokens = [*tokens[: MAX_TOKENS - 1], "cut"]
        origins = {field.origin for record in records for field in record.fields}
        labels = [label for origin, label in ((TEXT, "untrusted"), (PARTY, "party")) if origin in origins]
        if not tool.is_declared:
            labels.append("sensitive")
        return Told([label for label in labels if label not in tool.result.labels], tokens)

    def explain(self, action: str, arguments: Mapping[str, Any]) -> list[str]:
        """For a developer or an approver: each critical value, its fact, where it was read, and its rivals."""
        tool = self._tools[action]
        effects = tool.effects_of(arguments)
        level = tool.level_of(effects)
        values = list(values_of(tool, arguments, level, is_fetch="fetch" in effects))
        subjects = [each.text for each in values if each.role == "subject"]
        lines = [f"the request: {self._requested(action, tool, effects)}; level {level}"]
        if not tool.is_declared:
            lines.append(
                "no declaration of this tool, so its results are foreign and every argument is critical"
            )
        for value in values:
            if value.role not in _CRITICAL and value.role != "locator":
                continue
            found = self._finder.find(value, level, subjects)
            line = f"`{value.name}` = {value.text!r}: {found.fact}"
            if found.designation:
                line += f", designation {found.designation}"
            seen = self._index.find(value.text, is_place=value.is_place)
            if seen is not None and seen.source:
                line += f", first read in a result of {seen.source}"
            if value.token is not None and (rivals := self._index.rivals(value.token)):
                line += f"; of the same type: {', '.join(rivals)}"
            lines.append(line)
        return lines

    # -- inside ----------------------------------------------------------------------------------

    def _entry(self, value: Value, fact: str, designation: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": value.name, "role": value.role, "fact": fact, "tokens": []}
        if value.token is not None:
            entry["tokens"] = [self._hash(value.token)]
        if designation:
            entry["designation"] = designation
        return entry

    def _content(self, tool: Tool, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One entry for each content: the fact of its first value that nothing vouches for."""
        told = []
        for name, tokens in content_of(tool, arguments):
            fact, hashes = "named_by_intent", []
            for token in tokens:
                if token in self._known:
                    continue
                found = self._finder.fact_of_token(token)
                hashes.append(self._hash(token))
                if (found not in ("named_by_intent", "clean") and fact in ("named_by_intent", "clean")) or (
                    found == "clean" and fact == "named_by_intent"
                ):
                    fact = found
            told.append({"name": name, "role": "content", "fact": fact, "tokens": hashes[:100]})
        return told

    def _amount(self, values: list[Value], told: list[dict[str, Any]]) -> float | None:
        """Adds the facts of amounts; the largest of them as a multiple of what is known of order or payee."""
        sums = [value for value in values if value.role == "amount"]
        ratio: float | None = None
        for value in sums:
            number = value.number
            if number is None:
                continue
            fact = (
                "named_by_intent"
                if number in self.request.numbers
                else "clean"
                if number in self._index.numbers
                else "unprovenanced"
            )
            told.append({"name": value.name, "role": "amount", "fact": fact, "tokens": []})
            if fact != "unprovenanced" or Mechanism.amount in self._without:
                continue
            places = [each for each in values if each.role in ("destination", "target")]
            largest = self._index.largest_amount([each.text for each in places])
            if largest is None and places and all(each.role == "target" for each in places):
                # An order that was not read keeps its payee: as much as was ever paid is nothing new.
                largest = self._index.largest_amount()
            if largest:
                ratio = max(ratio or 0.0, round(number / largest, 4))
        return ratio

    def _requested(self, action: str, tool: Tool, effects: tuple[str, ...]) -> str:
        if Mechanism.requested in self._without:
            return "requested"
        key = (action, effects)
        found = self._asked.get(key)
        if found is None:
            delegation = Mechanism.delegation not in self._without
            found = requested(self.request.text, action, tool, effects, delegation=delegation)
            self._asked[key] = found
        return found

    def _standings(self, tool: Tool, values: list[Value], records: list[Record]) -> list[Standing]:
        if Mechanism.designation in self._without:
            return [Standing() for _ in records]
        is_page = "fetch" in tool.effects
        places = [value for value in values if value.role == "locator"]
        queries = [value.text for value in values if value.role == "query"]
        by_query = any(self.request.has_words(query) for query in queries)
        found = []
        for record in records:
            mine = [value for value in places if record.echo is None or value.text == record.echo] or places
            named = [value for value in mine if self.request.names(value.text, is_place=is_page)]
            if named:
                sentences = tuple(
                    at for value in named for at in self.request.sentences(value.text, is_place=is_page)
                )
                found.append(Standing(3, sentences, is_page, whole=True))
            elif by_query:
                found.append(Standing(2, (), is_page, whole=True))
            elif any(self._is_key(tool, field.name, field.text) for field in record.fields):
                found.append(Standing(2, (), is_page))
            elif any(self._is_hop(value.text, is_page=is_page) for value in mine):
                found.append(Standing(1, (), is_page, whole=True))
            else:
                found.append(Standing(0, (), is_page, whole=True))
        return found

    def _is_key(self, tool: Tool, name: str, text: str) -> bool:
        """A field by which a person points at a record, and which the request names unmistakably."""
        if name not in tool.result.key or not self.request.names(text):
            return False
        return as_token(text) is not None or " " in text.strip() or "." in text or name in tool.result.party

    def _is_hop(self, text: str, *, is_page: bool) -> bool:
        seen = self._index.find(text, is_place=is_page)
        return seen is not None and seen.designation >= 2

    def _create(self, tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
        tokens = []
        for name in tool.creates:
            given = arguments.get(name)
            for item in given if isinstance(given, list | tuple) else [given]:
                if item not in (None, ""):
                    self._created.add(str(item).casefold())
                    token: Token | None = as_token(str(item))
                    if token is not None:
                        tokens.append(f"c.{self._hash(token)}")
        return tokens


def _sent(value: Any) -> Any:
    """A value as it goes into a request: plain, whatever the tool takes."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_sent(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _foreign(tool: Tool) -> Tool:
    return Tool(
        effects=tool.effects,
        arguments=tool.arguments,
        creates=tool.creates,
        result=type(tool.result)(text=(ALL,)),
    )
