"""A plan: what a GraphQL document asks of a decision, compiled once into functions that pick it from the answer.

A document has a plan when it is one mutation with one field, `decide` or `decideMany`, whose input is a variable, and
without directives. Everything else, and everything invalid, has none: the general executor answers it. What a plan
answers is what that would: a test compares them over random documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    parse,
    print_ast,
    validate,
)
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)
from graphql.validation import specified_rules

from graphsvc.api.schema.build import MAX_TOKENS, VALIDATION_RULES
from graphsvc.core.value import format_time

__all__ = ["Plan", "Resolvers", "Unplanned", "make_plan"]

Pick: TypeAlias = Callable[[Any], Any]
Resolvers: TypeAlias = Mapping[str, Pick]
# The type that each field's input variable must have, and whether it is a list of requests.
_FIELDS = {"decide": ("input", "DecideInput!", False), "decideMany": ("inputs", "[DecideInput!]!", True)}
_INT_LIMIT = 2**31


class Unplanned(Exception):
    """The document, or this one answer, is for the general executor."""


class Plan(NamedTuple):
    """key: the answer's name in `data`. variable: the one that holds the input. shape: picks what was asked."""

    key: str
    variable: str
    many: bool
    shape: Pick


def make_plan(schema: GraphQLSchema, text: str, operation: str | None, resolve: Resolvers) -> Plan:
    """The plan of an operation in a document; Unplanned when it has none.

    resolve: where to find fields, by `Type.field`; others are attributes of the schema's objects.
    """
    try:
        document = parse(text, no_location=True, max_tokens=MAX_TOKENS)
        if validate(schema, document, [*specified_rules, *VALIDATION_RULES]):
            raise Unplanned
    except (GraphQLError, RecursionError):
        raise Unplanned from None
    return _Compiler(schema, document, resolve).plan(operation)


class _Compiler:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, resolve: Resolvers) -> None:
        self._schema = schema
        self._resolve = resolve
        self._document = document
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def plan(self, name: str | None) -> Plan:
        operation = self._operation(name)
        if operation.operation is not OperationType.MUTATION or operation.directives:
            raise Unplanned
        if len(operation.selection_set.selections) != 1 or len(operation.variable_definitions or ()) != 1:
            raise Unplanned
        field = operation.selection_set.selections[0]
        if not isinstance(field, FieldNode) or field.name.value not in _FIELDS or field.directives:
            raise Unplanned
        argument_name, type_name, many = _FIELDS[field.name.value]
        (variable,) = operation.variable_definitions or ()
        given = [(each.name.value, each.value) for each in field.arguments or ()]
        if len(given) != 1 or given[0][0] != argument_name or not isinstance(given[0][1], VariableNode):
            raise Unplanned
        is_plain = variable.default_value is None and not variable.directives
        if not is_plain or print_ast(variable.type) != type_name or field.selection_set is None:
            raise Unplanned
        union = self._schema.type_map["DecideResult"]
        shapes = {
            member.name: self._object(member, [field.selection_set])
            for member in self._schema.get_possible_types(cast("Any", union))
        }

        # The use case's answer is what becomes a Decision.
        shapes["Answer"] = shapes.pop("Decision")

        def one(value: Any) -> Any:
            return shapes[type(value).__name__](value)

        key = field.alias.value if field.alias is not None else field.name.value
        return Plan(key, variable.variable.name.value, many, _each(one) if many else one)

    def _operation(self, name: str | None) -> OperationDefinitionNode:
        found = [node for node in self._document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is not None:
            found = [node for node in found if node.name is not None and node.name.value == name]
        if len(found) != 1:
            raise Unplanned
        return found[0]

    def _object(self, kind: GraphQLObjectType, selections: list[SelectionSetNode]) -> Pick:
        wanted: dict[str, list[FieldNode]] = {}
        for selection in selections:
            for node in self._collect(kind, selection):
                key = node.alias.value if node.alias is not None else node.name.value
                wanted.setdefault(key, []).append(node)
        picks = [(key, self._field(kind, nodes)) for key, nodes in wanted.items()]
        return lambda value: {key: pick(value) for key, pick in picks}

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

    def _field(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Pick:
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _value: kind.name
        read = self._resolve.get(f"{kind.name}.{name}") or attrgetter(_attribute(kind, name))
        inner = self._value(
            kind.fields[name].type, [node.selection_set for node in nodes if node.selection_set is not None]
        )
        if inner is None:
            return read
        return lambda value: inner(read(value))

    def _value(self, kind: Any, selections: list[SelectionSetNode]) -> Pick | None:
        """How a field's value is written; None: as it is."""
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, selections)
        if isinstance(kind, GraphQLList):
            inner = self._value(kind.of_type, selections)
            return _each(inner) if inner is not None else None
        if isinstance(kind, GraphQLObjectType):
            return _unless_none(self._object(kind, selections))
        if isinstance(kind, GraphQLEnumType):
            return _unless_none(_name_of)
        if isinstance(kind, GraphQLScalarType) and kind.name in _SCALARS:
            return _SCALARS[kind.name]
        raise Unplanned


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


def _each(pick: Pick) -> Pick:
    return lambda values: [pick(value) for value in values]


def _unless_none(pick: Pick) -> Pick:
    return lambda value: None if value is None else pick(value)


def _name_of(value: Enum) -> str:
    return value.name


def _whole(value: int | None) -> int | None:
    if value is not None and not -_INT_LIMIT <= value < _INT_LIMIT:
        # An error of the general executor's making.
        raise Unplanned
    return value


_SCALARS: dict[str, Pick | None] = {
    "ID": None, "String": None, "Boolean": None, "Float": None, "JSON": None,
    "Int": _whole, "DateTime": _unless_none(format_time),
}  # fmt: skip
