"""Generated rules, estates and traffic; the same seed gives the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

__all__ = ["ACTIONS", "decide_input", "estate_lines", "policy_text", "traffic"]

ACTIONS = 200
_SEVERITIES = ("low", "medium", "high")


def policy_text(patterns: int, seed: int = 1) -> str:
    """A pack of `patterns` rules over ACTIONS declared actions: trees of two and three steps, keyed ones with
    windows over chains of a principal, counts, and AND roots, in equal parts.
    """
    rng = random.Random(seed)
    lines = ["graphsvc: 1", 'pack: {id: bench, version: "1"}', "actions:"]
    effects = ("read", "write", "send", "execute")
    for number in range(ACTIONS):
        labels = ", result: {labels: [sensitive]}" if number % 5 == 0 else ""
        lines.append(f'  "app:Do{number}": {{effects: [{effects[number % 4]}]{labels}}}')
    lines.append("patterns:")
    for number in range(patterns):
        first, second, third = (f'"app:Do{index}"' for index in rng.sample(range(ACTIONS), 3))
        severity = _SEVERITIES[number % 3]
        head = f"  - id: p{number}\n    title: Pattern {number}\n    severity: {severity}\n    on_match: escalate\n"
        kind = number % 4
        if kind == 0:
            body = (
                f"    steps:\n      a: {{action: {first}, then: b}}\n"
                f"      b: {{action: {second}, then: c}}\n      c: {{action: {third}}}\n"
            )
        elif kind == 1:
            body = (
                "    scope: principal\n    within: 1h\n    steps:\n"
                f"      a: {{action: {first}, key: {{k: resource.id}}, then: b}}\n"
                f"      b: {{action: {second}, key: {{k: resource.id}}}}\n"
            )
        elif kind == 2:
            body = (
                "    steps:\n      a: {effects: [read], labels: {any: [sensitive]}, then: c}\n"
                f"      b: {{action: {second}, then: c}}\n      c: {{action: {third}}}\n"
            )
        else:
            body = (
                "    scope: principal\n    within: 10m\n"
                f"    count: {{step: {{action: {first}}}, distinct: resource.id, more_than: 20}}\n"
            )
        lines.append(head + body)
    return "\n".join(lines)


def estate_lines(identities: int, seed: int = 2) -> Iterator[str]:
    """A graph in the interchange format: identities in groups that hold permissions."""
    rng = random.Random(seed)
    groups = max(1, identities // 20)
    for number in range(groups):
        yield f'{{"node":{{"type":"group","id":"g{number}"}}}}'
        yield (
            f'{{"node":{{"type":"permission","id":"p{number}","actions":["app:*"],'
            f'"effect":"allow","resources":["record:*"]}}}}'
        )
        yield f'{{"edge":{{"type":"GRANTED","from":"group:g{number}","to":"permission:p{number}"}}}}'
    for number in range(identities):
        yield f'{{"node":{{"type":"identity","id":"u{number}","kind":"human","status":"active"}}}}'
        yield f'{{"edge":{{"type":"MEMBER_OF","from":"identity:u{number}","to":"group:g{rng.randrange(groups)}"}}}}'


def traffic(count: int, *, identities: int = 100, chains: int = 400, seed: int = 3) -> list[AccessRequest]:
    """Requests of `chains` interleaved chains; each chain belongs to one identity."""
    rng = random.Random(seed)
    requests = []
    for number in range(count):
        chain = rng.randrange(chains)
        requests.append(
            AccessRequest(
                id=f"e{number}",
                chain=f"c{chain}",
                subject=Entity("human", f"u{chain % identities}"),
                action=f"app:Do{rng.randrange(ACTIONS)}",
                resource=Entity("record", f"r{rng.randrange(500)}"),
            )
        )
    return requests


def decide_input(request: AccessRequest, key: str) -> dict[str, Json]:
    """The request as the API takes it."""
    return {
        "idempotencyKey": key,
        "chain": request.chain,
        "subject": {"type": request.subject.type, "id": request.subject.id},
        "action": {"name": request.action},
        "resource": {"type": request.resource.type, "id": request.resource.id},
    }
