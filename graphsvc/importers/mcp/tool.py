"""Tool lists of MCP servers to action types. Source: the Model Context Protocol, `tools/list`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from graphsvc.core.graph import Node, resource_key
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.mcp.declaration import Declaration, meaning
from graphsvc.importers.result import Collector, Imported
from graphsvc.importers.text import decode_json

__all__ = ["read"]

_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "patternProperties"})
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


def read(
    files: Sequence[tuple[bytes | str, str]],
    *,
    server: str,
    declarations: Mapping[str, Declaration] | None = None,
    strict: bool = True,
) -> Imported:
    """The action types of a server's tools; files, each (data, name), are pages of its list.

    server: begins the names of its actions, `<server>:<tool>`. strict: the first malformed tool refuses
    the input; else it is skipped and reported. Descriptions and schemas are kept as hashes: a later
    import shows which tools were changed. BadInput names the place and the fix.
    """
    if not _SERVER.fullmatch(server):
        raise BadInput(f"--name: `{server}` must be letters, digits, `.`, `_` and `-`", field="name")
    collector, declared = Collector(strict=strict), declarations or {}
    collector.node(Node(key=resource_key("mcp_server", server), fields={"name": server}))
    listed: set[str] = set()
    for place, tool in _tools(files, collector):
        try:
            name, node = _action_type(tool, place, server, declared)
        except BadInput as error:
            collector.skip(place, str(error).removeprefix(f"{place}: "))
            continue
        if name in listed:
            collector.skip(place, f"the tool `{name}` is in the list already; one may pose as the other")
            continue
        listed.add(name)
        if isinstance(schema := tool.get("inputSchema"), dict) and schema.keys() & _COMPOSED:
            collector.incomplete(
                f"`{name}` composes its input schema: not all of its arguments are known here"
            )
        collector.counts["tools"] += 1
        collector.counts["tools_declared"] += name in declared
        collector.node(node)
    for name in sorted(declared.keys() - listed):
        collector.note(f"`{name}` is declared, but the server lists no such tool")
    if undeclared := sorted(listed - declared.keys()):
        collector.note(
            f"{len(undeclared):,} tools have no declaration and count as able to do anything"
            f" ({', '.join(undeclared[:5])}{', ...' if len(undeclared) > 5 else ''}); declare them"
        )
    return collector.finish(counted=("tools", "tools_declared"))


def _tools(
    files: Sequence[tuple[bytes | str, str]], collector: Collector
) -> Iterator[tuple[str, dict[str, Json]]]:
    for data, file in files:
        document = decode_json(data, file)
        where = file
        if isinstance(document, dict) and "result" in document:
            document, where = document["result"], f"{file}.result"
        if isinstance(document, dict):
            if document.get("nextCursor"):
                collector.incomplete(f"`{file}` is a page, and says that more follow; give them too")
            document, where = document.get("tools"), f"{where}.tools"
        if not isinstance(document, list):
            raise BadInput(
                f'`{file}` is no tool list: write {{"tools": [...]}} as `tools/list` answers', field=file
            )
        for index, tool in enumerate(document):
            if isinstance(tool, dict):
                yield f"{where}[{index}]", tool
            else:
                collector.skip(f"{where}[{index}]", "must be an object")


def _action_type(
    tool: dict[str, Json], place: str, server: str, declared: Mapping[str, Declaration]
) -> tuple[str, Node]:
    name = tool.get("name")
    if not isinstance(name, str) or not name or set(name) & set("*?"):
        raise BadInput("`name` must be text without `*` and `?`", field=f"{place}.name")
    schema = tool.get("inputSchema")
    arguments = schema.get("properties", {}) if isinstance(schema, dict) else None
    if not isinstance(arguments, dict):
        raise BadInput("`inputSchema` must be an object with `properties`", field=f"{place}.inputSchema")
    annotations = tool.get("annotations") or {}
    if not isinstance(annotations, dict):
        raise BadInput("`annotations` must be an object", field=f"{place}.annotations")
    for hint in _HINTS:
        if not isinstance(annotations.get(hint), bool | None):
            raise BadInput(f"`annotations.{hint}` must be true or false", field=f"{place}.annotations.{hint}")
    means = meaning(declared.get(name), annotations, list(arguments))
    fields: dict[str, Json] = {
        "effects": list[Json](means.effects),
        "arguments": dict[str, Json](means.arguments),
        "result": {"labels": list[Json](means.labels)},
    }
    title = tool.get("title") or annotations.get("title")
    if isinstance(title, str):
        fields["name"] = title
    properties: dict[str, Json] = {
        "server": server,
        "tool": name,
        "declared": name in declared,
        "annotations": {hint: annotations[hint] for hint in _HINTS if hint in annotations},
        "description_sha256": _digest(tool.get("description")),
        "schema_sha256": _digest([schema, tool.get("outputSchema")]),
    }
    return name, Node(key=f"action_type:{server}:{name}", fields=fields, properties=properties)


def _digest(value: Json) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
