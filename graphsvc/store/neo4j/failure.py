"""What the driver raises, told in graphsvc's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    ConnectionAcquisitionTimeoutError,
    ConstraintError,
    DriverError,
    Forbidden,
    Neo4jError,
    ServiceUnavailable,
    TransientError,
)

from graphsvc.errors import StoreError, StoreUnavailable
from graphsvc.store.address import Neo4jAddress

__all__ = ["reading", "translated", "writing"]

# Rolled back by the server: nothing was written, and trying again later may succeed.
_PASSING = (
    "Neo.ClientError.Transaction.LockClientStopped",
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    "Neo.ClientError.Security.AuthenticationRateLimit",
)


@contextmanager
def reading(address: Neo4jAddress) -> Iterator[None]:
    """Translate what reading raises."""
    try:
        yield
    except (Neo4jError, DriverError, OSError, TimeoutError) as error:
        raise translated(address, error, is_write=False) from error


@contextmanager
def writing(address: Neo4jAddress) -> Iterator[None]:
    """Translate what a commit raises; ConstraintError is left to the caller, who knows what it means."""
    try:
        yield
    except ConstraintError:
        raise
    except (Neo4jError, DriverError, OSError, TimeoutError) as error:
        raise translated(address, error, is_write=True) from error


def translated(address: Neo4jAddress, error: Exception, *, is_write: bool) -> StoreError:
    """The StoreError or StoreUnavailable for what the driver raised.

    is_write: a lost connection leaves the outcome unknown, unless nothing was sent.
    """
    where = f"store `{address.url}`"
    text = _one_line(error)
    if isinstance(error, AuthError | Forbidden):
        return StoreError(f"{where}: Neo4j refused the user `{address.user}`; check GRAPHSVC_NEO4J_PASSWORD")
    if isinstance(error, Neo4jError):
        code = error.code or ""
        if code.endswith(".DatabaseNotFound"):
            return StoreError(f"{where}: has no database `{address.database}`; correct the URL")
        if isinstance(error, TransientError) or code in _PASSING:
            return StoreUnavailable(f"{where}: {text}")
        return StoreError(f"{where}: {text} [{code}]")
    if isinstance(error, ConfigurationError):
        return StoreError(f"{where}: {text}")
    if isinstance(error, ConnectionAcquisitionTimeoutError):
        return StoreUnavailable(f"{where}: no connection came free in time")
    # These two are raised before anything is sent; every other loss may have come after the commit.
    is_unsent = isinstance(error, ServiceUnavailable) and text.startswith(
        ("Couldn't connect to", "Unable to retrieve routing information")
    )
    if is_unsent:
        return StoreUnavailable(f"{where}: nothing answers there; start Neo4j or correct the URL")
    reason = "did not answer in time" if isinstance(error, TimeoutError) else text
    return StoreUnavailable(f"{where}: {reason}", outcome_unknown=is_write)


def _one_line(error: Exception) -> str:
    text = error.message if isinstance(error, Neo4jError) else str(error)
    return " ".join((text or type(error).__name__).split())
