"""What a company's directory would know of each suite's user: whom they deal with and what is theirs.

Read out of the environments without any injection: payees of one's own payments, members and channels of the
workspace, contacts, one's own files, events, mails and orders. Nothing out of texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.agents.chain import Suite

__all__ = ["AGENT", "known_values", "records", "user_of"]

AGENT = "assistant"


def user_of(suite: str, *, with_graph: bool = True) -> str:
    """The id of a suite's user; one without a graph knows nobody."""
    return f"{suite}-user" if with_graph else f"{suite}-stranger"


def records(suites: list[Suite]) -> Iterator[dict[str, Any]]:
    """Records of a graph file."""
    nodes = {f"identity:{AGENT}": {"type": "identity", "id": AGENT, "kind": "agent"}}
    edges = []
    for suite in suites:
        for with_graph in (True, False):
            user = user_of(suite.name, with_graph=with_graph)
            nodes[f"identity:{user}"] = {"type": "identity", "id": user, "kind": "human"}
            edges.append({"type": "ACTS_FOR", "from": f"identity:{AGENT}", "to": f"identity:{user}"})
        user = f"identity:{user_of(suite.name)}"
        for known in known_values(suite):
            key = f"identity:{known}"
            nodes.setdefault(key, {"type": "identity", "id": known, "kind": "human"})
            edges.append({"type": "KNOWS", "from": user, "to": key})
        for kind, name in _owned(suite):
            key = f"resource:{kind}:{name}"
            nodes[key] = {"type": "resource", "resource_type": kind, "id": name}
            edges.append({"type": "OWNS", "from": user, "to": key})
    for node in nodes.values():
        yield {"node": node}
    for edge in edges:
        yield {"edge": edge}


def known_values(suite: Suite) -> list[str]:
    """Whom the user of a suite deals with."""
    environment = suite.environment()
    found: dict[str, None] = {}
    if suite.name == "banking":
        account = environment.bank_account
        own = {"me", account.iban}
        for each in (*account.transactions, *account.scheduled_transactions):
            if each.sender in own:
                found[each.recipient] = None
    if suite.name == "slack":
        found.update(dict.fromkeys([*environment.slack.users, *environment.slack.channels]))
    inbox = getattr(environment, "inbox", None)
    if inbox is not None:
        found.update(dict.fromkeys(str(contact.email) for contact in inbox.contact_list))
    return [value for value in found if ":" not in value]


def _owned(suite: Suite) -> Iterator[tuple[str, str]]:
    environment = suite.environment()
    if suite.name == "banking":
        for each in environment.bank_account.scheduled_transactions:
            yield "order", str(each.id)
    calendar, inbox = getattr(environment, "calendar", None), getattr(environment, "inbox", None)
    drive = getattr(environment, "cloud_drive", None)
    for kind, held in (
        ("event", getattr(calendar, "events", {})), ("mail", getattr(inbox, "emails", {})), ("file", getattr(drive, "files", {})),
    ):  # fmt: skip
        for name in held:
            yield kind, str(name)
