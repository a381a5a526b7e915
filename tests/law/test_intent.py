"""Laws of intents: narrowing is sound, and nothing below ever does what something above was not declared for."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.intent import wider
from graphsvc.core.record import ChainOpened, IntentDeclared
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import ReasonCode
from graphsvc.core.world import World

_TEXT = st.text("ab*?", min_size=1, max_size=4)
_GLOBS = st.none() | st.lists(_TEXT, max_size=3)
_NAMES = [f"{one}{two}{three}" for one in "ab" for two in ("", "a", "b") for three in ("", "a", "b")]


def allows(intent: dict[str, list[str] | None], action: str) -> bool:
    """By another glob matcher than ours."""
    globs = intent.get("actions")
    return globs is None or any(fnmatchcase(action, glob) for glob in globs)


@given(_GLOBS, _GLOBS)
def test_what_counts_as_narrower_is_narrower(new: list[str] | None, old: list[str] | None) -> None:
    """Whatever the new intent allows, the old one allowed."""
    if wider({"actions": new}, {"actions": old}) is None:  # type: ignore[dict-item]  # lists are invariant
        for name in _NAMES:
            assert not allows({"actions": new}, name) or allows({"actions": old}, name), name


@given(
    st.lists(st.tuples(st.integers(0, 5), _GLOBS), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), _GLOBS), max_size=3),
    st.sampled_from(_NAMES),
)
def test_delegation_never_widens(
    chains: list[tuple[int, list[str] | None]], declared: list[tuple[int, list[str] | None]], action: str
) -> None:
    """A tree of chains with intents, some declared anew: an action is held when any chain above, or its own, forbids it."""
    world, seq = World(entitlement="off"), 0
    parents: list[int | None] = []
    intents: list[dict[str, list[str] | None]] = []
    for number, (parent, globs) in enumerate(chains):
        above = parent if parent < number else None
        intent = {"actions": globs}
        parents.append(above)
        intents.append(intent)
        seq += 1
        world.apply(
            ChainOpened(
                at_ms=seq,
                chain=f"c{number}",
                parent_chain=None if above is None else f"c{above}",
                intent=intent,  # type: ignore[arg-type]  # lists are invariant
            ),
            seq,
        )
    for number, globs in declared:
        if number < len(chains):
            seq += 1
            intents[number] = {"actions": globs}
            world.apply(IntentDeclared(at_ms=seq, chain=f"c{number}", intent={"actions": globs}), seq)  # type: ignore[dict-item]
    for number in range(len(chains)):
        place: int | None = number
        forbidden = set()
        while place is not None:
            if not allows(intents[place], action):
                forbidden.add(f"intent:c{place}")
            place = parents[place]
        request = AccessRequest(
            id="x",
            chain=f"c{number}",
            subject=Entity("agent", "bot"),
            action=action,
            resource=Entity("t", "r"),
        )
        reasons = world.evaluate(request, seq).reasons
        assert {each.rule for each in reasons if each.code is ReasonCode.outside_intent} == forbidden
