"""docs/api-reference.md from the schema, the table of roles and the OpenAPI document: `python -m scripts.api_reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    print_ast,
)

from graphsvc.api.openapi import openapi
from graphsvc.api.role import FIELD_ROLES
from graphsvc.api.schema.build import schema_text

__all__ = ["page"]

_ROOTS = (("Query", "Queries"), ("Mutation", "Mutations"), ("Subscription", "Subscriptions"))
_INTRO = """# API reference

Made from the schema and the OpenAPI document by `make schema`; a test holds it to them. How things are meant to be used says
[the API page](api.md). The schema itself is [`schema.graphql`](../schema.graphql), the routes are in [`openapi.json`](../openapi.json).
Roles are those that may use a field; what has no line of its own comes with the field that leads to it.
"""


def page() -> str:
    """The page as Markdown."""
    schema = build_schema(schema_text())
    return "\n".join([_INTRO, *_graphql(schema), *_routes(openapi())]).rstrip() + "\n"


def _graphql(schema: GraphQLSchema) -> Iterator[str]:
    for name, title in _ROOTS:
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        yield f"## {title}\n"
        for field, each in sorted(kind.fields.items()):
            yield from _operation(name, field, each)
    types = [each for name, each in sorted(schema.type_map.items()) if not name.startswith("__")]
    roots = {name for name, _ in _ROOTS}
    yield "## Types\n"
    for each in types:
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType) and each.name not in roots:
            yield from _object(each)
    yield "## Inputs\n"
    for each in types:
        if isinstance(each, GraphQLInputObjectType):
            yield from _input(each)
    yield "## Unions and enumerations\n"
    yield "| name | one of |\n|---|---|"
    for each in types:
        if isinstance(each, GraphQLUnionType):
            yield f"| {each.name} | {', '.join(f'`{kind.name}`' for kind in each.types)} |"
        elif isinstance(each, GraphQLEnumType):
            yield f"| {each.name} | {', '.join(f'`{value}`' for value in each.values)} |"
    yield ""


def _operation(root: str, name: str, field: GraphQLField) -> Iterator[str]:
    yield f"### {name}\n"
    roles = ", ".join(sorted(FIELD_ROLES.get(f"{root}.{name}", ()))) or "nobody"
    yield f"{_told(field.description)} Answers `{field.type}`. Roles: {roles}.\n"
    if field.args:
        yield "| argument | type | default | |\n|---|---|---|---|"
        yield from (_argument(each, given) for each, given in field.args.items())
        yield ""


def _object(kind: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[str]:
    yield f"### {kind.name}\n"
    also = f" Is a {', '.join(each.name for each in kind.interfaces)}." if kind.interfaces else ""
    yield f"{_told(kind.description)}{also}\n"
    yield "| field | type | |\n|---|---|---|"
    for name, field in kind.fields.items():
        arguments = f"({', '.join(field.args)})" if field.args else ""
        roles = FIELD_ROLES.get(f"{kind.name}.{name}")
        told = f" Roles: {', '.join(sorted(roles))}." if roles else ""
        yield f"| `{name}{arguments}` | `{field.type}` | {_cell(field.description)}{told} |"
    yield ""


def _input(kind: GraphQLInputObjectType) -> Iterator[str]:
    yield f"### {kind.name}\n"
    yield f"{_told(kind.description)}\n"
    yield "| field | type | default | |\n|---|---|---|---|"
    yield from (_argument(name, each) for name, each in kind.fields.items())
    yield ""


def _argument(name: str, given: GraphQLArgument | GraphQLInputField) -> str:
    found = (
        print_ast(given.ast_node.default_value) if given.ast_node and given.ast_node.default_value else "null"
    )
    value = "" if found == "null" else f"`{found}`"
    return f"| `{name}` | `{given.type}` | {value} | {_cell(given.description)} |"


def _routes(document: dict[str, Any]) -> Iterator[str]:
    yield "## Routes over plain HTTP\n"
    yield "| method | path | for | answers |\n|---|---|---|---|"
    for path, methods in document["paths"].items():
        for method, each in methods.items():
            if method not in {"get", "post", "put", "delete", "head"}:
                continue
            told = each.get("summary") or each.get("description") or ""
            answers = ", ".join(each.get("responses", {}))
            yield f"| {method.upper()} | `{path}` | {_cell(told)} | {answers} |"
    yield ""


def _told(text: str | None) -> str:
    return _cell(text) or "As its name says."


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page())
