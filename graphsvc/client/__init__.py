"""The Python client: what an enforcement point, a script or a notebook uses to ask the service."""

from graphsvc.client.client import Client
from graphsvc.client.error import CallFailed, Unreachable
from graphsvc.client.governing import Draft, Drafted, Emergency, Shadowed, Suspension, Trial
from graphsvc.client.grant_request import GrantRequest, GrantRequestPage
from graphsvc.client.registering import RegisterEntry
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
from graphsvc.client.task import Act, AsyncTask, Denied, Escalated, Task

__all__ = [
    "Acknowledged",
    "Act",
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
    "Draft",
    "Drafted",
    "Emergency",
    "Escalated",
    "Evaluation",
    "Gap",
    "GrantRequest",
    "GrantRequestPage",
    "Granted",
    "NearHarm",
    "PathStep",
    "Reason",
    "RegisterEntry",
    "Review",
    "ReviewPage",
    "Revoked",
    "RiskChange",
    "Shadowed",
    "Subject",
    "Suspension",
    "SyncClient",
    "Task",
    "Trial",
    "Unreachable",
]  # fmt: skip
