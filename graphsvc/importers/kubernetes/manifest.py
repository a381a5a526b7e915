"""Manifests to objects: documents, `List` and `RoleList` kinds, namespaces, and duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.kubernetes.name import RBAC
from graphsvc.importers.result import Collector
from graphsvc.importers.text import decode_text, parse_json
from graphsvc.importers.yaml_text import read_documents

__all__ = ["KINDS", "Manifest", "Placed", "read_manifests", "take_manifests"]

# What the importer understands: API group of a kind, and whether its objects live in namespaces.
KINDS = {
    "Role": (RBAC, True), "ClusterRole": (RBAC, False), "RoleBinding": (RBAC, True),
    "ClusterRoleBinding": (RBAC, False), "ServiceAccount": ("", True), "Secret": ("", True), "Pod": ("", True),
    "Node": ("", False), "ReplicationController": ("", True), "Deployment": ("apps", True),
    "ReplicaSet": ("apps", True), "StatefulSet": ("apps", True), "DaemonSet": ("apps", True),
    "Job": ("batch", True), "CronJob": ("batch", True), "PodTemplate": ("", True),
}  # fmt: skip
# Where an object was read, and the object.
Placed = tuple[str, dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object. namespace: None for kinds of the cluster's own scope; place: file and path in it."""

    kind: str
    group: str
    namespace: str | None
    name: str
    body: dict[str, Json]
    place: str

    @property
    def metadata(self) -> dict[str, Json]:
        """The object's metadata."""
        return cast("dict[str, Json]", self.body["metadata"])

    def section(self, *path: str) -> dict[str, Json]:
        """The mapping at a path below the object; empty when absent, BadInput when it is something else."""
        found: Json = self.body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
            if found is not None and not isinstance(found, dict):
                raise BadInput(f"{self.place}.{'.'.join(path)}: must be a mapping", field=self.place)
        return found if isinstance(found, dict) else {}


def read_manifests(files: Sequence[tuple[bytes | str, str]], collector: Collector) -> list[Manifest]:
    """The objects of files that matter, as `take_manifests` gives them."""
    return take_manifests((placed for file in files for placed in _objects(*file, collector)), collector)


def take_manifests(objects: Iterable[Placed], collector: Collector) -> list[Manifest]:
    """The objects that matter, sorted; others are counted by `objects_without_meaning`.

    The same object twice is taken once; two different ones of one name are both left out, for nobody
    can tell which is in force.
    """
    held: dict[tuple[str, str, str], Manifest] = {}
    clashing: set[tuple[str, str, str]] = set()
    for place, body in objects:
        try:
            manifest = _manifest(body, place, collector)
        except BadInput as error:
            collector.skip(place, str(error).removeprefix(f"{place}: "))
            continue
        if manifest is None:
            collector.counts["objects_without_meaning"] += 1
            continue
        name = (manifest.kind, manifest.namespace or "", manifest.name)
        known = held.setdefault(name, manifest)
        if known is not manifest and _text(known.body) != _text(manifest.body):
            clashing.add(name)
            collector.skip(
                place, f"{manifest.kind} `{manifest.name}` stands differently at {known.place}; keep one"
            )
    for name in sorted(clashing):
        collector.skip(held[name].place, f"{name[0]} `{name[2]}` is given twice, differently; keep one")
        collector.incomplete(f"{name[0]} `{name[2]}` is left out: it is given twice, differently")
        del held[name]
    return [held[name] for name in sorted(held)]


def _text(body: dict[str, Json]) -> bytes:
    return msgspec.json.encode(body, order="sorted")


def _objects(data: bytes | str, file: str, collector: Collector) -> Iterator[Placed]:
    documents = _documents(decode_text(data, file), file)
    found = False
    for number, document in documents:
        place = file if number == 1 else f"{file}[{number}]"
        for where, body in _unfolded(document, place):
            found = True
            if isinstance(body, dict):
                yield where, body
            else:
                collector.skip(where, "must be a mapping with `apiVersion`, `kind` and `metadata`")
    if not found:
        raise BadInput(f"`{file}` holds no objects; give manifests or `kubectl get -o yaml`", field=file)


def _documents(text: str, file: str) -> list[tuple[int, Json]]:
    """Dumps are often JSON, which is read much faster as such; YAML may begin with a brace too."""
    if not text.lstrip().startswith("{"):
        return read_documents(text, file)
    try:
        return [(1, parse_json(text, file))]
    except BadInput as error:
        try:
            return read_documents(text, file)
        except BadInput:
            raise error from None


def _unfolded(document: Json, place: str) -> Iterator[tuple[str, Json]]:
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(kind, str) or not kind.endswith("List"):
        yield place, document
        return
    items = document.get("items")
    if items is None:
        yield from ()
    elif not isinstance(items, list):
        yield f"{place}.items", items
    else:
        for index, item in enumerate(items):
            where = f"{place}.items[{index}]"
            if isinstance(item, dict):
                # Items of typed lists, as the API sends them, leave out what the list says.
                if kind != "List" and "kind" not in item:
                    item = {"kind": kind.removesuffix("List"), **item}
                if kind != "List" and "apiVersion" not in item and "apiVersion" in document:
                    item = {"apiVersion": document["apiVersion"], **item}
                yield from _unfolded(item, where)
            else:
                yield where, item


def _manifest(body: dict[str, Json], place: str, collector: Collector) -> Manifest | None:
    version, kind = body.get("apiVersion"), body.get("kind")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise BadInput("must have `apiVersion` and `kind`", field=place)
    group = version.rpartition("/")[0]
    # Custom resources may reuse names such as Role; their API group tells them apart.
    if kind not in KINDS or KINDS[kind][0] != group:
        return None
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(name, str) or not name or "/" in name:
        raise BadInput("`metadata.name` must be text without a slash; write the object's name", field=place)
    namespace: str | None = None
    if KINDS[kind][1]:
        given = metadata.get("namespace")
        if given is None:
            given = "default"
            collector.note("objects without a namespace are taken to be in `default`, as kubectl does")
        if not isinstance(given, str) or not given or set(given) & set("/:*?"):
            raise BadInput("`metadata.namespace` must be the name of a namespace", field=place)
        namespace = given
    return Manifest(kind, group, namespace, name, body, place)
