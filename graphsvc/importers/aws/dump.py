"""The outer shape of account authorization details: four lists, in one file or in pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector
from graphsvc.importers.text import decode_json

__all__ = ["LISTS", "Entries", "Entry", "objects", "read_pages", "text"]

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")

Entry = dict[str, Json]
# Entries with the place each stands at.
Entries = list[tuple[str, Entry]]


def read_pages(pages: Sequence[tuple[bytes | str, str]], collector: Collector) -> dict[str, Entries]:
    """The four lists of all pages. Each page is (data, file); a file may also hold a list of pages.

    Lists that no page holds, and a last page that was cut by the API, are reported as incomplete.
    BadInput when a file is not JSON or holds none of the lists.
    """
    found: dict[str, Entries] = {}
    total = truncated = 0
    for data, file in pages:
        value = decode_json(data, file)
        # An empty list is refused like anything else that is no dump.
        for number, page in enumerate(value if isinstance(value, list) and value else [value]):
            where = f"{file}[{number}]" if isinstance(value, list) else file
            if not isinstance(page, dict) or not any(isinstance(page.get(name), list) for name in LISTS):
                raise BadInput(
                    f"`{where}` is not an account dump: it holds none of {', '.join(LISTS)}; write one with "
                    "`aws iam get-account-authorization-details`",
                    field=file,
                )
            total += 1
            truncated += page.get("IsTruncated") is True
            for name in LISTS:
                if name in page:
                    found.setdefault(name, []).extend(objects(page, name, where, collector))
    if truncated == total:
        collector.incomplete(
            f"`{pages[-1][1]}`: the last page says `IsTruncated`: fetch the pages that follow its `Marker`"
        )
    for name in LISTS:
        if name not in found:
            collector.incomplete(f"`{pages[-1][1]}` holds no `{name}`: export the account without a filter")
    return {name: found.get(name, []) for name in LISTS}


def objects(entry: Entry, name: str, place: str, collector: Collector) -> Entries:
    """The objects in a list of an entry, with their places; anything else in it is skipped."""
    value = entry.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        collector.skip(f"{place}.{name}", "must be a list")
        return []
    return list(_objects(value, f"{place}.{name}", collector))


def text(entry: Entry, name: str, place: str) -> str:
    """A text that an entry must have."""
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{place}.{name}: must be text that is not empty", field=f"{place}.{name}")
    return value


def _objects(values: list[Json], place: str, collector: Collector) -> Iterator[tuple[str, Entry]]:
    for index, value in enumerate(values):
        if isinstance(value, dict):
            yield f"{place}[{index}]", value
        else:
            collector.skip(f"{place}[{index}]", "must be an object")
