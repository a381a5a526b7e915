"""Files beside findings: the register of owners and accepted risks, baselines, and what history says was used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from graphsvc.cli.option import Place
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.finding import Baseline, Finding
from graphsvc.explore.register import Entry
from graphsvc.explore.unused import Use

__all__ = ["read_baseline", "read_register", "read_uses", "write_baseline_file"]


class _Register(msgspec.Struct, forbid_unknown_fields=True):
    findings: list[Entry]


class _BaselineFile(msgspec.Struct, forbid_unknown_fields=True):
    graphsvc_baseline: int
    findings: dict[str, list[str]]


def read_register(path: Path) -> list[Entry]:
    """The entries of `findings:` in a YAML file; BadInput names the file and the field."""
    from graphsvc.importers.yaml_text import read_documents

    try:
        documents = read_documents(path.read_bytes(), str(path))
        found = msgspec.convert(documents[0][1] if documents else {"findings": []}, _Register)
    except OSError as error:
        raise BadInput(f"`{path}` cannot be read: {error.strerror}", field="register") from None
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {error}; an entry has {', '.join(_FIELDS)}", field="register") from None
    for number, entry in enumerate(found.findings):
        if entry.ids:
            told = f"{path}: findings[{number}]: no field `ids`; an entry has {', '.join(_FIELDS)}"
            raise BadInput(told, field=f"findings[{number}]")
        if entry.accepted_until is not None and not (entry.accepted_by and entry.reason):
            raise BadInput(
                f"{path}: findings[{number}]: `accepted_until` needs `accepted_by` and `reason`: somebody answers for a risk",
                field=f"findings[{number}]",
            )
    return found.findings


_FIELDS = ("pattern", "identity", "fingerprint", "owner", "due", "accepted_until", "accepted_by", "reason")


def read_baseline(path: Path) -> Baseline:
    """What `write_baseline_file` wrote; BadInput names the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_BaselineFile).findings
    except OSError as error:
        raise BadInput(f"`{path}` cannot be read: {error.strerror}", field="baseline") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadInput(f"{path}: {error}; write a baseline with --write-baseline", field="baseline") from None


def write_baseline_file(path: Path, found: Sequence[Finding]) -> None:
    """Fingerprints with the identities of each, sorted, so that a change reads well in version control."""
    marks: dict[str, list[str]] = {}
    for each in found:
        marks.setdefault(each.fingerprint, []).extend(each.identities)
    made = _BaselineFile(1, {mark: sorted(set(marks[mark])) for mark in sorted(marks)})
    path.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")


def read_uses(
    view: EstateView,
    traces: Sequence[Path],
    at: Place,
    *,
    since: str | None,
) -> list[Use]:
    """Permitted actions of the store's history and of traces, one for each who takes part; BadInput names the field."""
    from graphsvc.cli.session import Admin, run_admin
    from graphsvc.core.record import Decided
    from graphsvc.core.request import AccessRequest
    from graphsvc.core.trace.item import TraceAction
    from graphsvc.core.trace.read import read_trace

    from_ms = _time(since) if since is not None else 0
    uses: list[Use] = []

    def take(request: AccessRequest, at_ms: int) -> None:
        if at_ms < from_ms or not request.executed:
            return
        resource = f"resource:{request.resource.type}:{request.resource.id}"
        for party in (request.subject, *request.on_behalf_of):
            identity = f"identity:{view.estate.resolve(party.id)[0]}"
            uses.append(Use(identity, request.action, resource, at_ms))

    async def ask(admin: Admin) -> None:
        async for _, record in admin.history():
            if isinstance(record, Decided) and record.answered is Verdict.PERMIT:
                take(record.request, record.at_ms)

    run_admin(ask, at, create=False)
    for path in traces:
        for item in read_trace(path.read_text("utf-8").splitlines(), str(path)):
            if isinstance(item, TraceAction):
                take(item.request, item.at_ms)
    return uses


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--since: `{text}` is no time; write 2026-01-31 or 2026-01-31T10:00:00Z", field="since"
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
