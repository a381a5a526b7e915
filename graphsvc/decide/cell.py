"""Names of the cells a record reads and touches: what two decisions must share to affect each other."""

from __future__ import annotations

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.intent_amount import spent_cell
from graphsvc.core.record import Decided
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import DATA_SCOPE
from graphsvc.core.verdict import Verdict

__all__ = [
    "AUDIT_CELL",
    "GRAPH",
    "LIVE_CELL",
    "WAITING_CELL",
    "chain_cell",
    "decision_reads",
    "decision_touches",
    "foreign_guards",
    "principal_cell",
    "spending_touches",
]

GRAPH = "g"
# How many sessions are alive, and how many reviews wait.
LIVE_CELL = "n"
WAITING_CELL = "w"
# Of records that no decision reads.
AUDIT_CELL = "audit"


def chain_cell(chain: str) -> str:
    """The cell of a chain's existence, owner and state."""
    return f"c:{chain}"


def principal_cell(identity: str) -> str:
    """The cell of an identity: its patterns, grants and suspension."""
    return f"p:{identity}"


def decision_reads(evaluation: Evaluation, dedupe: str, ruleset: Ruleset) -> set[str]:
    """Everything a judgement looked at: graph and rules, session, principals, chains, its key."""
    request = evaluation.request
    reads = {GRAPH, chain_cell(request.chain), f"k:{dedupe}", *evaluation.scopes}
    # Grants and suspensions touch identities by the id the graph knows, whatever the caller called them.
    reads |= {principal_cell(party) for party in (*evaluation.event.who.ids, *evaluation.held)}
    reads |= {
        chain_cell(chain)
        for chain in (*request.joins, *((request.parent_chain,) if request.parent_chain else ()))
    }
    reads |= {chain_cell(chain) for chain in evaluation.lineage}
    if request.review is not None:
        reads.add(f"v:{request.review}")
    if ruleset.has_data:
        reads |= {DATA_SCOPE, evaluation.event.what.cell}
    return reads | foreign_guards(request.action, ruleset, of_steps=True)


def decision_touches(record: Decided, ruleset: Ruleset) -> set[str]:
    """Everything that recording it changes. A refused action keeps its place, so its session moves too."""
    request = record.request
    touched = {chain_cell(request.chain), f"s:{record.session}", f"k:{record.dedupe}"}
    touched |= {chain_cell(chain) for chain in record.opened}
    if record.answered is Verdict.PERMIT:
        touched |= set(record.scopes) | foreign_guards(request.action, ruleset, of_steps=False)
        if request.review is not None:
            # An approval lets one action through.
            touched.add(f"v:{request.review}")
        if record.grants:
            # Uses are counted; whoever holds a grant reads the cell of each of these.
            touched |= {principal_cell(party.id) for party in (request.subject, *request.on_behalf_of)}
        if ruleset.has_data:
            resource = request.resource
            touched.add(f"r:{resource.type}:{resource.id}")
            if _stands_for_all_data(request.action, ruleset):
                touched.add(DATA_SCOPE)
    return touched


def spending_touches(evaluation: Evaluation) -> set[str]:
    """Chains that the action was spawned from and whose total it adds to: their other children read it."""
    delta = evaluation.delta
    return {chain_cell(chain) for chain in evaluation.lineage if spent_cell(chain) in delta}


def foreign_guards(action: str, ruleset: Ruleset, *, of_steps: bool) -> set[str]:
    """Guards that hold whoever's they are live in no scope: each pattern with one has a cell for it."""
    every = ruleset.candidates(action).every
    if not of_steps:
        return {f"u:{offer.pattern.id}" for offer in every.guards if offer.guard.by != "same"}
    patterns = [tree.pattern for tree in every.trees] + [counter.pattern for counter in every.counters]
    return {f"u:{pattern.id}" for pattern in patterns if any(guard.by != "same" for guard in pattern.guards)}


def _stands_for_all_data(action: str, ruleset: Ruleset) -> bool:
    """True when the action may be a guard or reset of a pattern that follows data through stores."""
    every = ruleset.candidates(action).every
    return any(
        pattern.scope == "data"
        for pattern in (
            *(guard.pattern for guard in every.guards),
            *(reset.pattern for reset in every.resets),
        )
    )
