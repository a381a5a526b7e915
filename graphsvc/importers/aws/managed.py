"""Documents of managed policies that a dump refers to but does not hold."""

from __future__ import annotations

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_text, parse_json

__all__ = ["ManagedPolicies", "read_managed_policies"]


class ManagedPolicies(msgspec.Struct, frozen=True):
    """Published policy documents by ARN. without_arn: names of those that no dump can refer to."""

    documents: dict[str, Json] = {}
    without_arn: tuple[str, ...] = ()


def read_managed_policies(data: bytes | str, file: str) -> ManagedPolicies:
    """The policies of a JSON Lines file of `{"arn", "name", "document"}` (gzip-compressed or not).

    Retired policies are listed with a null ARN. BadInput names the file and the line (from 1).
    """
    documents: dict[str, Json] = {}
    without_arn: list[str] = []
    for number, line in enumerate(decode_text(data, file).split("\n"), 1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        record = parse_json(line, place)
        if not isinstance(record, dict) or not {"arn", "document"} <= record.keys():
            raise BadInput(f"{place}: a line needs `arn` and `document`", field=place)
        arn = record["arn"]
        if isinstance(arn, str) and arn:
            documents[arn] = record["document"]
        elif arn is None:
            without_arn.append(str(record.get("name")))
        else:
            raise BadInput(f"{place}.arn: must be text or null", field=place)
    return ManagedPolicies(documents, tuple(without_arn))
