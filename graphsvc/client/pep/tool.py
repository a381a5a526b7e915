"""What every framework's tool call has in common: asked before, reported after, refused in constant words.

    guard = ToolGuard(task, prefix="crm")
    outcome = await guard.ask("lookup", {"number": "42"})
    if isinstance(outcome, Refusal):
        return outcome.text
    result = ...
    await guard.done(outcome, result)

An agent reads what it is told, so it is told the same whatever the rule was: the reasons are in the decision, for people.
Of a task with a tracker (`user_request`, `tools`) every result is taken in, and every call says where its values came from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from graphsvc.client.error import CallFailed
from graphsvc.client.pep.outcome import plain_result
from graphsvc.client.provenance import Told
from graphsvc.client.result import Decision
from graphsvc.client.task import AsyncTask, Denied, Escalated, Task
from graphsvc.client.terms import Terms
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
# Calls that are never reported must not pile up.
_MOST_RUNNING = 1_000


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
Refused: TypeAlias = Callable[[str, Refusal], None]


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
    """describe: what a tool call is; by default action `<prefix>:<tool>` on resource `tool:<tool>` with its short values,
    or, where the task tracks values, with those alone that say where something goes.

    labels: of a tool's result, for the report. refused: called with every refusal, for the developer's own log or
    notification; it never changes the answer.
    """

    def __init__(
        self,
        *,
        terms: Terms,
        prefix: str = "tool",
        describe: Describe | None = None,
        labels: Labels | None = None,
        refused: Refused | None = None,
    ) -> None:
        self._terms = terms
        self._prefix = prefix
        self._describe = describe or self._plain
        self._labels = labels
        self._refused = refused
        # What permitted calls are about, until they are reported.
        self._running: dict[str, tuple[str, Mapping[str, Any]]] = {}

    def _plain(self, tool: str, arguments: Mapping[str, Any]) -> ToolCall:
        properties = {} if self._terms.tracker is not None else short_values(arguments)
        return ToolCall(f"{self._prefix}:{tool}", f"tool:{tool}", properties)

    def _asked(self, tool: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
        call = self._describe(tool, arguments)
        more = dict(call.more)
        if self._terms.tracker is not None:
            more.setdefault("arguments", dict(arguments))
        return {"name": call.action, "properties": dict(call.properties)}, call.resource, more

    def _begin(self, decision: Decision, action: str, arguments: Mapping[str, Any]) -> Decision:
        if self._terms.tracker is not None:
            while len(self._running) >= _MOST_RUNNING:
                del self._running[next(iter(self._running))]
            self._running[decision.id] = action, arguments
        return decision

    def _told(self, decision: Decision, result: object, *, succeeded: bool) -> Told:
        """Labels and tokens of what a call returned; of one that failed, of its error's text."""
        action, arguments = self._running.pop(decision.id, ("", {}))
        if self._terms.tracker is None or not action:
            return Told([], [])
        found = plain_result(result) if succeeded else str(result or "")
        return self._terms.note(action, {"arguments": arguments}, found, succeeded=succeeded)

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
        super().__init__(terms=task, **options)
        self.task = task

    async def ask(
        self, tool: str, arguments: Mapping[str, Any], *, key: str | None = None
    ) -> Decision | Refusal:
        """The permitting decision, or why not. key: the framework's id of the call, so that a repeat is the same call."""
        try:
            action, resource, more = self._asked(tool, arguments)
            decision = await self.task.decide(action, resource, key=key, **more)
            return self._begin(decision, action["name"], arguments)
        except (GraphsvcError, CallFailed) as error:
            return self._refusal(tool, error)

    async def done(self, decision: Decision, tool: str, result: object) -> None:
        """The tool ran. Without a report it counts as done all the same, so a report that fails is let go."""
        told = self._told(decision, result, succeeded=True)
        await self.task.tell(decision, "SUCCESS", [*self._found(tool, result), *told.labels], told.tokens)

    async def failed(self, decision: Decision, error: object = None) -> None:
        """The tool raised, or said that it failed. error: what the agent reads of it; somebody else may have written it."""
        told = self._told(decision, error, succeeded=False)
        await self.task.tell(decision, "FAILURE", told.labels, told.tokens)

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
        except BaseException as error:
            await self.failed(asked, error)
            raise
        await self.done(asked, tool, result)
        return result


class SyncToolGuard(_Guard):
    """Tool calls of one `Task`, for frameworks that call without an event loop."""

    def __init__(self, task: Task, **options: Any) -> None:
        super().__init__(terms=task, **options)
        self.task = task

    def run(
        self, tool: str, arguments: Mapping[str, Any], call: Callable[[], R], *, key: str | None = None
    ) -> R | Refusal:
        """Ask, call, report."""
        try:
            action, resource, more = self._asked(tool, arguments)
            decision = self._begin(
                self.task.decide(action, resource, key=key, **more), action["name"], arguments
            )
        except (GraphsvcError, CallFailed) as error:
            return self._refusal(tool, error)
        try:
            result = call()
        except BaseException as error:
            told = self._told(decision, error, succeeded=False)
            self.task.tell(decision, "FAILURE", told.labels, told.tokens)
            raise
        told = self._told(decision, result, succeeded=True)
        self.task.tell(decision, "SUCCESS", [*self._found(tool, result), *told.labels], told.tokens)
        return result
