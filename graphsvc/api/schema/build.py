"""The schema as a whole: its types, its limits, and what of an error callers see."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator

import strawberry
from graphql import GraphQLError
from graphql.language import DocumentNode, FieldNode, OperationDefinitionNode, Visitor, visit
from graphql.validation import ASTValidationRule
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)  # fmt: skip
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphsvc.api.context import Context
from graphsvc.api.rate import RateLimited
from graphsvc.api.schema.cost import document_cost
from graphsvc.api.schema.document_limit import DocumentLimits
from graphsvc.api.schema.mutation import Mutation
from graphsvc.api.schema.query import Query
from graphsvc.api.schema.scalar import SCALARS
from graphsvc.api.schema.subscription import Subscription
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["MAX_TOKENS", "VALIDATION_RULES", "build_schema", "charge", "finish_error", "schema_text"]

MAX_TOKENS = 2_000

# Made once: rules are part of the key under which validated documents are remembered.
VALIDATION_RULES: list[type[ASTValidationRule]] = [DocumentLimits]
# Names in GraphQL have no escapes, so a document that asks for the schema says so literally.
_SCHEMA_NAME = re.compile(r"__(?:schema|type)\b")
# Ends with the question, so that what the library says behind it stays.
_SUGGESTION = re.compile(r" Did you mean [^?]*\?")
_log = logging.getLogger("graphsvc.api")


class _Introspection(SchemaExtension):
    """Only analyst and admin may ask for the schema, and anybody in development."""

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context.context
        document, text = self.execution_context.graphql_document, self.execution_context.query
        is_suspect = text is None or _SCHEMA_NAME.search(text) is not None
        if (
            is_suspect
            and document is not None
            and isinstance(context, Context)
            and not _may_introspect(context)
        ):
            _refuse_introspection(document)
        yield


class _OneOperation(SchemaExtension):
    """Which of several operations is asked for must be said; Strawberry would take the first."""

    def on_execute(self) -> Iterator[None]:
        asked = self.execution_context
        if asked.graphql_document is not None and asked._provided_operation_name is None:  # noqa: SLF001  the property tells the first one's
            kinds = [type(each) for each in asked.graphql_document.definitions]
            if kinds.count(OperationDefinitionNode) > 1:
                raise GraphQLError("the document has several operations; name one in `operationName`")
        yield


class _Charge(SchemaExtension):
    """Takes what the operation may cost from the caller's bucket, before anything of it is carried out."""

    def on_execute(self) -> Iterator[None]:
        asked = self.execution_context
        if isinstance(asked.context, Context) and asked.graphql_document is not None:
            charge(asked.context, asked.graphql_document, asked.operation_name, asked.variables)
        yield


class _Schema(strawberry.Schema):
    """Logs nothing of what the caller wrote, and gives expected errors a code."""

    development = False

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Give every error its code; hide the text of those that nobody expected."""
        for error in errors:
            finish_error(error, development=self.development)


def build_schema(*, development: bool = False, is_sorted: bool = False) -> strawberry.Schema:
    """The schema. development: unknown names are answered with suggestions.

    is_sorted: for printing only, because Strawberry 0.341 cannot resolve unions of a sorted schema.
    """
    schema = _Schema(
        Query,
        Mutation,
        Subscription,
        extensions=[
            _OneOperation,
            _Introspection,
            _Charge,
            lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
            lambda: AddValidationRules(VALIDATION_RULES),
            lambda: ParserCache(maxsize=256),
            lambda: ValidationCache(maxsize=256),
        ],
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=is_sorted),
    )
    schema.development = development
    return schema


def charge(
    context: Context, document: DocumentNode, name: str | None, variables: dict[str, object] | None
) -> None:
    """Take what an operation may cost; GraphQLError `rate_limited` when the caller has not so much left."""
    try:
        context.parts.rate.charge(context.caller.subject, document_cost(document, name, variables or {}))
    except RateLimited as error:
        context.parts.metrics.refused.labels("rate_limited").inc()
        told = {"code": error.code, "retryAfterS": round(error.retry_after_s, 3)}
        raise GraphQLError(str(error), extensions=told) from None


def schema_text() -> str:
    """The schema in the schema definition language, sorted by name; what `schema.graphql` holds."""
    return build_schema(is_sorted=True).as_str() + "\n"


def _may_introspect(context: Context) -> bool:
    return context.parts.development or bool(context.caller.roles & {"analyst", "admin"})


class _Finder(Visitor):
    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value in {"__schema", "__type"}:
            raise GraphQLError(
                "introspection needs a token with one of the roles: admin, analyst",
                node,
                extensions={"code": "not_allowed"},
            )


def _refuse_introspection(document: DocumentNode) -> None:
    visit(document, _Finder())


def finish_error(error: GraphQLError, *, development: bool = False) -> None:
    """Give an error its code; hide the text of one that nobody expected, and outside development what was perhaps meant."""
    original = error.original_error
    extensions = dict(error.extensions or {})
    if isinstance(original, GraphsvcError):
        extensions["code"] = original.code
        if isinstance(original, BadInput) and original.field is not None:
            extensions["field"] = original.field
    elif isinstance(original, RecursionError) and error.path is None:
        # While it was read or checked: nothing was carried out.
        error.message = "the document is nested too deep"
    elif original is not None and not isinstance(original, GraphQLError):
        _log.error("call_failed", exc_info=original, extra={"path": error.path})
        error.message = "unexpected error; the service's log tells more"
        extensions["code"] = "internal"
    elif not development:
        error.message = _SUGGESTION.sub("", error.message)
    extensions.setdefault("code", "invalid_request")
    error.extensions = extensions


if __name__ == "__main__":
    sys.stdout.write(schema_text())
