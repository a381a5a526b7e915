"""What a Kubernetes cluster says of places and service accounts, as rules about rights ask for it.

Accounts are identities, `k8s:CLUSTER:system:serviceaccount:NAMESPACE:NAME`; places are keys of resources.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.estate import Estate

__all__ = [
    "around", "in_namespace", "made_beside", "makes_secrets_of", "of_every_namespace", "secrets_beside", "works_in",
]  # fmt: skip


def _namespace_accounts(place: str) -> str | None:
    """How keys of the service accounts begin that live in the namespace of a Kubernetes object."""
    cluster, found, rest = place.removeprefix("resource:k8s:").partition("/namespaces/")
    return f"identity:k8s:{cluster}:system:serviceaccount:{rest.partition('/')[0]}:" if found else None


# Where objects are made that run as an account of their namespace.
_MADE = (
    "core/pods", "core/replicationcontrollers", "apps/deployments", "apps/replicasets", "apps/statefulsets",
    "apps/daemonsets", "batch/jobs", "batch/cronjobs",
)  # fmt: skip


def _home_of(account: str) -> str | None:
    """How keys of objects begin that are in the namespace of a service account."""
    cluster, found, rest = account.removeprefix("identity:k8s:").partition(":system:serviceaccount:")
    return f"resource:k8s:{cluster}/namespaces/{rest.partition(':')[0]}/" if found else None


def made_beside(_: Estate, account: str) -> Iterable[str]:
    """Where workloads of an account's namespace are made."""
    home = _home_of(account)
    return () if home is None else [f"{home}{kind}/" for kind in _MADE]


def around(estate: Estate, account: str) -> Iterable[str]:
    """What holds an account's credential, and where pods of its namespace are made."""
    home = _home_of(account)
    return (*estate.into("HOLDS_CREDENTIAL", account), *(() if home is None else (f"{home}core/pods/",)))


def in_namespace(_: Estate, place: str, account: str) -> bool:
    """Whether an account lives in the namespace of a place."""
    prefix = _namespace_accounts(place)
    return prefix is not None and account.startswith(prefix)


def works_in(estate: Estate, place: str, account: str) -> bool:
    """Whether something in the namespace of a place holds an account's credential, or the place itself does."""
    things = estate.into("HOLDS_CREDENTIAL", account)
    if place in things:
        return True
    cluster, found, rest = place.partition("/namespaces/")
    home = f"{cluster}/namespaces/{rest.partition('/')[0]}/"
    # A secret holds a token too, but nothing runs in it.
    return bool(found) and any(each.startswith(home) and "/core/secrets/" not in each for each in things)


def makes_secrets_of(_: Estate, place: str, account: str) -> bool:
    """Whether a place is where secrets of an account's namespace are made."""
    home = _home_of(account)
    return home is not None and place == f"{home}core/secrets/"


def secrets_beside(_: Estate, account: str) -> Iterable[str]:
    """Where secrets of an account's namespace are made."""
    home = _home_of(account)
    return () if home is None else (f"{home}core/secrets/",)


def of_every_namespace(_: Estate, place: str, kind: str) -> bool:
    """Whether a place stands for objects of a kind (`core/secrets`) in every namespace of its cluster."""
    return place.startswith("resource:k8s:") and place.endswith(f"/cluster/{kind}/")
