"""The commit protocol, model-checked over every interleaving; protocols that are known to fail must fail."""

import pytest

from tests.race.model import Outcome, Program, Protocol, Shared, explore, harmless


def check_then_write(shared: Shared, actor: int) -> Program:
    """Look, judge, write, with nothing held."""
    yield None
    seen = list(shared.log)
    yield None
    permitted = harmless(actor, seen)
    yield None
    shared.commit(actor, permitted=permitted)


def lock_the_chain(shared: Shared, actor: int) -> Program:
    """The same under a lock of the actor's own chain, which nobody else wants."""
    chain = f"chain {actor}"
    yield chain
    shared.lock(chain, actor)
    yield None
    seen = list(shared.log)
    yield None
    shared.commit(actor, permitted=harmless(actor, seen))
    yield None
    shared.unlock(chain)


def read_then_lock(shared: Shared, actor: int) -> Program:
    """Look first, lock the principal after, and do not look again."""
    yield None
    seen = list(shared.log)
    yield "principal"
    shared.lock("principal", actor)
    yield None
    shared.commit(actor, permitted=harmless(actor, seen))
    yield None
    shared.unlock("principal")


def lock_then_read(shared: Shared, actor: int) -> Program:
    """Lock the principal, look, write."""
    yield "principal"
    shared.lock("principal", actor)
    yield None
    seen = list(shared.log)
    yield None
    shared.commit(actor, permitted=harmless(actor, seen))
    shared.unlock("principal")


def validated_append(shared: Shared, actor: int) -> Program:
    """What the product does: judge on what was folded; append is refused with the tail that was not.

    All verdicts are written. Each of the steps touches the principal's cell, and each judgement reads it.
    """
    yield None
    folded = list(shared.log)
    count = len(shared.verdicts)
    while True:
        yield None
        permitted = harmless(actor, folded)
        yield None
        # One atomic statement: lock the head, compare the tail, write or give the tail back.
        if any(written for _, written in shared.verdicts[count:]):
            folded, count = list(shared.log), len(shared.verdicts)
            continue
        shared.commit(actor, permitted=permitted)
        return


def unvalidated_permits(shared: Shared, actor: int) -> Program:
    """A tempting mistake: only denials look at the tail again."""
    yield None
    folded = list(shared.log)
    yield None
    permitted = harmless(actor, folded)
    yield None
    if not permitted:
        permitted = harmless(actor, list(shared.log))
    shared.commit(actor, permitted=permitted)


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        (check_then_write, Outcome(1_680, 1_620, 1_620)),
        (lock_the_chain, Outcome(34_650, 22_680, 22_680)),
        (read_then_lock, Outcome(270, 210, 210)),
        (unvalidated_permits, Outcome(1_680, 1_620, 1_620)),
    ],
)
def test_broken_protocols_let_the_combination_complete(protocol: Protocol, expected: Outcome) -> None:
    """A protocol that does not validate what it read is caught in most of its interleavings."""
    outcome = explore(protocol)
    assert outcome.completed > outcome.runs // 2
    assert outcome.unserial >= outcome.completed
    assert outcome == expected


@pytest.mark.parametrize("protocol", [lock_then_read, validated_append])
def test_sound_protocols_never_do(protocol: Protocol) -> None:
    """Under the product's protocol no interleaving completes it, and commit order is a serial order."""
    outcome = explore(protocol)
    assert outcome.runs >= 6
    assert (outcome.completed, outcome.unserial) == (0, 0)
