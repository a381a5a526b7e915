"""The way to an API server: a kubeconfig or the account of the pod we run in, TLS, and one GET at a time.

Credentials (certificates, tokens, plugins that make them) are the business of the official client. What it would
let pass is refused here: a server that proves nothing, and a plugin that failed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from graphsvc import __version__
from graphsvc.errors import BadInput, ClusterUnavailable

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

__all__ = ["ApiServer", "Reply", "connect"]

_TRIES = 3
_CONNECT_S = 10.0
# However long a server asks us to wait before we try again.
_MOST_WAIT_S = 10.0
_BUSY = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16


class Reply(NamedTuple):
    """An answer. body: as it came, whatever the status."""

    status: int
    body: bytes


class ApiServer:
    """An API server that is only ever asked with GET."""

    def __init__(self, client: ApiClient, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self.url = str(client.configuration.host)

    def get(self, path: str, query: Mapping[str, str], accept: str) -> Reply:
        """The answer to a request.

        Asked again a few times while the server is busy or drops the connection. ClusterUnavailable when it
        cannot be reached, is not who it should be, or takes longer than the time-out in all.
        """
        for rest in reversed(range(_TRIES)):
            try:
                reply, wait_s = self._asked(path, query, accept)
            except _Dropped as error:
                if not rest:
                    raise ClusterUnavailable(
                        f"`{self.url}` cannot be reached: {error}; check the address and the network"
                    ) from error
                time.sleep(0.2)
                continue
            if reply.status not in _BUSY or not rest:
                return reply
            time.sleep(min(wait_s, _MOST_WAIT_S))
        raise AssertionError("unreachable: the last try returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _asked(self, path: str, query: Mapping[str, str], accept: str) -> tuple[Reply, float]:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import ConnectTimeoutError, HTTPError
        from urllib3.exceptions import TimeoutError as TookTooLong

        slow = ClusterUnavailable(
            f"`{self.url}` did not answer `{path}` within {self._timeout_s:g} s; try again, or give more by `--timeout`"
        )
        request = self._client.param_serialize(
            "GET",
            path,
            query_params=list(query.items()),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        until = time.monotonic() + self._timeout_s
        try:
            limits = (min(_CONNECT_S, self._timeout_s), self._timeout_s)
            response = self._client.call_api(*request, _request_timeout=limits).response
            try:
                body = bytearray()
                # One read of the socket at a time, so that bytes that trickle in meet the time-out too.
                while chunk := response.read1(_CHUNK):
                    body += chunk
                    if time.monotonic() > until:
                        raise slow
            finally:
                response.release_conn()
        except ApiException as error:  # the client's word for a failed handshake
            raise ClusterUnavailable(
                f"`{self.url}` does not prove who it is: {_one_line(error.reason)};"
                " check `certificate-authority` and the client's certificate in the kubeconfig"
            ) from error
        except ConnectTimeoutError as error:
            raise _Dropped(_one_line(error)) from error
        except TookTooLong as error:
            raise slow from error
        except HTTPError as error:
            raise _Dropped(_one_line(error)) from error
        return Reply(response.status, bytes(body)), _seconds(response.headers.get("Retry-After"))


class _Dropped(Exception):
    """The connection could not be made or was lost."""


def connect(*, kubeconfig: str | None, context: str | None, timeout_s: float) -> ApiServer:
    """The API server of a context of a kubeconfig; nothing is asked of it yet.

    kubeconfig: a path; None: `KUBECONFIG`, else `~/.kube/config`, else the account of the pod we run in, as kubectl
    does. context: None for the current one. timeout_s: of each request. BadInput says what to mend.
    """
    try:
        from kubernetes.client import ApiClient, Configuration
    except ImportError:
        raise BadInput(
            "--live: the library `kubernetes` is not installed; `pip install 'graphsvc[server,kubernetes]'`",
            field="live",
        ) from None
    settings = Configuration()
    settings.retries = False
    with _complaints() as complaints:
        _configure(settings, kubeconfig, context)
    if complaints:
        told = _one_line("; ".join(complaints))
        raise BadInput(
            f"the kubeconfig gives no credential: {told}; run its plugin by hand to see why",
            field="kubeconfig",
        )
    _check_server(settings)
    client = ApiClient(settings)
    client.user_agent = f"graphsvc/{__version__}"
    return ApiServer(client, timeout_s=timeout_s)


def _configure(settings: Configuration, kubeconfig: str | None, context: str | None) -> None:
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
    from yaml import YAMLError

    named = kubeconfig or os.environ.get("KUBECONFIG") or None
    usual = Path("~/.kube/config").expanduser()
    within = (
        named is None and context is None and not usual.exists() and "KUBERNETES_SERVICE_HOST" in os.environ
    )
    load: Callable[[], None] = (
        (lambda: load_incluster_config(client_configuration=settings))
        if within
        # A file that others use stays as it is: a token that was made anew is not written into it.
        else lambda: load_kube_config(named or str(usual), context, settings, persist_config=False)
    )
    where = "the account of this pod" if within else f"the kubeconfig `{named or usual}`"
    try:
        is_old = not within and _has_old_login(named or str(usual), context)
        if not is_old:
            load()
    except (ConfigException, YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{where} cannot be used: {_one_line(error)};"
            + (" mount a service account token" if within else " name one by --kubeconfig and --context"),
            field="kubeconfig",
        ) from error
    if is_old:
        raise BadInput(
            f"{where} logs in by `auth-provider`, which kubectl no longer knows either; use an `exec` plugin",
            field="kubeconfig",
        )


def _has_old_login(path: str, context: str | None) -> bool:
    """Whether the context's user logs in by `auth-provider`: the client renews such a token without verifying who gives it."""
    from kubernetes.config.kube_config import KubeConfigMerger

    settings = KubeConfigMerger(path).config
    chosen = settings["contexts"].get_with_name(context or settings["current-context"])
    name = chosen["context"].safe_get("user")
    user = settings["users"].get_with_name(name, safe=True) if name and settings.safe_get("users") else None
    return user is not None and user.safe_get("user") is not None and "auth-provider" in user["user"]


def _check_server(settings: Configuration) -> None:
    """Refuse a server that proves nothing: our credentials would go to whoever listens there."""
    url = urlsplit(str(settings.host))
    if url.scheme == "https" and settings.verify_ssl:
        return
    if url.scheme == "https":
        raise BadInput(
            f"the kubeconfig says not to verify `{settings.host}`; put its `certificate-authority` there instead of"
            " `insecure-skip-tls-verify`",
            field="kubeconfig",
        )
    if url.scheme != "http" or not _is_loopback(url.hostname or ""):
        raise BadInput(
            f"`{settings.host}` is not https; give the server's https address, or go through `kubectl proxy` on this"
            " machine",
            field="kubeconfig",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the client logs as an error while it reads credentials: it goes on without them, we do not."""
    told: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    listener = Listener(level=logging.ERROR)
    logging.getLogger().addHandler(listener)
    try:
        yield told
    finally:
        logging.getLogger().removeHandler(listener)


def _seconds(text: str | None) -> float:
    """Retry-After, where it is a number; API servers send no dates."""
    try:
        return max(0.0, float(text or 1))
    except ValueError:
        return 1.0


def _one_line(told: object) -> str:
    return " ".join(str(told).split())
