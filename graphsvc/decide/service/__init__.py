"""The service: every use case over one store, as adapters call them."""

from __future__ import annotations

from graphsvc.decide.service.chain import Chains
from graphsvc.decide.service.decision import Decisions
from graphsvc.decide.service.estate import Facts
from graphsvc.decide.service.evaluation import Evaluations
from graphsvc.decide.service.health import Health
from graphsvc.decide.service.journal import Journal
from graphsvc.decide.service.review import Reviews
from graphsvc.decide.service.rule import Rules
from graphsvc.decide.service.standing import Standing

__all__ = ["GraphsvcService"]


class GraphsvcService(Decisions, Evaluations, Chains, Standing, Reviews, Rules, Facts, Journal, Health):
    """Everything the adapters may ask, a part for each noun; see `UseCases` for what it is made from.

    Expected failures are raised as subclasses of GraphsvcError: BadInput (field), NotAllowed, Conflict, PolicyError,
    StoreError.
    """
