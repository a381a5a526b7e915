"""What a document may give out at most: its fields, as often as the pages they stand in have entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

__all__ = ["document_cost"]

_PAGE = 50
_SIZES = ("first", "last", "limit")
_LISTS = ("ids", "inputs")
# What takes long beside the fields it gives out.
_DEAR = {
    "combinations": 500,
    "findings": 500,
    "paths": 500,
    "blastRadius": 500,
    "whatIf": 500,
    "chokePoints": 1_000,
    "cut": 2_000,
}


def document_cost(document: DocumentNode, name: str | None, variables: Mapping[str, Any]) -> float:
    """The cost of one operation; 1 at least. In linear time: each fragment is counted once."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    counted: dict[str, float] = {}
    return max([1.0, *(_cost(each.selection_set, fragments, counted, variables) for each in operations)])


def _cost(
    selection: SelectionSetNode,
    fragments: dict[str, FragmentDefinitionNode],
    counted: dict[str, float],
    variables: Mapping[str, Any],
) -> float:
    cost = 0.0
    for node in selection.selections:
        if isinstance(node, FieldNode):
            inner = (
                0.0
                if node.selection_set is None
                else _cost(node.selection_set, fragments, counted, variables)
            )
            cost += _DEAR.get(node.name.value, 0) + 1 / 10 + inner * _times(node, variables)
        elif isinstance(node, FragmentSpreadNode):
            fragment = node.name.value
            if fragment not in counted:
                counted[fragment] = 0.0
                if fragment in fragments:
                    counted[fragment] = _cost(
                        fragments[fragment].selection_set, fragments, counted, variables
                    )
            cost += counted[fragment]
        else:
            cost += _cost(node.selection_set, fragments, counted, variables)  # type: ignore[attr-defined]  # an inline fragment
    return cost


def _times(field: FieldNode, variables: Mapping[str, Any]) -> float:
    """How many entries a field has: what its page size or list of ids says, else a page for what looks like one."""
    for argument in field.arguments or ():
        value: Any = argument.value
        if isinstance(value, VariableNode):
            value = variables.get(value.name.value)
        elif isinstance(value, IntValueNode):
            value = int(value.value)
        elif isinstance(value, ListValueNode):
            value = list(value.values)
        if argument.name.value in _SIZES and isinstance(value, int) and not isinstance(value, bool):
            return max(1, value)
        if argument.name.value in _LISTS and isinstance(value, list):
            return max(1, len(value))
    selected = (
        {node.name.value for node in field.selection_set.selections if isinstance(node, FieldNode)}
        if field.selection_set
        else set()
    )
    return _PAGE if "edges" in selected else 1
