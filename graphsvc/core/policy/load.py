"""Policy files in: text to a checked `Policy`, or errors that name line, column and fix."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from graphsvc.core.policy.check import check
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.problem import policy_errors, suggest
from graphsvc.core.policy.source import Source, parse
from graphsvc.errors import PolicyError

__all__ = ["load_policies", "load_policy", "problems", "set_problems"]


def load_policy(text: str, file: str = "<policy>") -> Policy:
    """The policy in `text`; the first mistake in file order is raised as PolicyError (rule R27).

    file: the name that errors show. `problems` gives all mistakes at once.
    """
    policy, found = _load(text, file)
    if policy is None or found:
        raise found[0]
    return policy


def problems(text: str, file: str = "<policy>") -> list[PolicyError]:
    """Everything for which the file is refused, in file order; empty when it loads."""
    return _load(text, file)[1]


def load_policies(files: Iterable[tuple[str, str]]) -> tuple[Policy, ...]:
    """Load (text, file) pairs and check them as a set; packs come back in the order in which they act."""
    policies = tuple(load_policy(text, file) for text, file in files)
    if found := set_problems(policies):
        raise found[0]
    return tuple(sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id)))


def set_problems(policies: Iterable[Policy]) -> list[PolicyError]:
    """What is wrong only between packs: an id that another file has already, or a name that none has."""
    policies = tuple(policies)
    found: list[PolicyError] = []
    packs: dict[str, Source] = {}
    patterns: dict[str, tuple[str, int]] = {}
    for policy in policies:
        source = policy.source
        pack_id = policy.pack.id
        if pack_id in packs:
            message = (
                f"the pack `{pack_id}` is loaded already from {packs[pack_id].file}; rename or remove one"
            )
            found.append(_at(message, source, source.value_at("pack", "id"), "duplicate_pack"))
            continue
        packs[pack_id] = source
        for index, pattern in enumerate(policy.patterns):
            if pattern.id in patterns:
                file, line = patterns[pattern.id]
                message = f"the pattern `{pattern.id}` exists already in {file}:{line}; rename one"
                place = source.value_at("patterns", index, "id")
                found.append(_at(message, source, place, "duplicate_id"))
            else:
                patterns[pattern.id] = (source.file, source.at("patterns", index, "id")[0])
    for policy in policies:
        for at, name in enumerate(policy.provenance.after if policy.provenance is not None else ()):
            if name not in patterns:
                near = suggest(name, patterns) or "; correct it, or load the pack that has it"
                message = f"no loaded pack has a pattern `{name}`{near}"
                place = policy.source.value_at("provenance", "after", at)
                found.append(_at(message, policy.source, place, "unknown_pattern"))
    return found


def _load(text: str, file: str) -> tuple[Policy | None, list[PolicyError]]:
    parsed = parse(text, file)
    if parsed.value is None or any(problem.rule in {"yaml", "alias"} for problem in parsed.problems):
        return None, _ordered(parsed.problems)
    if not isinstance(parsed.value, dict):
        message = "a policy file is a mapping; start with `graphsvc: 1` and a `pack`"
        return None, [PolicyError(message, file=file)]
    try:
        policy = Policy.model_validate(parsed.value, context=parsed.source)
    except ValidationError as error:
        return None, _ordered([*parsed.problems, *policy_errors(error, parsed.source)])
    return policy, _ordered([*parsed.problems, *check(policy)])


def _ordered(found: Iterable[PolicyError]) -> list[PolicyError]:
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _at(message: str, source: Source, place: tuple[int, int], rule: str) -> PolicyError:
    return PolicyError(message, file=source.file, line=place[0], column=place[1], rule=rule)
