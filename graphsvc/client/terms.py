"""What a task's requests have in common: who acts for whom, in which chain, and what becomes of a refusal."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from graphsvc.client.explain import explanation
from graphsvc.client.provenance import Told, Tools, Tracker
from graphsvc.client.result import Decision
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["Act", "Denied", "Escalated", "Named", "Terms", "digest", "named", "permitted"]

Named = str | Callable[..., str]


class Denied(GraphsvcError):  # named like its siblings
    """The action may not happen; decision: says why. The message names codes alone, for an agent may read it."""

    code = "denied"
    exit_code = 1

    def __init__(self, decision: Decision) -> None:
        codes = ", ".join(dict.fromkeys(reason.code for reason in decision.reasons)) or "no reason given"
        super().__init__(f"{decision.verdict.value}: {codes}")
        self.decision = decision


class Escalated(Denied):
    """The action waits for a person: `decision.review`. Once it is approved the same call goes through."""

    code = "escalated"


@dataclass
class Act:
    """A permitted action while it is done. labels: of what it brought in; result: what it returned, where a task tracks values."""

    decision: Decision
    labels: list[str] = field(default_factory=list)
    result: Any = None


class Terms:
    """What both kinds share: requests with the task's own defaults.

    user_request, tools: with the user's words and declarations of tools the task tracks where values come from; or a
    tracker of its own making. explain: development mode, is called with the reasons of whatever is refused; its text
    is for the developer (a log), never for the agent.
    """

    def __init__(
        self, chain: str, *, subject: str | Mapping[str, Any], on_behalf_of: Sequence[str | Mapping[str, Any]] = (),
        session: str | None = None, parent_chain: str | None = None, intent: Mapping[str, Any] | None = None,
        wait_s: float = 0.0, user_request: str | None = None, tools: Tools | None = None, tracker: Tracker | None = None,
        explain: Callable[[str], object] | None = None,
    ) -> None:  # fmt: skip
        self.chain = chain
        if tracker is None and user_request is not None:
            tracker = Tracker(user_request, tools if tools is not None else Tools())
        self.tracker = tracker
        self._explain = explain
        if tracker is not None and (tokens := tracker.intent_tokens()):
            intent = {**(intent or {}), "tokens": tokens}
        self.wait_s = wait_s
        self._waiting: dict[str, Decision] = {}  # escalated, by what was asked
        self._first: dict[str, Any] = {
            name: value
            for name, value in (("session", session), ("parentChain", parent_chain), ("intent", intent))
            if value is not None
        }
        self._parties: dict[str, Any] = {"subject": _entity(subject, "agent")}
        self._children = 0
        if on_behalf_of:
            self._parties["onBehalfOf"] = [_entity(each, "human") for each in on_behalf_of]

    def _handed_over(self, subject: str | Mapping[str, Any], chain: str | None) -> tuple[str, dict[str, Any]]:
        """The chain and the options of a task that this one hands a part of its work to."""
        self._children += 1
        return chain or f"{self.chain}/{self._children}", {
            "subject": subject,
            "on_behalf_of": [self._parties["subject"], *self._parties.get("onBehalfOf", ())],
            "parent_chain": self.chain,
            "wait_s": self.wait_s,
            # What one agent has read is what the next one knows.
            "tracker": self.tracker,
            "explain": self._explain,
        }

    def request(
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        """A DecideInput. action: a name or `{name, properties}`; resource: `type:id` or `{type, id}`.

        arguments: the call's values by name. They stay here: the request holds facts about them, and of those
        that say where something goes the values. A list is taken as it is.
        """
        arguments = more.get("arguments")
        if isinstance(arguments, Mapping):
            del more["arguments"]
            if self.tracker is not None:
                action, more = _with_facts(self.tracker, action, arguments, more)
        return {
            "chain": self.chain,
            **self._parties,
            # Said with every request; the service takes it from the first.
            **self._first,
            "action": {"name": action} if isinstance(action, str) else dict(action),
            "resource": _entity(resource, None),
            **more,
        }

    def values(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """The values of a call by name, under `arguments`; nothing where nobody tracks them."""
        if self.tracker is None:
            return {}
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        return {"arguments": dict(bound.arguments)}

    def note(self, action: str, values: Mapping[str, Any], result: Any, *, succeeded: bool = True) -> Told:
        """Labels and tokens of what a call returned, for its report. values: as `values` gave them."""
        if self.tracker is None:
            return Told([], [])
        return self.tracker.note(action, values["arguments"], result, succeeded=succeeded)

    def _brought(
        self, action: str | Mapping[str, Any], more: Mapping[str, Any], result: Any, *, succeeded: bool = True
    ) -> Told:
        """Labels and tokens of what an action brought in that was asked for with `more`."""
        arguments = more.get("arguments")
        values = {"arguments": arguments if isinstance(arguments, Mapping) else {}}
        name = action if isinstance(action, str) else str(action["name"])
        return self.note(name, values, result, succeeded=succeeded)

    def settled(
        self, decision: Decision, action: str | Mapping[str, Any], more: Mapping[str, Any]
    ) -> Decision:
        """The decision; Denied or Escalated, explained where somebody develops, when the action may not happen."""
        if not decision.permitted and self._explain is not None:
            name = action if isinstance(action, str) else str(action["name"])
            arguments = more.get("arguments")
            values = arguments if isinstance(arguments, Mapping) else None
            self._explain(explanation(decision, name, values, self.tracker))
        return permitted(decision)

    def _keyed(self, request: dict[str, Any], key: str | None, suffix: str = "") -> dict[str, Any]:
        return request if key is None else {**request, "idempotencyKey": f"{self.chain}:{key}{suffix}"}

    def _reviewed(self, request: dict[str, Any], review: str, key: str | None) -> dict[str, Any]:
        """The same request once its review is approved. It is another request, so it has another key."""
        return self._keyed({**request, "review": review}, key, f":{review}")


def digest(request: Mapping[str, Any]) -> str:
    """Names what is asked, to know it when it is asked again."""
    return hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()


def named(
    action: str, resource: Named, properties: Callable[..., Mapping[str, Any]] | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Mapping[str, Any], str]:  # fmt: skip
    """The action and the resource of one call of a function."""
    asked = {"name": action, **({"properties": dict(properties(*args, **kwargs))} if properties else {})}
    return asked, resource if isinstance(resource, str) else resource(*args, **kwargs)


def _with_facts(
    tracker: Tracker, action: str | Mapping[str, Any], arguments: Mapping[str, Any], more: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The action with the properties, and the rest with the facts and claims, that its values give."""
    named: dict[str, Any] = {"name": action} if isinstance(action, str) else dict(action)
    claim = tracker.ask(named["name"], arguments)
    # What the caller says itself wins: it may know a better name for a destination.
    named["properties"] = {**claim.properties, **named.get("properties", {})}
    context = {**more.get("context", {}), "provenance": claim.provenance}
    return named, {**more, "arguments": claim.arguments, "context": context}


def permitted(decision: Decision) -> Decision:
    """The decision; Denied or Escalated when the action may not happen."""
    if decision.permitted:
        return decision
    raise (Escalated if decision.verdict is Verdict.ESCALATE else Denied)(decision)


def _entity(given: str | Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    if not isinstance(given, str):
        return dict(given)
    if kind is not None:
        return {"type": kind, "id": given}
    named, colon, name = given.partition(":")
    if not (named and colon and name):
        raise BadInput(f"resource: `{given}` is no resource; write it as `type:id`", field="resource")
    return {"type": named, "id": name}
