"""The Python client: what an enforcement point, a script or a notebook uses to ask the service."""

from graphsvc.client.client import Client
from graphsvc.client.error import CallFailed, Unreachable
from graphsvc.client.result import (
    Acknowledged,
    Chain,
    ChainPage,
    Completion,
    Decision,
    DecisionEvent,
    DecisionPage,
    Evaluation,
    Gap,
    Granted,
    NearHarm,
    PathStep,
    Reason,
    Review,
    ReviewPage,
    Revoked,
    RiskChange,
    Subject,
)  # fmt: skip
from graphsvc.client.sync import SyncClient
from graphsvc.client.task import AsyncTask, Denied, Escalated, Task

__all__ = [
    "Acknowledged",
    "AsyncTask",
    "CallFailed",
    "Chain",
    "ChainPage",
    "Client",
    "Completion",
    "Decision",
    "DecisionEvent",
    "DecisionPage",
    "Denied",
    "Escalated",
    "Evaluation",
    "Gap",
    "Granted",
    "NearHarm",
    "PathStep",
    "Reason",
    "Review",
    "ReviewPage",
    "Revoked",
    "RiskChange",
    "Subject",
    "SyncClient",
    "Task",
    "Unreachable",
]  # fmt: skip
