"""Limits on what a document may ask: depth, aliases and fields, counted with its fragments opened, in linear time.

Limiters that open fragments by walking into each spread take twice as long for every fragment that spreads the next one
twice: thirty of them, a kilobyte of text, take for ever. Here each fragment is counted once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from graphql import GraphQLError
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.validation import ASTValidationRule

__all__ = ["MAX_ALIASES", "MAX_DEPTH", "MAX_FIELDS", "DocumentLimits"]

MAX_DEPTH = 12
# The standard introspection query names a type within lists and non-nulls as far down as anybody might build one.
# How often lists of fields nest within each other has a limit of its own (the rule `MaxIntrospectionDepth`).
_TYPE_LEVELS = 6
_INTROSPECTION = frozenset(("__schema", "__type"))
MAX_ALIASES = 30
MAX_FIELDS = 1_000


class _Size(NamedTuple):
    """depth: of fields within fields. aliases, fields: with fragments opened."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0


_NOTHING = _Size()


class DocumentLimits(ASTValidationRule):
    """A validation rule: refuses operations that ask for too much."""

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        """Count every operation."""
        fragments = {
            each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)
        }
        counted: dict[str, _Size] = {}
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode):
                self._check(operation, _size(operation.selection_set, fragments, counted))

    def _check(self, operation: OperationDefinitionNode, size: _Size) -> None:
        name = f"`{operation.name.value}`" if operation.name is not None else "the operation"
        for what, found, limit in (
            ("levels deep", size.depth, MAX_DEPTH),
            ("aliases", size.aliases, MAX_ALIASES),
            ("fields", size.fields, MAX_FIELDS),
        ):
            if found > limit:
                told = f"{name} asks for {found} {what} with its fragments opened; at most {limit}"
                self.report_error(GraphQLError(told, operation))


def _size(
    selection: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], counted: dict[str, _Size]
) -> _Size:
    depth = aliases = fields = 0
    for node in selection.selections:
        if isinstance(node, FieldNode):
            inner = (
                _size(node.selection_set, fragments, counted) if node.selection_set is not None else _NOTHING
            )
            deep = inner.depth + 1
            if node.name.value in _INTROSPECTION:
                deep = max(1, deep - _TYPE_LEVELS)
            inner = _Size(deep, inner.aliases + (node.alias is not None), inner.fields + 1)
        elif isinstance(node, FragmentSpreadNode):
            inner = _of_fragment(node.name.value, fragments, counted)
        else:
            inner = _size(node.selection_set, fragments, counted)  # type: ignore[attr-defined]  # an inline fragment
        depth = max(depth, inner.depth)
        aliases += inner.aliases
        fields += inner.fields
    return _Size(depth, aliases, fields)


def _of_fragment(name: str, fragments: dict[str, FragmentDefinitionNode], counted: dict[str, _Size]) -> _Size:
    if name not in counted:
        # One that spreads itself, or is not there, is refused by another rule.
        counted[name] = _NOTHING
        fragment = fragments.get(name)
        if fragment is not None:
            counted[name] = _size(fragment.selection_set, fragments, counted)
    return counted[name]
