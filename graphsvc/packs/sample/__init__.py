"""The sample company: its estate, and the stories that the demo plays in it."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec
from ruamel.yaml import YAML

from graphsvc.core.value import Json

__all__ = ["Ask", "GiveRight", "Party", "Story", "StoryStep", "TakeRight", "estate_text", "stories"]

Expected: TypeAlias = Literal["PERMIT", "DENY", "ESCALATE"]


class Party(msgspec.Struct, frozen=True):
    """Somebody or something: type and id."""

    type: str
    id: str


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One action to decide, and what should be answered.

    delegators: nearest first. completes: ids of the patterns that the action completes, all of them.
    reasons: codes that must be among the answer's reasons. note: a word to people about the step.
    """

    chain: str
    subject: Party
    delegators: tuple[Party, ...]
    action: str
    properties: dict[str, Json]
    resource: Party
    expect: Expected
    completes: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str


class GiveRight(msgspec.Struct, frozen=True, kw_only=True):
    """A situational grant, from now on. name: how a later step of the story refers to it."""

    name: str
    identity: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    minutes: int
    purpose: str


class TakeRight(msgspec.Struct, frozen=True, kw_only=True):
    """The revocation of a grant made earlier in the story."""

    name: str
    reason: str


StoryStep: TypeAlias = Ask | GiveRight | TakeRight


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A short story; told: two sentences for people."""

    id: str
    title: str
    told: str
    steps: tuple[StoryStep, ...]


class _Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    chain: str = ""
    who: str = ""
    delegators: tuple[str, ...] = msgspec.field(name="for", default=())
    action: str = ""
    on: str = ""
    properties: dict[str, Json] = msgspec.field(name="with", default_factory=dict)
    note: str = ""
    repeat: int = 1
    expect: Expected = "PERMIT"
    completes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    grant: GiveRight | None = None
    revoke: TakeRight | None = None


class _Story(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    title: str
    told: str
    steps: tuple[_Step, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stories: tuple[_Story, ...]


def estate_text() -> str:
    """The graph of the company as JSON Lines."""
    return files(__name__).joinpath("estate.jsonl").read_text(encoding="utf-8")


def stories() -> tuple[Story, ...]:
    """The stories in the order in which they are told; repeated steps are written out."""
    text = files(__name__).joinpath("stories.yaml").read_text(encoding="utf-8")
    read = msgspec.convert(YAML(typ="safe", pure=True).load(text), _File)
    return tuple(
        Story(
            id=story.id,
            title=story.title,
            told=story.told,
            steps=tuple(step for written in story.steps for step in _steps(written)),
        )
        for story in read.stories
    )


def _steps(step: _Step) -> list[StoryStep]:
    if step.grant is not None:
        return [step.grant]
    if step.revoke is not None:
        return [step.revoke]
    return [
        Ask(
            chain=step.chain,
            subject=_party(step.who),
            delegators=tuple(_party(party) for party in step.delegators),
            action=step.action,
            properties=step.properties,
            resource=_party(step.on.replace("{n}", f"{number:03}")),
            expect=step.expect,
            completes=step.completes,
            reasons=step.reasons,
            note=step.note,
        )
        for number in range(1, step.repeat + 1)
    ]


def _party(text: str) -> Party:
    kind, _, name = text.partition(":")
    return Party(kind, name)
