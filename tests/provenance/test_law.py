"""Laws of provenance: what the service knows makes a verdict worse, never better; only the graph vouches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.policy.load import load_policy
from graphsvc.core.provenance.claim import Detail
from graphsvc.core.provenance.derive import facts_of, with_graph
from graphsvc.core.provenance.fact import FACTS
from graphsvc.core.provenance.sighting import Sightings
from graphsvc.core.provenance.table import compile_tables
from graphsvc.core.request import Argument
from graphsvc.core.verdict import Verdict
from graphsvc.packs import pack_text

POLICY = load_policy(pack_text("agent_provenance"))
[TABLE] = compile_tables([POLICY])
RANK = {Verdict.PERMIT: 0, Verdict.ESCALATE: 1, Verdict.DENY: 2}
HASHES = ("em.aaaaaaaa", "em.bbbbbbbb", "url.cccccccc", "w.dddddddd")
reports = st.lists(
    st.lists(st.builds("{}.{}".format, st.sampled_from("timpc"), st.sampled_from(HASHES)), max_size=6),
    max_size=4,
)
whens = st.sampled_from(("requested", "delegated", "unrequested"))
levels = st.integers(0, 3)
facts = st.sampled_from(FACTS)


def worst(found: list[str], when: str, level: int) -> int:
    """The most severe cell of some facts."""
    return max(RANK[TABLE.verdict(when, level, fact, ["send"], described=False)] for fact in found)


def sightings(told: list[list[str]]) -> Sightings:
    """A session with these reports."""
    seen = Sightings()
    for tokens in told:
        seen.add("s", tokens)
    return seen


@given(
    reports,
    facts,
    st.lists(st.sampled_from(HASHES), max_size=2),
    whens,
    levels,
    st.none() | st.sets(st.sampled_from(HASHES)),
)
def test_reports_never_make_a_claim_better(
    told: list[list[str]], fact: str, tokens: list[str], when: str, level: int, named: set[str] | None
) -> None:
    """Whatever was reported, the verdict is at least as severe as the claim's own."""
    seen = sightings(told)
    argument = Argument(name="to", fact=fact, tokens=tuple(tokens))
    found = list(facts_of(argument, seen.of("s"), whole=seen.is_whole("s"), named=named))
    assert worst(found, when, level) >= worst([fact], when, level)


@given(reports, facts, st.sampled_from(HASHES), whens, levels)
def test_order_and_duplicates_of_reports_do_not_matter(
    told: list[list[str]], fact: str, token: str, when: str, level: int
) -> None:
    """Reports are a set."""
    argument = Argument(name="to", fact=fact, tokens=(token,))
    once, again = sightings(told), sightings([*reversed(told), *told])
    answers = [
        list(facts_of(argument, each.of("s"), whole=each.is_whole("s"), named=None)) for each in (once, again)
    ]
    assert answers[0] == answers[1]


@given(facts, whens, levels, st.none() | st.integers(0, 3), st.booleans())
def test_the_graph_vouches_only_for_what_text_does_not_speak_of(
    fact: str, when: str, level: int, mentioned: int | None, in_text: bool
) -> None:
    """A known value is clean or contested, and contested whenever text that nobody pointed at speaks of it."""
    held = with_graph(fact, Detail(mentioned), level, mentioned_in_text=in_text)
    assert held in {"named_by_intent", "clean", "contested"}
    if fact != "named_by_intent" and mentioned in {0, 1}:
        assert held == "contested"
    assert worst([held], when, level) <= worst(["contested"], when, level)


@given(facts, whens, levels)
def test_an_argument_without_a_fact_is_the_worst(fact: str, when: str, level: int) -> None:
    """Saying nothing, or something unknown, never helps."""
    missing = list(facts_of(Argument(name="to"), {}, whole=False, named=None))
    unknown = list(facts_of(Argument(name="to", fact="fine"), {}, whole=False, named=None))
    assert worst(missing, when, level) == worst(unknown, when, level) >= worst([fact], when, level)


@given(whens, levels, facts)
def test_asking_for_an_effect_never_makes_it_harder(when: str, level: int, fact: str) -> None:
    """The shipped table is no stricter on what was requested than on what was not."""
    assert worst([fact], "requested", level) <= worst([fact], when, level)
