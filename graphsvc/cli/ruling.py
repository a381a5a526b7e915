"""The life of rules asked of a store or of a service: the same JSON from either, in the shape of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from graphsvc.cli.direct import OPERATOR, Direct
from graphsvc.cli.remote import Remote
from graphsvc.cli.session import Admin
from graphsvc.core.governing import PolicyDrafted
from graphsvc.core.rejudge import Difference
from graphsvc.core.value import Json, format_time
from graphsvc.decide.desk import TrialView
from graphsvc.decide.rejudging import ReplayDiff, Touched
from graphsvc.decide.review_load import ReviewLoad
from graphsvc.decide.stopped import Stopped, StoppedTally
from graphsvc.decide.trying import PackText
from graphsvc.errors import BadInput

__all__ = ["Ruling", "ruling"]

_PPM = 1_000_000
_FAILED = "... on Failure { code message field }"
_TRIAL = "pack version sha256 since by comment canary decisions spoke denies escalates differs unjudged"
_REPLAY = """decisions differing passedOver undecidable unstored { name decisions } whole complete moves { before after count }
  identities { name tightened loosened } patterns { name tightened loosened }
  examples { decision at chain subject action resource answered before after completedBefore completedAfter }"""
_STOPPED = """decisions denied escalated truncated byRule { name verdict count } byIdentity { name verdict count }
  examples { decision at subject action resource answered wouldBe why rules }"""
_LOAD = """actions opened approved rejected withdrawn capped per100 waiting oldestAt medianMs p90Ms
  byRule { rule opened approved rejected withdrawn medianMs }"""


class Ruling(Protocol):
    """What commands about rules ask."""

    async def publish(self, packs: Sequence[PackText], comment: str) -> str:
        """Put packs into force; the revision."""

    async def shadow(self, pack: PackText, canary: float, comment: str) -> dict[str, Json]:
        """Put a pack on trial: `pack`, `revision`, `unjudged`."""

    async def end_trial(self, pack: str, comment: str) -> str:
        """End a trial; the revision."""

    async def trials(self) -> list[dict[str, Json]]:
        """Packs on trial."""

    async def draft(self, packs: Sequence[PackText], comment: str) -> dict[str, Json]:
        """Hand packs in: `draft`, `revision`."""

    async def publish_draft(self, draft: str, comment: str) -> str:
        """Put a draft into force; the revision."""

    async def withdraw_draft(self, draft: str, comment: str) -> str:
        """Take a draft back; the revision."""

    async def drafts(self) -> list[dict[str, Json]]:
        """Open drafts."""

    async def replay_diff(
        self, packs: Sequence[PackText], as_of: str | None, from_ms: int | None, to_ms: int | None, first: int
    ) -> dict[str, Json]:
        """Stored history under other rules."""

    async def stopped(self, from_ms: int | None, to_ms: int | None, first: int) -> dict[str, Json]:
        """What would have been stopped."""

    async def review_load(self, from_ms: int | None) -> dict[str, Json]:
        """How much work reviews are."""


def ruling(admin: Admin) -> Ruling:
    """The same store or service, asked about rules."""
    if isinstance(admin, Direct):
        return _Direct(admin)
    assert isinstance(admin, Remote)
    return _Remote(admin)


class _Direct:
    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        self._service = direct.service
        self._desk = direct.service.desk

    async def publish(self, packs: Sequence[PackText], comment: str) -> str:
        revision = (await self._desk.publish(OPERATOR, packs, comment)).revision
        await self._direct.drawn()
        return revision

    async def shadow(self, pack: PackText, canary: float, comment: str) -> dict[str, Json]:
        ack, unjudged = await self._desk.shadow(OPERATOR, pack.text, pack.file, canary, comment)
        return {"revision": ack.revision, "unjudged": [*unjudged]}

    async def end_trial(self, pack: str, comment: str) -> str:
        return (await self._desk.end_trial(OPERATOR, pack, comment)).revision

    async def trials(self) -> list[dict[str, Json]]:
        return [_trial(view) for view in self._desk.trials()]

    async def draft(self, packs: Sequence[PackText], comment: str) -> dict[str, Json]:
        ack, draft = await self._desk.draft(OPERATOR, packs, comment)
        return {"draft": draft, "revision": ack.revision}

    async def publish_draft(self, draft: str, comment: str) -> str:
        revision = (await self._desk.publish_draft(OPERATOR, draft, comment)).revision
        await self._direct.drawn()
        return revision

    async def withdraw_draft(self, draft: str, comment: str) -> str:
        return (await self._desk.withdraw_draft(OPERATOR, draft, comment)).revision

    async def drafts(self) -> list[dict[str, Json]]:
        return [_draft(record) for record in self._desk.drafts()]

    async def replay_diff(
        self, packs: Sequence[PackText], as_of: str | None, from_ms: int | None, to_ms: int | None, first: int
    ) -> dict[str, Json]:
        seq = self._service.cursor_seq(as_of) if as_of is not None else None
        if as_of is not None and seq is None:
            raise BadInput(
                f"--as-of: `{as_of}` is no revision of this store; take one from an answer", field="as_of"
            )
        found = await self._desk.replay_diff(
            [(pack.text, pack.file) for pack in packs],
            as_of=seq,
            from_ms=from_ms,
            to_ms=to_ms,
            limit=first,
            within_s=float("inf"),
        )
        return _replay(found)

    async def stopped(self, from_ms: int | None, to_ms: int | None, first: int) -> dict[str, Json]:
        return _stopped(self._desk.stopped(from_ms=from_ms, to_ms=to_ms, limit=first, trials=True))

    async def review_load(self, from_ms: int | None) -> dict[str, Json]:
        return _load(self._desk.review_load(from_ms))


class _Remote:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def publish(self, packs: Sequence[PackText], comment: str) -> str:
        answer = await self._change(
            "publishPolicy",
            "PublishPolicyInput!",
            "revision",
            {"files": _files(packs), "comment": comment},
            "Ack",
        )
        return str(answer["revision"])

    async def shadow(self, pack: PackText, canary: float, comment: str) -> dict[str, Json]:
        given: dict[str, Json] = {"yaml": pack.text, "file": pack.file, "canary": canary, "comment": comment}
        return await self._change("shadowPolicy", "ShadowInput!", "revision unjudged", given, "Shadowed")

    async def end_trial(self, pack: str, comment: str) -> str:
        return await self._named("endTrial", "pack", "String!", pack, comment)

    async def trials(self) -> list[dict[str, Json]]:
        return cast("list[dict[str, Json]]", await self._remote.ask(f"{{ policyTrials {{ {_TRIAL} }} }}", {}))

    async def draft(self, packs: Sequence[PackText], comment: str) -> dict[str, Json]:
        given: dict[str, Json] = {"files": _files(packs), "comment": comment}
        return await self._change("draftPolicy", "PublishPolicyInput!", "draft revision", given, "Drafted")

    async def publish_draft(self, draft: str, comment: str) -> str:
        return await self._named("publishDraft", "draft", "ID!", draft, comment)

    async def withdraw_draft(self, draft: str, comment: str) -> str:
        return await self._named("withdrawDraft", "draft", "ID!", draft, comment)

    async def drafts(self) -> list[dict[str, Json]]:
        fields = "draft draftedAt draftedBy comment files"
        return cast("list[dict[str, Json]]", await self._remote.ask(f"{{ policyDrafts {{ {fields} }} }}", {}))

    async def replay_diff(
        self, packs: Sequence[PackText], as_of: str | None, from_ms: int | None, to_ms: int | None, first: int
    ) -> dict[str, Json]:
        given: dict[str, Json] = {
            "files": [{"yaml": pack.text, "file": pack.file} for pack in packs] or None,
            "asOf": as_of, "from": _time(from_ms), "to": _time(to_ms), "first": first, "seconds": 100,
        }  # fmt: skip
        query = f"query($i: ReplayDiffInput!) {{ replayDiff(input: $i) {{ {_REPLAY} }} }}"
        return cast("dict[str, Json]", await self._remote.ask(query, {"i": given}))

    async def stopped(self, from_ms: int | None, to_ms: int | None, first: int) -> dict[str, Json]:
        query = (
            "query($from: DateTime, $to: DateTime, $n: Int) "
            f"{{ wouldHaveStopped(from: $from, to: $to, first: $n) {{ {_STOPPED} }} }}"
        )
        given: dict[str, Json] = {"from": _time(from_ms), "to": _time(to_ms), "n": first}
        return cast("dict[str, Json]", await self._remote.ask(query, given))

    async def review_load(self, from_ms: int | None) -> dict[str, Json]:
        query = f"query($s: DateTime) {{ reviewLoad(since: $s) {{ {_LOAD} }} }}"
        return cast("dict[str, Json]", await self._remote.ask(query, {"s": _time(from_ms)}))

    async def _change(
        self, field: str, kind: str, wanted: str, given: dict[str, Json], result: str
    ) -> dict[str, Json]:
        query = (
            f"mutation($i: {kind}) {{ {field}(input: $i) {{ ... on {result} {{ {wanted} }} {_FAILED} }} }}"
        )
        return await self._remote.change(query, {"i": given})

    async def _named(self, field: str, argument: str, kind: str, name: str, comment: str) -> str:
        query = (
            f"mutation($n: {kind}, $c: String!) "
            f"{{ {field}({argument}: $n, comment: $c) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        )
        return str((await self._remote.change(query, {"n": name, "c": comment}))["revision"])


def _files(packs: Sequence[PackText]) -> list[Json]:
    return [{"yaml": pack.text, "file": pack.file, "signature": pack.signature} for pack in packs]


def _time(at_ms: int | None) -> str | None:
    return format_time(at_ms) if at_ms is not None else None


def _trial(view: TrialView) -> dict[str, Json]:
    record = view.record
    return {
        "pack": record.pack, "version": record.version, "sha256": record.sha256, "since": format_time(record.at_ms),
        "by": record.by, "comment": record.comment, "canary": record.share_ppm / _PPM, "decisions": view.decisions,
        "spoke": view.spoke, "denies": view.denies, "escalates": view.escalates, "differs": view.differs,
        "unjudged": [*view.unjudged],
    }  # fmt: skip


def _draft(record: PolicyDrafted) -> dict[str, Json]:
    return {
        "draft": record.draft, "draftedAt": format_time(record.at_ms), "draftedBy": record.by,
        "comment": record.comment, "files": [file for _, file, _ in record.packs],
    }  # fmt: skip


def _replay(found: ReplayDiff) -> dict[str, Json]:
    return {
        "decisions": found.decisions, "differing": found.differing, "passedOver": found.passed_over,
        "undecidable": found.undecidable,
        "unstored": [{"name": each.name, "decisions": each.decisions} for each in found.unstored],
        "whole": found.whole, "complete": found.complete,
        "moves": [{"before": m.before.value, "after": m.after.value, "count": m.count} for m in found.moves],
        "identities": [_touched(each) for each in found.identities],
        "patterns": [_touched(each) for each in found.patterns],
        "examples": [_example(each) for each in found.examples],
    }  # fmt: skip


def _touched(touched: Touched) -> dict[str, Json]:
    return {"name": touched.name, "tightened": touched.tightened, "loosened": touched.loosened}


def _example(difference: Difference) -> dict[str, Json]:
    request = difference.decided.request
    return {
        "decision": f"decision:{request.id}", "at": format_time(difference.decided.at_ms),
        "chain": f"chain:{request.chain}", "subject": request.subject.id, "action": request.action,
        "resource": f"{request.resource.type}:{request.resource.id}", "answered": difference.decided.answered.value,
        "before": difference.before.value, "after": difference.after.value,
        "completedBefore": [*difference.completed_before], "completedAfter": [*difference.completed_after],
    }  # fmt: skip


def _stopped(found: Stopped) -> dict[str, Json]:
    return {
        "decisions": found.decisions, "denied": found.denied, "escalated": found.escalated,
        "truncated": found.truncated, "byRule": [_tally(each) for each in found.by_rule],
        "byIdentity": [_tally(each) for each in found.by_identity],
        "examples": [
            {
                "decision": f"decision:{each.decided.request.id}", "at": format_time(each.decided.at_ms),
                "subject": each.decided.request.subject.id, "action": each.decided.request.action,
                "resource": f"{each.decided.request.resource.type}:{each.decided.request.resource.id}",
                "answered": each.answered.value, "wouldBe": each.would_be.value, "why": each.why,
                "rules": [*each.rules],
            }
            for each in found.examples
        ],
    }  # fmt: skip


def _tally(tally: StoppedTally) -> dict[str, Json]:
    return {"name": tally.name, "verdict": tally.verdict.value, "count": tally.count}


def _load(load: ReviewLoad) -> dict[str, Json]:
    return {
        "actions": load.actions, "opened": load.opened, "approved": load.approved, "rejected": load.rejected,
        "withdrawn": load.withdrawn, "capped": load.capped, "per100": load.per_100, "waiting": load.waiting,
        "oldestAt": _time(load.oldest_ms), "medianMs": load.median_ms, "p90Ms": load.p90_ms,
        "byRule": [
            {
                "rule": each.rule, "opened": each.opened, "approved": each.approved, "rejected": each.rejected,
                "withdrawn": each.withdrawn, "medianMs": each.median_ms,
            }
            for each in load.by_rule
        ],
    }  # fmt: skip
