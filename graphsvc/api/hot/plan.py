"""A plan: what a GraphQL document asks of a decision, compiled once into a function that writes the answer.

A document has a plan when it is one mutation with one field, `decide` or `decideMany`, whose input is a variable, and
without directives. Everything else, and everything invalid, has none: the general executor answers it. What a plan
answers is what that would: a test compares them over random documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import msgspec
from graphql import GraphQLError, GraphQLSchema, parse, print_ast, validate
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
)
from graphql.validation import specified_rules

from graphsvc.api.hot.read import NAMES, Unplanned
from graphsvc.api.hot.shape import DecideShape
from graphsvc.api.hot.source import Writer
from graphsvc.api.schema.build import MAX_TOKENS, VALIDATION_RULES

__all__ = ["Plan", "make_plan"]

Shape: TypeAlias = Callable[[Any], Any]
# The type that each field's input variable must have, and whether it is a list of requests.
_FIELDS = {"decide": ("input", "DecideInput!", False), "decideMany": ("inputs", "[DecideInput!]!", True)}


class Plan(NamedTuple):
    """read: decodes the variables, the input is their `value`. shape: the answer as it is written.

    many: whether input and answer are lists.
    """

    many: bool
    read: msgspec.json.Decoder[Any]
    shape: Shape


def make_plan(schema: GraphQLSchema, text: str, operation: str | None, names: Mapping[str, Shape]) -> Plan:
    """The plan of an operation in a document; Unplanned when it has none.

    names: what the expressions may call besides `read.NAMES`.
    """
    try:
        document = parse(text, no_location=True, max_tokens=MAX_TOKENS)
        if validate(schema, document, [*specified_rules, *VALIDATION_RULES]):
            raise Unplanned
    except (GraphQLError, RecursionError):
        raise Unplanned from None
    found = _operation(document, operation)
    if found.operation is not OperationType.MUTATION or found.directives:
        raise Unplanned
    if len(found.selection_set.selections) != 1 or len(found.variable_definitions or ()) != 1:
        raise Unplanned
    field = found.selection_set.selections[0]
    if not isinstance(field, FieldNode) or field.name.value not in _FIELDS or field.directives:
        raise Unplanned
    (variable,) = found.variable_definitions or ()
    many = _checked(field, variable)
    return Plan(many, _decoder(variable.variable.name.value, many), _compiled(schema, document, field, names))


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        found = [node for node in found if node.name is not None and node.name.value == name]
    if len(found) != 1:
        raise Unplanned
    return found[0]


def _checked(field: FieldNode, variable: VariableDefinitionNode) -> bool:
    """Whether the field takes a list; Unplanned unless its one argument is that variable as it is."""
    argument_name, type_name, many = _FIELDS[field.name.value]
    given = [(each.name.value, each.value) for each in field.arguments or ()]
    if len(given) != 1 or given[0][0] != argument_name or not isinstance(given[0][1], VariableNode):
        raise Unplanned
    is_plain = variable.default_value is None and not variable.directives
    if not is_plain or print_ast(variable.type) != type_name or field.selection_set is None:
        raise Unplanned
    return many


def _decoder(variable: str, many: bool) -> msgspec.json.Decoder[Any]:
    kind = list[DecideShape] if many else DecideShape
    variables = msgspec.defstruct(
        "Variables", [("value", kind)], rename={"value": variable}, forbid_unknown_fields=True, gc=False
    )
    return msgspec.json.Decoder(variables)


def _compiled(
    schema: GraphQLSchema, document: DocumentNode, field: FieldNode, names: Mapping[str, Shape]
) -> Shape:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    writer = Writer(schema, fragments)
    union = schema.type_map["DecideResult"]
    assert field.selection_set is not None
    lines = []
    for member in schema.get_possible_types(cast("Any", union)):
        # The use case's answer is what becomes a Decision.
        name, first = ("Answer", " d = v.decision\n") if member.name == "Decision" else (member.name, "")
        shown = writer.object(member, [field.selection_set], "v")
        lines.append(f"def {name}(v):\n{first} return {shown}")
    space: dict[str, Any] = {**NAMES, **names}
    exec(compile("\n".join(lines), "<plan>", "exec"), space)  # noqa: S102  names of the schema only, see `source`
    key = field.alias.value if field.alias is not None else field.name.value
    if field.name.value == "decideMany":
        return lambda values: {"data": {key: [space[type(value).__name__](value) for value in values]}}
    return lambda value: {"data": {key: space[type(value).__name__](value)}}
