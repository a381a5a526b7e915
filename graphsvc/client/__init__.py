"""The Python client: what an enforcement point, a script or a notebook uses to ask the service."""

from graphsvc.client.client import Client
from graphsvc.client.error import CallFailed, Unreachable
from graphsvc.client.result import (
    Acknowledged,
    ChainPage,
    Chain,
    Completion,
    DecisionEvent,
    DecisionPage,
    Decision,
    Evaluation,
    Gap,
    Granted,
    NearHarm,
    PathStep,
    Reason,
    Revoked,
    RiskChange,
    Subject,
)  # fmt: skip

__all__ = [
    "Acknowledged", "CallFailed", "ChainPage", "Chain", "Client", "Completion", "DecisionEvent",
    "DecisionPage", "Decision", "Evaluation", "Gap", "Granted", "NearHarm", "PathStep", "Reason",
    "Revoked", "RiskChange", "Subject", "Unreachable",
]  # fmt: skip
