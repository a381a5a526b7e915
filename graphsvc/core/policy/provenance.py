"""`provenance:` of a policy file: what becomes of an action by where its critical arguments came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from graphsvc.core.policy.scalar import Effect, Identifier, Many, Model, as_tuple

__all__ = ["AmountRule", "Cell", "ContentRule", "FetchRule", "Outcome", "Provenance", "Row", "When"]

Level: TypeAlias = Annotated[int, Field(ge=0, le=3)]
When: TypeAlias = Literal["requested", "delegated", "unrequested"]
Outcome: TypeAlias = Literal["permit", "escalate", "deny"]
Cell: TypeAlias = Literal["permit", "permit_if_described", "escalate", "deny"]


class Row(Model):
    """One row of the table: how far the effect was asked for, its levels, and what each fact leads to.

    none: of an action without critical arguments.
    """

    when: Many[When]
    level: Many[Level]
    named_by_intent: Cell
    clean: Cell
    contested: Cell
    designated_unique: Cell
    designated_many: Cell
    designated: Cell
    party: Cell
    unprovenanced: Cell
    from_untrusted: Cell
    none: Outcome


class FetchRule(Model):
    """Reading a place that an argument names: it can carry data out, so it has a rule of its own.

    followed: the only link of a place that the request points at. seen: another link that was read as it stands.
    unrequested: the same where the request does not ask to read anything elsewhere. host_named: put together, but its host is named by the request and it carries no query. composed: any other.
    """

    followed: Outcome = "permit"
    seen: Outcome = "escalate"
    unrequested: Outcome = "deny"
    host_named: Outcome = "escalate"
    composed: Outcome = "deny"


class AmountRule(Model):
    """An amount, where not every destination is named by the request.

    at_most: how many times the largest amount known of the same order or payee it may be.
    """

    at_most: Annotated[float, Field(gt=0.0, le=1_000.0)] = 1.25
    beyond: Outcome = "escalate"


class ContentRule(Model):
    """Content that holds an address, a link or an account which the request does not name and nothing vouches for.

    doubtful: the same where a destination of the action is not permitted either; None = as `unknown`.
    """

    effects: Many[Effect] = ("message", "send", "grant", "pay")
    unknown: Outcome = "escalate"
    doubtful: Outcome | None = None


class Provenance(Model):
    """What becomes of an action by where its critical arguments came from.

    after: patterns of which one must complete with the action, else it is not asked; () = always. facts:
    `required` takes an argument without a fact as the worst; `when_sent` judges only callers that send any.
    levels: how hard each effect is to undo, 0 to 3; an effect without one is not judged, and `fetch` has its
    own rule. described: effects for which `permit_if_described` permits; for all others it escalates.
    """

    after: Many[Identifier] = ()
    facts: Literal["required", "when_sent"] = "required"
    levels: Mapping[Effect, Level]
    table: Annotated[
        tuple[Row, ...],
        BeforeValidator(as_tuple, json_schema_input_type=Row | Annotated[list[Row], Field(min_length=1)]),
        Field(min_length=1),
    ]
    described: Annotated[
        tuple[Effect, ...], BeforeValidator(as_tuple, json_schema_input_type=Effect | list[Effect])
    ] = ()
    fetch: FetchRule | None = None
    amount: AmountRule | None = None
    content: ContentRule | None = None
