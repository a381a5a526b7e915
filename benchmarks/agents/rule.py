"""The rules that are compared: the shipped pack, and three baselines that use the same declarations."""

from __future__ import annotations

from graphsvc.packs import pack_text

__all__ = ["RULES", "policies"]

_TRIFECTA = """
graphsvc: 1
pack: {id: trifecta, version: "1", order: 10}
settings: {entitlement: "off"}
patterns:
  - id: lethal-trifecta
    title: Foreign text and private data read, then something goes out
    severity: critical
    on_match: deny
    scope: session
    relation: causal
    steps:
      untrusted: {labels: {any: [untrusted]}, then: out}
      private:   {labels: {any: [sensitive]}, then: out}
      out:       {effects: [send, message, fetch, pay, grant, account]}
"""
_ANYTHING = """
graphsvc: 1
pack: {id: anything, version: "1", order: 10}
settings: {entitlement: "off"}
patterns:
  - id: untrusted-then-anything
    title: Foreign text read, then anything that changes something
    severity: critical
    on_match: deny
    scope: session
    relation: causal
    steps:
      untrusted: {labels: {any: [untrusted, party]}, then: act}
      act:       {effects: [write, modify, message, send, fetch, pay, account, grant, commit, destroy, execute]}
"""
_NOTHING = """
graphsvc: 1
pack: {id: nothing, version: "1", order: 10}
settings: {entitlement: "off"}
"""
RULES = {
    "none": (_NOTHING,),
    "lethal trifecta": (_TRIFECTA,),
    "untrusted, then anything": (_ANYTHING,),
    "provenance": (pack_text("agent_provenance"),),
}


def policies(rule: str) -> list[str]:
    """Texts of the packs of a rule, with the declarations of the tools."""
    return [*RULES[rule], pack_text("agentdojo")]
