"""A subscription's document: checked once, and compiled where it can be, so that telling an event costs little."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import orjson
from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    execute_subscription_event,
    get_named_type,
    parse,
    validate,
)
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    VariableNode,
)
from graphql.utilities import get_operation_ast
from graphql.validation import specified_rules

from graphsvc.api.hot.read import NAMES, Unplanned
from graphsvc.api.hot.source import Writer
from graphsvc.api.schema.build import MAX_TOKENS, VALIDATION_RULES, finish_error

__all__ = ["Documents", "Watched", "answer_text"]

_MAX_DOCUMENTS = 256
Shape = Callable[[Any], dict[str, Any]]


class Watched:
    """A document that is in order and one of its operations. resumes_by: the variable that is the cursor, if any.

    shape: writes an event as data, None where only the general executor can.
    """

    def __init__(self, schema: GraphQLSchema, text: str, document: DocumentNode, name: str | None) -> None:
        self.text = text
        self.document = document
        self.name = name
        operation = get_operation_ast(document, name)
        self.operation = operation.operation.value if operation is not None else None
        self.resumes_by: str | None = None
        self.shape: Shape | None = None
        if operation is None or self.operation != "subscription":
            return
        field = operation.selection_set.selections[0]
        if isinstance(field, FieldNode):
            self.resumes_by = _cursor_variable(field)
            self.shape = _compiled(schema, document, operation, field)


class Documents:
    """The documents used last, by text and operation name."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[tuple[str, str | None], Watched] = OrderedDict()

    def find(self, text: str, name: str | None) -> Watched | list[GraphQLError]:
        """The document, or what is wrong with it."""
        key = (text, name)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        try:
            document = parse(text, no_location=False, max_tokens=MAX_TOKENS)
        except GraphQLError as error:
            return [error]
        except RecursionError:
            return [GraphQLError("the document is nested too deep")]
        errors = validate(self._schema, document, [*specified_rules, *VALIDATION_RULES])
        if errors:
            return errors
        known = Watched(self._schema, text, document, name)
        self._known[key] = known
        if len(self._known) > _MAX_DOCUMENTS:
            self._known.popitem(last=False)
        return known


async def answer_text(watched: Watched, executor: Executor[Any], item: object) -> str:
    """One event as the JSON text of its answer."""
    if watched.shape is not None:
        try:
            return orjson.dumps({"data": watched.shape(item)}).decode()
        except Unplanned:
            pass
    answer = execute_subscription_event(executor.build_per_event_executor(item))
    if executor.is_awaitable(answer):
        answer = await answer
    result = cast("ExecutionResult", answer)
    told: dict[str, Any] = {"data": result.data}
    if result.errors:
        for error in result.errors:
            finish_error(error)
        told["errors"] = [error.formatted for error in result.errors]
    return orjson.dumps(told).decode()


def _cursor_variable(field: FieldNode) -> str | None:
    for argument in field.arguments or ():
        if argument.name.value == "after" and isinstance(argument.value, VariableNode):
            return argument.value.name.value
    return None


def _compiled(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, field: FieldNode
) -> Shape | None:
    """A function of the schema's objects; None for directives, guarded fields and whatever else has no plan."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    root = schema.subscription_type
    if len(operation.selection_set.selections) != 1 or operation.directives or field.directives:
        return None
    if root is None or field.selection_set is None:
        return None
    writer = Writer(schema, fragments, {})
    kind = get_named_type(root.fields[field.name.value].type)
    lines = []
    try:
        for member in schema.get_possible_types(cast("Any", kind)):
            assert isinstance(member, GraphQLObjectType)
            shown = writer.object(member, [field.selection_set], "v")
            lines.append(f"def {member.name}(v):\n return {shown}")
    except Unplanned:
        return None
    space: dict[str, Any] = dict(NAMES)
    exec(compile("\n".join(lines), "<plan>", "exec"), space)  # noqa: S102  names of the schema only, see `hot.source`
    key = field.alias.value if field.alias is not None else field.name.value
    return lambda item: {key: space[type(item).__name__](item)}
