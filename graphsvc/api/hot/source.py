"""Writes what a document asks of an answer as Python expressions: one dictionary display, compiled once.

Everything that gets into the text is a name of the schema, or an alias, which GraphQL allows letters, digits and
underscores only, written as a literal all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
)
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from graphsvc.api.hot.read import EXPRESSIONS, Unplanned

__all__ = ["Writer"]

_SCALARS = {
    "ID": "{v}", "String": "{v}", "Boolean": "{v}", "Float": "{v}", "JSON": "{v}",
    "Int": "whole({v})", "DateTime": "time({v})",
}  # fmt: skip


class Writer:
    """Expressions for selections of one document. Unplanned where it holds what no plan can do.

    expressions: where to find fields, by `Type.field`; others are attributes of the schema's objects.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        expressions: Mapping[str, str] = EXPRESSIONS,
    ) -> None:
        self._schema = schema
        self._expressions = expressions
        self._fragments = fragments
        self._variables = 0

    def object(self, kind: GraphQLObjectType, selections: list[SelectionSetNode], value: str) -> str:
        """A dictionary display of what is selected of `value`, an expression that may be written repeatedly."""
        wanted: dict[str, list[FieldNode]] = {}
        for selection in selections:
            for node in self._collect(kind, selection):
                key = node.alias.value if node.alias is not None else node.name.value
                wanted.setdefault(key, []).append(node)
        parts = [f"{key!r}: {self._field(kind, nodes, value)}" for key, nodes in wanted.items()]
        return "{" + ", ".join(parts) + "}"

    def _collect(self, kind: GraphQLObjectType, selection: SelectionSetNode) -> Iterator[FieldNode]:
        """Fields of the selection that are asked of this type, in their order, fragments opened."""
        for node in selection.selections:
            if node.directives:
                raise Unplanned
            if isinstance(node, FieldNode):
                yield node
                continue
            inner: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                inner = self._fragments[node.name.value]
                if inner.directives:
                    raise Unplanned
            else:
                inner = cast("InlineFragmentNode", node)
            condition = inner.type_condition
            if condition is None or self._fits(kind, condition.name.value):
                yield from self._collect(kind, inner.selection_set)

    def _fits(self, kind: GraphQLObjectType, condition: str) -> bool:
        asked = self._schema.type_map[condition]
        return asked is kind or (
            not isinstance(asked, GraphQLObjectType) and self._schema.is_sub_type(cast("Any", asked), kind)
        )

    def _field(self, kind: GraphQLObjectType, nodes: list[FieldNode], value: str) -> str:
        name = nodes[0].name.value
        if name == "__typename":
            return repr(kind.name)
        found = self._expressions.get(f"{kind.name}.{name}") or f"{{v}}.{_attribute(kind, name)}"
        selections = [node.selection_set for node in nodes if node.selection_set is not None]
        return self._value(kind.fields[name].type, selections, found.replace("{v}", value))

    def _value(self, kind: Any, selections: list[SelectionSetNode], value: str) -> str:
        """How a value that may be null is written, or one that may not."""
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type, selections, value)
        name = self._variable()
        inner = self._present(kind, selections, name)
        return value if inner == name else f"(None if ({name} := {value}) is None else {inner})"

    def _present(self, kind: Any, selections: list[SelectionSetNode], value: str) -> str:
        if isinstance(kind, GraphQLList):
            name = self._variable()
            inner = self._value(kind.of_type, selections, name)
            return value if inner == name else f"[{inner} for {name} in {value}]"
        if isinstance(kind, GraphQLObjectType):
            return self.object(kind, selections, value)
        if isinstance(kind, GraphQLEnumType):
            # Members are written by their value; where that is their name, as they are.
            as_is = all(name == getattr(each.value, "value", None) for name, each in kind.values.items())
            return value if as_is else f"{value}.name"
        if isinstance(kind, GraphQLScalarType) and kind.name in _SCALARS:
            return _SCALARS[kind.name].replace("{v}", value)
        raise Unplanned

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"


def _attribute(kind: GraphQLObjectType, name: str) -> str:
    """Where Strawberry's object keeps a field that is no more than a value."""
    definition = cast("Any", kind.extensions["strawberry-definition"])
    for field in definition.fields:
        if (field.graphql_name or _camel(field.python_name)) == name and field.base_resolver is None:
            return str(field.python_name)
    raise Unplanned


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.title() for each in rest)
