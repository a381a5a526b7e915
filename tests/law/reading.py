"""Policies read from records, not from text: reading YAML is tested elsewhere and would take most of a long run."""

import json
from functools import lru_cache
from hashlib import sha256

from pydantic import ValidationError

from graphsvc.core import packs
from graphsvc.core.policy.check import check
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.problem import policy_errors
from graphsvc.core.policy.source import Source
from graphsvc.errors import PolicyError
from tests.law import engine

__all__ = ["problems_of", "read_quickly"]


def problems_of(text: str, file: str = "case.yaml") -> list[PolicyError]:
    """Everything for which the document is refused, as `policy.load.problems` finds it."""
    policy = _validated(text, file)
    return policy if isinstance(policy, list) else check(policy)


def _validated(text: str, file: str) -> Policy | list[PolicyError]:
    source = Source(file=file, sha256=sha256(text.encode()).hexdigest(), text=text)
    try:
        return Policy.model_validate(json.loads(text), context=source)
    except ValidationError as error:
        return policy_errors(error, source)


@lru_cache(maxsize=64)
def _read(text: str, file: str) -> Policy:
    policy = _validated(text, file)
    if isinstance(policy, list) or (policy_problems := check(policy)):
        raise (policy if isinstance(policy, list) else policy_problems)[0]
    return policy


def read_quickly() -> None:
    """From now on this process reads the packs of its worlds as JSON; for the processes of a long run."""
    packs.load_pack = _read
    engine._loaded = lambda text: _read(text, "case.yaml")  # type: ignore[assignment]
