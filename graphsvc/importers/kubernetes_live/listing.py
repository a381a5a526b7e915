"""Lists of an API server, page by page, as objects that the importer reads; of secrets their names and types alone.

Source: Kubernetes documentation, "Kubernetes API Concepts", sections on large result sets and on receiving resources
as tables and as metadata.
"""

from __future__ import annotations

from typing import cast

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import ClusterUnavailable
from graphsvc.importers.kubernetes.manifest import Placed
from graphsvc.importers.kubernetes_live.connection import ApiServer
from graphsvc.importers.kubernetes_live.resource import SECRETS, Resource

__all__ = ["Refused", "list_objects"]

_PAGE = "500"
# The one annotation that the importer reads. Others may hold whole objects, secrets included, as they were applied.
_OWNER = "kubernetes.io/service-account.name"


class Refused(Exception):
    """A list that may not or cannot be had; the text says why. status: of the answer."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status


def list_objects(server: ApiServer, resource: Resource, namespace: str | None) -> list[Placed]:
    """All objects of a kind, each with its path. namespace: None for all of them.

    Refused: the server forbids the list or does not serve it. ClusterUnavailable: nothing can be had of it.
    """
    path = resource.path(namespace)
    query = {"limit": _PAGE}
    found: list[Placed] = []
    while True:
        reply = server.get(path, query, resource.accept)
        if reply.status == 410 and "continue" in query:
            # The pages belong to a state that the server has forgotten: what was read of it may no longer fit
            # the rest, so all is read anew, in one piece.
            found, query = [], {}
            continue
        page = _page(server, path, reply.status, reply.body)
        found += _objects(page, resource, path)
        following = _mapping(page.get("metadata")).get("continue")
        if not following or not isinstance(following, str):
            return found
        query = {"limit": _PAGE, "continue": following}


def _page(server: ApiServer, path: str, status: int, body: bytes) -> dict[str, Json]:
    try:
        page = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        page = None
    told = str(_mapping(page).get("message") or f"status {status}")
    if status == 401:
        raise ClusterUnavailable(
            f"`{server.url}` does not accept the credentials: {told}; log in again, or choose another --context"
        )
    if status in {403, 404, 406}:
        raise Refused(status, told)
    if status != 200:
        raise ClusterUnavailable(f"`{server.url}` answered `{path}` with {status}: {told}; try again later")
    if not isinstance(page, dict):
        raise ClusterUnavailable(f"`{server.url}` answered `{path}` with no JSON; is it an API server?")
    return page


def _objects(page: dict[str, Json], resource: Resource, path: str) -> list[Placed]:
    kind = page.get("kind")
    if resource.plural == SECRETS and kind not in {"Table", "PartialObjectMetadataList"}:
        raise Refused(406, "the answer held more than metadata, so nothing of it was taken")
    listed = page.get("rows" if kind == "Table" else "items")
    if not isinstance(kind, str) or not (listed is None or isinstance(listed, list)):
        raise ClusterUnavailable(f"the answer to `{path}` is no list; is this an API server?")
    columns = [
        str(_mapping(each).get("name")) for each in cast("list[Json]", page.get("columnDefinitions") or [])
    ]
    found: list[Placed] = []
    for each in map(_mapping, listed or []):
        body = (
            {**_mapping(each.get("object")), "type": _cell(each, columns, "Type")}
            if kind == "Table"
            else each
        )
        body = _trimmed(body, resource)
        found.append((_place(body, resource), body))
    return found


def _trimmed(item: dict[str, Json], resource: Resource) -> dict[str, Json]:
    """An object as its manifest would say it. Items of lists leave out what the list says."""
    metadata = dict(_mapping(item.get("metadata")))
    metadata.pop("managedFields", None)
    annotations = _mapping(metadata.pop("annotations", None))
    if _OWNER in annotations:
        metadata["annotations"] = {_OWNER: annotations[_OWNER]}
    body: dict[str, Json] = {"apiVersion": resource.version, "kind": resource.kind, "metadata": metadata}
    if resource.plural != SECRETS:
        return {**{name: value for name, value in item.items() if name not in {"status", *body}}, **body}
    # Where no table was to be had, only tokens are known by what they must carry.
    kind = item.get("type") or ("kubernetes.io/service-account-token" if "annotations" in metadata else None)
    return {**body, "type": kind}


def _cell(row: dict[str, Json], columns: list[str], name: str) -> Json:
    cells = row.get("cells")
    position = columns.index(name) if name in columns else None
    return (
        cells[position]
        if isinstance(cells, list) and position is not None and position < len(cells)
        else None
    )


def _place(body: dict[str, Json], resource: Resource) -> str:
    metadata = _mapping(body["metadata"])
    namespace = metadata.get("namespace")
    return f"{resource.path(str(namespace) if namespace else None)}/{metadata.get('name')}"


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
