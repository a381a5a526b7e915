"""Managed policies of a dump: the permissions of their default versions, by ARN, resolved on demand."""

from __future__ import annotations

from collections.abc import Mapping

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import RESOURCE_TYPE
from graphsvc.importers.aws.cap import nothing_cap
from graphsvc.importers.aws.document import read_document, statements
from graphsvc.importers.aws.dump import Entries, Entry, objects, text
from graphsvc.importers.aws.permission import permissions
from graphsvc.importers.result import Collector

__all__ = ["Policies"]


def _allows_everything(statement: dict[str, Json]) -> bool:
    def whole(name: str) -> bool:
        value = statement.get(name)
        return bool({"*", "*:*"} & set(map(str, value if isinstance(value, list) else [value])))

    return (
        statement.get("Effect") == "Allow"
        and "Condition" not in statement
        and whole("Action")
        and whole("Resource")
    )


class Policies:
    """The managed policies of one import.

    documents: documents by ARN for policies that the dump attaches and does not hold.
    """

    def __init__(self, entries: Entries, documents: Mapping[str, Json], collector: Collector) -> None:
        self._documents = documents
        self._collector = collector
        self._keys: dict[str, list[str]] = {}
        for place, entry in entries:
            try:
                arn, name = text(entry, "Arn", place), text(entry, "PolicyName", place)
            except BadInput as error:
                collector.skip(place, str(error))
                continue
            if arn in self._keys:
                collector.skip(place, f"policy `{arn}` is in the input already")
                continue
            collector.counts["policies"] += 1
            self._keys[arn] = self._default(entry, arn, name, place)
            if not arn.partition(":iam::")[2].startswith("aws:"):
                # AWS alone may change its own.
                stands_for: dict[str, Json] = {"aws_type": "policy"}
                collector.merge(Node(key=f"resource:{RESOURCE_TYPE}:{arn}", properties=stands_for))

    def attached(self, arn: str, owner: str) -> list[str] | None:
        """The permissions of a policy; None, and reported as incomplete, when nobody has its document."""
        if arn not in self._keys:
            if arn not in self._documents:
                self._collector.incomplete(
                    f"`{arn}` is used by `{owner}`, but its document is not in the dump"
                )
                return None
            self._collector.counts["policies_resolved"] += 1
            self._keys[arn] = self._take(self._documents[arn], arn, arn.rpartition("/")[2], f"`{arn}`")
        return self._keys[arn]

    def boundary(self, arn: str, owner: str) -> list[str]:
        """The permissions that cap `owner`.

        A boundary that nobody has the document of, or that holds no statement, allows nothing: it is
        one permission without actions, for an absent cap would be no cap.
        """
        keys = self.attached(arn, owner)
        if keys:
            return keys
        return [nothing_cap(f"{arn}#unknown-boundary", self._collector)]

    def _default(self, entry: Entry, arn: str, name: str, place: str) -> list[str]:
        chosen: list[str] | None = None
        for where, version in objects(entry, "PolicyVersionList", place, self._collector):
            if version.get("IsDefaultVersion") is True or (
                "IsDefaultVersion" not in version
                and version.get("VersionId") == entry.get("DefaultVersionId")
            ):
                if chosen is None:
                    chosen = self._take(version.get("Document"), arn, name, f"{where}.Document")
                    continue
                self._collector.skip(where, f"policy `{arn}` has a default version already")
            self._count_other(version, f"{where}.Document")
            self._spare(arn, version, f"{where}.Document")
        if chosen is None:
            if arn in self._documents:
                self._collector.counts["policies_resolved"] += 1
                return self._take(self._documents[arn], arn, name, f"`{arn}`")
            self._collector.incomplete(f"`{arn}`: the dump holds no default version of the policy")
        return chosen or []

    def _spare(self, arn: str, version: Entry, place: str) -> None:
        """A version that is not in force and would allow everything: whoever may put it in force has gained that."""
        try:
            found = statements(read_document(version.get("Document"), place), place)
        except BadInput:
            return
        if any(_allows_everything(statement) for statement in found):
            key = f"resource:{RESOURCE_TYPE}:{arn}"
            properties: dict[str, Json] = {"admin_version": version.get("VersionId")}
            self._collector.merge(Node(key=key, labels=("admin-version",), properties=properties))

    def _take(self, document: Json, arn: str, name: str, place: str) -> list[str]:
        keys = permissions(document, owner=arn, name=name, place=place, collector=self._collector)
        self._collector.counts["statements_managed"] += len(keys)
        return keys

    def _count_other(self, version: Entry, place: str) -> None:
        """Versions that are not in force give no permission, yet may be put in force: count them."""
        self._collector.counts["versions_not_default"] += 1
        try:
            found = statements(read_document(version.get("Document"), place), place)
        except BadInput as error:
            self._collector.skip(place, str(error))
            return
        self._collector.counts["statements_not_default"] += len(found)
        self._collector.counts["conditional_not_default"] += sum("Condition" in item for item in found)
