"""Packs on trial and in draft, as jobs: what waits before it may be in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from msgspec.structs import replace

from graphsvc.core.audit.note import VerifierKey
from graphsvc.core.governing import DraftClosed, PolicyDrafted, PolicyShadowed, TrialEnded
from graphsvc.core.packs import load_packs
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policies, load_policy
from graphsvc.core.record import PolicyPublished, Record
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.signature import signer_of
from graphsvc.decide.cell import GRAPH
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = [
    "PackText",
    "PublishRules",
    "draft",
    "end_trial",
    "publish",
    "publish_draft",
    "shadow",
    "withdraw_draft",
]

_MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class PackText:
    """One policy file as it is handed in. signature: the note that vouches for it, empty for none."""

    text: str
    file: str = "<policy>"
    signature: str = ""


@dataclass(frozen=True, slots=True)
class PublishRules:
    """What publishing asks for. keys: trusted ones, of which one must have signed every pack; () = none has to."""

    second_person: bool = False
    keys: tuple[VerifierKey, ...] = field(default=())

    def signers(self, policies: Sequence[Policy], signatures: dict[str, str]) -> dict[str, str]:
        """Who signed each pack, by its id; PolicyError when one lacks a trusted signature."""
        if not self.keys:
            return {}
        return {
            policy.pack.id: signer_of(policy, signatures.get(policy.source.sha256, ""), self.keys)
            for policy in policies
        }


def shadow(
    caller: Caller, text: str, file: str, share: float, comment: str, rules: PublishRules
) -> ChangeJob:
    """Put a pack on trial, in place of an earlier trial of it. share: of sessions in which it takes effect, 0 to 1."""
    if not 0.0 <= share <= 1.0:
        raise BadInput(f"is {share:g}; a share lies between 0 and 1", field="canary")
    if share > 0 and "admin" not in caller.roles:
        raise NotAllowed(
            "a canary takes effect, which needs a token with the role admin; try it with canary 0"
        )
    if share > 0 and (rules.second_person or rules.keys):
        raise NotAllowed(
            "a canary takes effect, but packs have to be signed or published by a second person here"
        )
    policy = load_policy(text, file)
    record = PolicyShadowed(
        at_ms=0,
        by=caller.subject,
        pack=policy.pack.id,
        version=policy.pack.version,
        sha256=policy.source.sha256,
        text=text,
        file=file,
        share_ppm=round(share * 1_000_000),
        comment=comment[:_MAX_TEXT],
    )

    def build(now: Moment) -> list[Record]:
        world = now.world
        held = world.packs.get(record.pack)
        if held is not None and held.sha256 == record.sha256:
            raise Conflict(f"pack `{record.pack}` is in force exactly as it is; there is nothing to try")
        trial = replace(record, at_ms=now.at_ms)
        compile_ruleset(load_packs(world.packs), world.trials(trial))
        return [trial]

    return ChangeJob(build, frozenset((GRAPH,)))


def end_trial(caller: Caller, pack: str, comment: str) -> ChangeJob:
    """A pack is on trial no longer."""

    def build(now: Moment) -> list[Record]:
        if pack not in now.world.governance.trials:
            on_trial = ", ".join(sorted(now.world.governance.trials)) or "none"
            raise BadInput(f"no pack `{pack}` is on trial; there is {on_trial}", field="pack")
        return [TrialEnded(at_ms=now.at_ms, by=caller.subject, pack=pack, comment=comment[:_MAX_TEXT])]

    return ChangeJob(build, frozenset((GRAPH,)))


def publish(caller: Caller, packs: Sequence[PackText], comment: str, rules: PublishRules) -> ChangeJob:
    """Packs that load, check and compile together with those in force; else PolicyError, nothing stored."""
    if rules.second_person:
        raise NotAllowed(
            "packs are published by a second person here; draft them with draftPolicy, and let somebody else publish"
        )
    return _publishing(caller, packs, comment, rules, draft=None)


def draft(
    caller: Caller, draft_id: str, packs: Sequence[PackText], comment: str, rules: PublishRules
) -> ChangeJob:
    """Packs that wait for somebody to publish them; refused as `publish` refuses them."""
    policies = load_policies([(each.text, each.file) for each in packs])
    rules.signers(policies, _signatures(packs))

    def build(now: Moment) -> list[Record]:
        now.world.publish([_published(now, policy, caller, comment, {}, "") for policy in policies])
        return [
            PolicyDrafted(
                at_ms=now.at_ms,
                by=caller.subject,
                draft=draft_id,
                packs=tuple((each.text, each.file, each.signature) for each in packs),
                comment=comment[:_MAX_TEXT],
            )
        ]

    return ChangeJob(build, frozenset((f"d:{draft_id}",)), reads=frozenset((GRAPH,)))


def publish_draft(caller: Caller, drafted: PolicyDrafted, comment: str, rules: PublishRules) -> ChangeJob:
    """Put a draft into force. With a second person asked for, never whoever drafted it."""
    packs = [PackText(*each) for each in drafted.packs]
    return _publishing(caller, packs, comment or drafted.comment, rules, draft=drafted)


def withdraw_draft(caller: Caller, drafted: PolicyDrafted, comment: str) -> ChangeJob:
    """Nobody publishes it any more."""

    def build(now: Moment) -> list[Record]:
        _still_open(now, drafted)
        return [
            DraftClosed(at_ms=now.at_ms, by=caller.subject, draft=drafted.draft, comment=comment[:_MAX_TEXT])
        ]

    return ChangeJob(build, frozenset((f"d:{drafted.draft}",)), reads=frozenset((f"d:{drafted.draft}",)))


def _publishing(
    caller: Caller, packs: Sequence[PackText], comment: str, rules: PublishRules, draft: PolicyDrafted | None
) -> ChangeJob:
    policies = load_policies([(each.text, each.file) for each in packs])
    signers = rules.signers(policies, _signatures(packs))

    def build(now: Moment) -> list[Record]:
        records: list[Record] = []
        if draft is not None:
            _still_open(now, draft)
            resolve = now.world.estate.resolve
            if rules.second_person and resolve(caller.subject)[1] == resolve(draft.by)[1]:
                raise NotAllowed("whoever drafted packs cannot publish them; a second person has to")
            records.append(DraftClosed(at_ms=now.at_ms, by=caller.subject, draft=draft.draft, published=True))
        drafted_by = draft.by if draft is not None else ""
        published = [_published(now, each, caller, comment, signers, drafted_by) for each in policies]
        now.world.publish(published)
        return [*published, *records]

    reads = {GRAPH, *((f"d:{draft.draft}",) if draft is not None else ())}
    return ChangeJob(build, frozenset(reads), reads=frozenset(reads))


def _still_open(now: Moment, drafted: PolicyDrafted) -> None:
    if drafted.draft not in now.world.governance.drafts:
        raise Conflict(f"draft `{drafted.draft}` was published or withdrawn already")


def _published(
    now: Moment, policy: Policy, caller: Caller, comment: str, signers: dict[str, str], drafted_by: str
) -> PolicyPublished:
    return PolicyPublished(
        at_ms=now.at_ms,
        pack=policy.pack.id,
        version=policy.pack.version,
        sha256=policy.source.sha256,
        text=policy.source.text,
        file=policy.source.file,
        comment=comment[:_MAX_TEXT],
        by=caller.subject,
        signed_by=signers.get(policy.pack.id, ""),
        drafted_by=drafted_by,
    )


def _signatures(packs: Sequence[PackText]) -> dict[str, str]:
    return {sha256(each.text.encode("utf-8", "surrogatepass")).hexdigest(): each.signature for each in packs}
