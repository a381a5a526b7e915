"""Short ways to write policies and trace records in the oracle's own tests."""

from tests.oracle.definition import completions
from tests.oracle.text import Json, Record

ACTIONS: Record = {
    "read": {"effects": ["read"]},
    "write": {"effects": ["write"]},
    "send": {"effects": ["send"], "arguments": {"to": "destination"}},
}
READ_THEN_SEND: Record = {"a": {"action": "read", "then": "b"}, "b": {"action": "send"}}
BOTH: Record = {"a": {"action": "read"}, "b": {"action": "send"}}


def pattern(steps: Record | None = None, **fields: Json) -> Record:
    """A pattern `p` of session scope that only watches, unless told otherwise."""
    body = {"id": "p", "on_match": "monitor", "scope": "session", **fields}
    return body if steps is None else {**body, "steps": steps}


def act(
    name: str, action: str, minute: int = 0, *, chain: str = "c1", by: str = "bot", **fields: Json
) -> Record:
    """An action record `minute` minutes after ten o'clock on resource `doc:d1`."""
    return {
        "type": "action", "id": name, "at": f"2026-11-23T{10 + minute // 60}:{minute % 60:02}:00Z", "chain": chain,
        "subject": {"type": "agent", "id": by}, "action": {"name": action},
        "resource": {"type": "doc", "id": "d1"}, **fields,
    }  # fmt: skip


def other(kind: str, **fields: Json) -> Record:
    """A record that is no action, at ten o'clock."""
    return {"type": kind, "at": "2026-11-23T10:00:00Z", **fields}


def completing(
    what: Record | list[Record], *trace: Record, graph: list[Record] | None = None, **options: Json
) -> list[str]:
    """Ids of the actions that complete something."""
    patterns = what if isinstance(what, list) else [what]
    results = completions([{"actions": ACTIONS, "patterns": patterns}], trace, graph or [], **options)
    return [result.id for result in results if result.completed]
