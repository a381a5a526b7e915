"""Asking a running service: the same questions as of a store, over GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import aiohttp
import msgspec

from graphsvc.core.governing import FindingRegistered
from graphsvc.core.graph import Edge, Node, facts_of, to_record
from graphsvc.core.ledger import Ledger
from graphsvc.core.record import Record
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.decide.command import DecideCommand
from graphsvc.errors import BadInput, GraphsvcError, NotAllowed, StoreError, StoreUnavailable

__all__ = ["Remote", "open_remote"]

_TIMEOUT_S = 120.0
# Facts and records asked for at once; and how often a graph that changes meanwhile is read again.
_FACTS, _RECORDS, _TRIES = 5_000, 1_000, 3
_MAX_BODY_BYTES = 1 << 20
_JUDGED = """
  verdict reasons { code message rule retryable }
  completions { pattern { id title severity } explanation
    path { step action decision subject resource chain index at } }
  risk { before after delta beforeMicros afterMicros }
  nearest { pattern { id title severity } remaining feasible } revision
"""
_DECIDED = f"""
  id {_JUDGED} chain subject {{ type id }} onBehalfOf {{ type id }} action resource {{ type id }}
  auditId replayed decidedAt
"""
_EDGE = "{ type from to }"
_HANGS_ON = (
    f"pattern single {_EDGE} repair {_EDGE} grants earlier"
    f" steps {{ step decision action party single {_EDGE} cut {_EDGE} }}"
)
_FAILED = "... on Failure { code message field }"
_VERSION = "pack version inForce publishedAt publishedBy comment sha256"
_ENTRY = "id pattern identity fingerprint owner due accepted_until: acceptedUntil reason by: registeredBy"
_PATTERN = "id title severity onMatch scope pack version steps"


class Remote:
    """An `Admin` over a service's API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def publish(self, texts: Sequence[tuple[str, str]], comment: str) -> str:
        """Put packs into force; the revision."""
        query = f"mutation($i: PublishPolicyInput!) {{ publishPolicy(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        files: list[Json] = [{"yaml": text, "file": file} for text, file in texts]
        return await self._revision(query, {"i": {"files": files, "comment": comment}})

    async def rollback(self, pack: str, version: str | None, comment: str) -> str:
        """Put an earlier text of a pack into force again; the revision."""
        query = f"mutation($i: RollbackInput!) {{ rollbackPolicy(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        return await self._revision(query, {"i": {"pack": pack, "version": version, "comment": comment}})

    async def versions(self) -> list[dict[str, Json]]:
        """Every publication of every pack, newest first."""
        return cast("list[dict[str, Json]]", await self._ask(f"{{ policies {{ {_VERSION} }} }}", {}))

    async def patterns(self) -> list[dict[str, Json]]:
        """The patterns in force."""
        return cast("list[dict[str, Json]]", await self._ask(f"{{ patterns {{ {_PATTERN} }} }}", {}))

    async def load(
        self,
        source: str,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        *,
        replace: bool,
        staged: Callable[[int], None],
    ) -> str:
        """Make facts visible at once; the revision."""
        query = f"mutation($i: UpsertGraphInput!) {{ upsertGraph(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        records: list[Json] = [*map(to_record, nodes), *map(to_record, edges)]
        revision = await self._revision(
            query, {"i": {"source": source, "records": records, "replace": replace}}
        )
        staged(len(records))
        return revision

    async def source(self, name: str) -> tuple[list[Node], list[Edge]]:
        """What one source asserts now, from the whole log."""
        nodes, edges = (await self._world()).estate.facts().get(name, ({}, {}))
        return list(nodes.values()), list(edges.values())

    async def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole graph, merged over its sources, page by page."""
        for _ in range(_TRIES):
            try:
                return facts_of([record async for record in self._pages("graphRecords", _FACTS)])
            except BadInput as error:
                # The graph changed between two pages.
                changed = error
        raise changed

    async def packs(self) -> tuple[list[tuple[str, str]], str]:
        """Texts and file names of the packs in force, and the revision of the answer."""
        found = cast("list[dict[str, str]]", await self._ask("{ policies { file text inForce } }", {}))
        page = cast("dict[str, str]", await self._ask("{ graphRecords(first: 1) { revision } }", {}))
        # Newest first; packs act in the order in which they were published.
        return [(each["text"], each["file"]) for each in reversed(found) if each["inForce"]], page["revision"]

    async def register(self) -> list[FindingRegistered]:
        """What is agreed about findings, newest first."""
        found = cast("list[dict[str, Json]]", await self._ask(f"{{ findingRegister {{ {_ENTRY} }} }}", {}))
        return [
            msgspec.convert({"kind": "finding_registered", "at_ms": 0, **each}, FindingRegistered)
            for each in found
        ]

    async def counterfactual(self, decision_id: str) -> list[dict[str, Json]]:
        """For each completion of a decision the grants without which its path would not exist."""
        query = f"query($id: ID!) {{ decision(id: $id) {{ counterfactuals {{ {_HANGS_ON} }} }} }}"
        found = cast("dict[str, Json] | None", await self._ask(query, {"id": decision_id}))
        return cast("list[dict[str, Json]]", found["counterfactuals"]) if found is not None else []

    async def history(self) -> AsyncIterator[tuple[int, Record]]:
        """Every record with its number, oldest first."""
        async for each in self._pages("logRecords", _RECORDS):
            numbered = cast("dict[str, Json]", each)
            yield cast("int", numbered["seq"]), msgspec.convert(numbered["record"], Record)

    async def _world(self) -> World:
        world = World(decided=Ledger(None))
        async for seq, record in self.history():
            world.apply(record, seq)
        return world

    async def _pages(self, field: str, size: int) -> AsyncIterator[Json]:
        query = (
            f"query($n: Int!, $after: String) {{ {field}(first: $n, after: $after) {{ records endCursor }} }}"
        )
        after: Json = None
        while True:
            page = cast("dict[str, Json]", await self._ask(query, {"n": size, "after": after}))
            for record in cast("list[Json]", page["records"]):
                yield record
            after = page["endCursor"]
            if after is None:
                return

    async def decide(self, document: dict[str, Json], command: DecideCommand) -> dict[str, Json]:
        """Judge and record."""
        del command
        query = f"mutation($i: DecideInput!) {{ decide(input: $i) {{ ... on Decision {{ {_DECIDED} }} {_FAILED} }} }}"
        return _carried_out(await self._ask(query, {"i": document}))

    async def evaluate(
        self, document: dict[str, Json], command: DecideCommand, as_of: str | None = None
    ) -> dict[str, Json]:
        """Judge; nothing changes. as_of: a revision, to judge as it would have been then."""
        del command
        query = (
            f"query($i: DecideInput!, $at: String) {{ evaluate(input: $i, asOf: $at) {{ {_JUDGED} stale }} }}"
        )
        return cast("dict[str, Json]", await self._ask(query, {"i": document, "at": as_of}))

    async def decision(self, decision_id: str) -> dict[str, Json] | None:
        """A decision made earlier."""
        found = await self._ask(
            f"query($id: ID!) {{ decision(id: $id) {{ {_DECIDED} }} }}", {"id": decision_id}
        )
        return cast("dict[str, Json] | None", found)

    async def ask(self, query: str, variables: dict[str, Json]) -> Json:
        """The one field of a query's answer."""
        return await self._ask(query, variables)

    async def change(self, query: str, variables: dict[str, Json]) -> dict[str, Json]:
        """The one field of a mutation's answer; its failures as their kinds of error."""
        return _carried_out(await self._ask(query, variables))

    async def _revision(self, query: str, variables: dict[str, Json]) -> str:
        return str(_carried_out(await self._ask(query, variables))["revision"])

    async def _ask(self, query: str, variables: dict[str, Json]) -> Json:
        """The one field of the answer; errors as their kinds."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        if len(body) > _MAX_BODY_BYTES:
            raise BadInput(
                f"{len(body):,} bytes are more than the service takes ({_MAX_BODY_BYTES:,}); stop it and use --store"
            )
        try:
            async with self._session.post("/graphql", data=body) as response:
                status, text = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
            raise StoreUnavailable(f"`{self._url}` {reason}; is `graphsvc serve` running there?") from error
        return self._field(status, text)

    def _field(self, status: int, text: bytes) -> Json:
        try:
            answer = msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise StoreUnavailable(
                f"`{self._url}` answers {status}, not as graphsvc does; check --server"
            ) from None
        if status in {401, 403}:
            told = answer.get("error", {}).get("message", "the token is refused")
            raise NotAllowed(f"`{self._url}`: {told}; give one with --token")
        if errors := answer.get("errors"):
            told = f"`{self._url}`: {errors[0].get('message', 'error')}"
            match errors[0].get("extensions", {}).get("code"):
                case "invalid_request":
                    raise BadInput(told)
                case "not_allowed":
                    raise NotAllowed(told)
                case _:
                    raise StoreError(told)
        if not isinstance(answer.get("data"), dict):
            raise StoreUnavailable(f"`{self._url}` answers {status} without data; check --server")
        value: Json = next(iter(answer["data"].values()))
        return value


def _carried_out(value: Json) -> dict[str, Json]:
    answer = cast("dict[str, Json]", value)
    if "message" in answer and "code" in answer:
        kind: type[GraphsvcError] = {"not_allowed": NotAllowed, "store_unavailable": StoreUnavailable}.get(
            str(answer["code"]), BadInput
        )
        raise kind(str(answer["message"]))
    return answer


@asynccontextmanager
async def open_remote(url: str, token: str | None) -> AsyncIterator[Remote]:
    """A service at `http(s)://host:port`. token: of a role that may do what is asked."""
    if not url.startswith(("http://", "https://")):
        raise BadInput(
            f"--server: `{url}` is no URL; write one such as http://127.0.0.1:8080", field="server"
        )
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(url.rstrip("/"), headers=headers, timeout=timeout) as session:
        yield Remote(session, url)
