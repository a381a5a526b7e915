"""An API server of Kubernetes as far as lists go: HTTPS, credentials, pages, tables, metadata, and all the ways to refuse.

Written from "Kubernetes API Concepts" and "Authenticating", knowing nothing of the importer. Whatever is no list is
answered as a server that must not be touched would: 405 to other methods, 404 to other paths.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["ApiServer", "Authority", "Behaviour"]

# API group, name in URLs, whether in namespaces, by kind.
SERVED = {
    "Pod": ("", "pods", True), "Secret": ("", "secrets", True), "Node": ("", "nodes", False),
    "ServiceAccount": ("", "serviceaccounts", True), "PodTemplate": ("", "podtemplates", True),
    "ReplicationController": ("", "replicationcontrollers", True), "ConfigMap": ("", "configmaps", True),
    "Namespace": ("", "namespaces", False), "Service": ("", "services", True),
    "Deployment": ("apps", "deployments", True), "ReplicaSet": ("apps", "replicasets", True),
    "StatefulSet": ("apps", "statefulsets", True), "DaemonSet": ("apps", "daemonsets", True),
    "Job": ("batch", "jobs", True), "CronJob": ("batch", "cronjobs", True),
    "Role": ("rbac.authorization.k8s.io", "roles", True),
    "RoleBinding": ("rbac.authorization.k8s.io", "rolebindings", True),
    "ClusterRole": ("rbac.authorization.k8s.io", "clusterroles", False),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io", "clusterrolebindings", False),
}  # fmt: skip


class Authority:
    """A certificate authority with a folder for what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.file = folder / "ca.crt"
        signed = self._signed(self._name, self._key, names=[], is_authority=True)
        self.file.write_bytes(signed.public_bytes(Encoding.PEM))

    def sign(self, name: str) -> tuple[Path, Path]:
        """Certificate and key, for this machine's loopback address and for the name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        signed = self._signed(subject, key, names=names, is_authority=False)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(signed.public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, names: list[Any], is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@dataclass
class Behaviour:
    """How a server meets its callers.

    forbidden: (plural, namespace or "" for all) that may not be listed. absent: API groups it does not serve. expired:
    how many `continue` tokens it has forgotten. busy: how many requests it turns away first. tables: False for a server
    that knows metadata alone, None for one that knows neither and says so. careless: sends whole objects
    whatever is asked. trickle_s: between the bytes of an answer.
    """

    tokens: set[str] = field(default_factory=set)
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    expired: int = 0
    busy: int = 0
    dropped: int = 0
    tables: bool | None = True
    careless: bool = False
    trickle_s: float = 0.0
    most: int = 500


class ApiServer:
    """The server; `asked` has every request, `sent` every body. With an authority it speaks HTTPS."""

    def __init__(self, objects: Iterable[dict[str, Any]], authority: Authority | None) -> None:
        self.behaviour = Behaviour()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent = bytearray()
        self.objects = [_stored(number, each) for number, each in enumerate(objects)]
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        scheme = "http"
        if authority is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.sign("server"))
            context.load_verify_locations(authority.file)
            context.verify_mode = ssl.CERT_OPTIONAL
            # In the thread of the connection, so that a client that goes away holds up nobody.
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{scheme}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def dump(self) -> bytes:
        """What `kubectl get ... -A -o json` writes of everything."""
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": self.objects}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append(("GET", self.path, _headers(self.headers.items())))
                if server.behaviour.dropped:
                    server.behaviour.dropped -= 1
                    self.close_connection = True
                    return
                self._send(*server.answer(self.path, _headers(self.headers.items()), self._is_certified()))

            def _other(self) -> None:
                server.asked.append((str(self.command), self.path, _headers(self.headers.items())))
                self._send(405, _status(405, "MethodNotAllowed", "this server is only to be listed"))

            def __getattr__(self, name: str) -> Any:
                """The handler of every other method, which the server looks up by its name."""
                if name.startswith("do_"):
                    return self._other
                raise AttributeError(name)

            def _is_certified(self) -> bool:
                peer = getattr(self.connection, "getpeercert", lambda: None)()
                return bool(peer)

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                server.sent += data
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                if not server.behaviour.trickle_s:
                    self.wfile.write(data)
                    return
                try:
                    for byte in data:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(server.behaviour.trickle_s)
                except OSError:
                    return  # the client had enough

            def log_message(self, *_args: object) -> None:
                return

        return Handler

    def answer(self, url: str, headers: dict[str, str], certified: bool) -> tuple[int, dict[str, Any]]:
        """Status and body for a GET."""
        how = self.behaviour
        if how.busy:
            how.busy -= 1
            return 429, _status(429, "TooManyRequests", "the server has received too many requests")
        token = headers.get("authorization", "").partition(" ")[2]
        if how.tokens and token not in how.tokens and not certified:
            return 401, _status(401, "Unauthorized", "Unauthorized")
        found = self._listed(urlsplit(url).path)
        if found is None:
            return 404, _status(404, "NotFound", "the server could not find the requested resource")
        group, plural, namespace, items = found
        if group in how.absent:
            return 404, _status(404, "NotFound", "the server could not find the requested resource")
        if (plural, namespace) in how.forbidden:
            told = f'{plural} is forbidden: User "u" cannot list resource "{plural}"'
            return 403, _status(403, "Forbidden", told)
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return self._page(group, plural, items, query, headers.get("accept", ""))

    def _listed(self, path: str) -> tuple[str, str, str, list[dict[str, Any]]] | None:
        """(group, plural, namespace, objects) of the path of a list; None when it is none."""
        for kind, (group, plural, namespaced) in SERVED.items():
            root = f"/apis/{group}/v1" if group else "/api/v1"
            held = [each for each in self.objects if each["kind"] == kind]
            if path == f"{root}/{plural}":
                return group, plural, "", held
            before, _, after = path.partition("/namespaces/")
            space, _, rest = after.partition("/")
            if namespaced and before == root and rest == plural:
                return group, plural, space, [each for each in held if each["metadata"]["namespace"] == space]
        return None

    def _page(
        self, group: str, plural: str, items: list[dict[str, Any]], query: dict[str, str], accept: str
    ) -> tuple[int, dict[str, Any]]:
        how, start = self.behaviour, 0
        if token := query.get("continue"):
            if how.expired:
                how.expired -= 1
                return 410, _status(410, "Expired", "The provided continue parameter is too old")
            start = int(b64decode(token))
        limit = min(int(query["limit"]), how.most) if "limit" in query else len(items)
        metadata: dict[str, Any] = {"resourceVersion": "1000"}
        if start + limit < len(items):
            metadata["continue"] = b64encode(str(start + limit).encode()).decode()
        page = items[start : start + limit]
        kind = next(kind for kind, served in SERVED.items() if served[:2] == (group, plural))
        form = self._form(accept)
        if form == "Table":
            return 200, _table(page, metadata)
        if form == "PartialObjectMetadataList":
            return 200, {
                "apiVersion": "meta.k8s.io/v1", "kind": form, "metadata": metadata,
                "items": [_partial(each) for each in page],
            }  # fmt: skip
        if form is None:
            return 406, _status(
                406, "NotAcceptable", "only the following media types are accepted: application/json"
            )
        bare = [
            {name: value for name, value in each.items() if name not in {"kind", "apiVersion"}}
            for each in page
        ]
        version = f"{group}/v1" if group else "v1"
        return 200, {"apiVersion": version, "kind": f"{kind}List", "metadata": metadata, "items": bare}

    def _form(self, accept: str) -> str | None:
        """The first form of those asked for that is known."""
        if self.behaviour.careless:
            return ""
        known = {
            True: {"Table", "PartialObjectMetadataList"},
            False: {"PartialObjectMetadataList"},
            None: set(),
        }
        for each in accept.split(","):
            parts = dict(part.split("=") for part in each.strip().split(";")[1:])
            form = parts.get("as", "")
            if not form or form in known[self.behaviour.tables]:
                return form
        return None


def _headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in items}


def _stored(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """An object as a server keeps it: with what it adds itself."""
    metadata = {"creationTimestamp": "2026-01-01T00:00:00Z", **body["metadata"]}
    metadata |= {"uid": f"00000000-0000-4000-8000-{number:012}", "resourceVersion": str(number + 1)}
    metadata["managedFields"] = [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {}}}]
    if SERVED.get(body["kind"], ("", "", False))[2]:
        metadata.setdefault("namespace", "default")
    return {**body, "metadata": metadata, "status": {"observedGeneration": 1}}


def _partial(body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": body["metadata"]}


def _table(page: list[dict[str, Any]], metadata: dict[str, Any]) -> dict[str, Any]:
    columns = ["Name", "Type", "Data", "Age"]
    rows = [
        {
            "cells": [each["metadata"]["name"], each.get("type", ""), len(each.get("data") or {}), "3d"],
            "object": _partial(each),
        }
        for each in page
    ]
    return {
        "apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": metadata,
        "columnDefinitions": [{"name": name, "type": "string"} for name in columns], "rows": rows,
    }  # fmt: skip


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
