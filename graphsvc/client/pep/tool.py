"""What every framework's tool call has in common: asked before, reported after, refused in constant words.

    guard = ToolGuard(task, prefix="crm")
    outcome = await guard.ask("lookup", {"number": "42"})
    if isinstance(outcome, Refusal):
        return outcome.text
    result = ...
    await guard.done(outcome, result)

An agent reads what it is told, so it is told the same whatever the rule was: the reasons are in the decision, for people.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from graphsvc.client.error import CallFailed
from graphsvc.client.result import Decision
from graphsvc.client.task import AsyncTask, Denied, Escalated, Task
from graphsvc.errors import GraphsvcError

__all__ = [
    "APPROVAL_NEEDED",
    "REFUSED",
    "Refusal",
    "SyncToolGuard",
    "ToolCall",
    "ToolGuard",
    "short_values",
]

R = TypeVar("R")
REFUSED = "This tool call is not permitted and was not carried out."
APPROVAL_NEEDED = (
    "This tool call needs a person's approval and was not carried out. Ask the user; it may be called again."
)
# Text longer than this is content, and content stays where it is.
_SHORT = 256


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call in the terms of a decision. properties: arguments that the service is told."""

    action: str
    resource: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that must not run. text: what the agent may read. decision: None when the service refused to judge."""

    text: str
    code: str
    decision: Decision | None = None

    @property
    def review(self) -> str | None:
        """The review that an approver answers, when one waits."""
        held = self.decision.review if self.decision is not None else None
        return held.id if held is not None else None


Describe: TypeAlias = Callable[[str, Mapping[str, Any]], ToolCall]
Labels: TypeAlias = Callable[[str, Any], Sequence[str]]
Told: TypeAlias = Callable[[str, Refusal], None]


def short_values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without long text: numbers, truth values, short strings, and lists of these."""
    return {name: value for name, value in arguments.items() if _is_short(value)}


def _is_short(value: object) -> bool:
    match value:
        case None | bool() | int() | float():
            return True
        case str():
            return len(value) <= _SHORT
        case list() | tuple():
            return len(value) <= _SHORT and all(_is_short(one) for one in value)
        case _:
            return False


class _Guard:
    """describe: what a tool call is; by default action `<prefix>:<tool>` on resource `tool:<tool>` with its short values.

    labels: of a tool's result, for the report. refused: called with every refusal, for the developer's own log or
    notification; it never changes the answer.
    """

    def __init__(
        self,
        *,
        prefix: str = "tool",
        describe: Describe | None = None,
        labels: Labels | None = None,
        refused: Told | None = None,
    ) -> None:
        self._prefix = prefix
        self._describe = describe or self._plain
        self._labels = labels
        self._refused = refused

    def _plain(self, tool: str, arguments: Mapping[str, Any]) -> ToolCall:
        return ToolCall(f"{self._prefix}:{tool}", f"tool:{tool}", short_values(arguments))

    def _asked(self, tool: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
        call = self._describe(tool, arguments)
        return {"name": call.action, "properties": dict(call.properties)}, call.resource, dict(call.more)

    def _refusal(self, tool: str, error: GraphsvcError) -> Refusal:
        decision = error.decision if isinstance(error, Denied) else None
        text = APPROVAL_NEEDED if isinstance(error, Escalated) else REFUSED
        refusal = Refusal(text, error.code, decision)
        if self._refused is not None:
            self._refused(tool, refusal)
        return refusal

    def _found(self, tool: str, result: object) -> list[str]:
        return list(self._labels(tool, result)) if self._labels is not None else []


class ToolGuard(_Guard):
    """Tool calls of one `AsyncTask`. A service that cannot be asked refuses: nothing runs unasked."""

    def __init__(self, task: AsyncTask, **options: Any) -> None:
        super().__init__(**options)
        self.task = task

    async def ask(
        self, tool: str, arguments: Mapping[str, Any], *, key: str | None = None
    ) -> Decision | Refusal:
        """The permitting decision, or why not. key: the framework's id of the call, so that a repeat is the same call."""
        try:
            action, resource, more = self._asked(tool, arguments)
            return await self.task.decide(action, resource, key=key, **more)
        except (GraphsvcError, CallFailed) as error:
            return self._refusal(tool, error)

    async def done(self, decision: Decision, tool: str, result: object) -> None:
        """The tool ran. Without a report it counts as done all the same, so a report that fails is let go."""
        await self.task.tell(decision, "SUCCESS", self._found(tool, result))

    async def failed(self, decision: Decision) -> None:
        """The tool raised, or said that it failed."""
        await self.task.tell(decision, "FAILURE")

    async def run(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        call: Callable[[], Awaitable[R]],
        *,
        key: str | None = None,
    ) -> R | Refusal:
        """Ask, call, report."""
        asked = await self.ask(tool, arguments, key=key)
        if isinstance(asked, Refusal):
            return asked
        try:
            result = await call()
        except BaseException:
            await self.failed(asked)
            raise
        await self.done(asked, tool, result)
        return result


class SyncToolGuard(_Guard):
    """Tool calls of one `Task`, for frameworks that call without an event loop."""

    def __init__(self, task: Task, **options: Any) -> None:
        super().__init__(**options)
        self.task = task

    def run(
        self, tool: str, arguments: Mapping[str, Any], call: Callable[[], R], *, key: str | None = None
    ) -> R | Refusal:
        """Ask, call, report."""
        try:
            action, resource, more = self._asked(tool, arguments)
            decision = self.task.decide(action, resource, key=key, **more)
        except (GraphsvcError, CallFailed) as error:
            return self._refusal(tool, error)
        try:
            result = call()
        except BaseException:
            self.task.tell(decision, "FAILURE")
            raise
        self.task.tell(decision, "SUCCESS", self._found(tool, result))
        return result
