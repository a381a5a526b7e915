"""Policy texts shared by the tests of the policy file."""

from __future__ import annotations

from textwrap import dedent, indent

__all__ = ["FULL", "with_pattern"]

FULL = dedent(
    """\
    graphsvc: 1
    pack: {id: payments, version: 2026.11.1, title: Payment fraud, source: "own"}
    settings: {escalate_at: 0.60, deny_at: 0.90, entitlement: required, enforce: on}
    actions:
      "erp:CreateVendor": {effects: [write]}
      "mail:Read":  {effects: [read], result: {labels: [untrusted]}}
      "mail:Send":  {effects: [send], arguments: {to: destination, body: content}}
    patterns:
      - id: vendor-then-payment
        title: The same person creates a vendor and pays it
        severity: high
        harm: fraud
        on_match: deny
        scope: principal
        principal: root
        within: 24h
        steps:
          create: {action: "erp:CreateVendor", key: {vendor: resource.id}}
          pay:    {action: "erp:ApprovePayment", key: {vendor: context.vendor_id}}
        unless: [{action: "review:Approve", key: {vendor: resource.id}, within: 1h}]
      - id: lethal-trifecta
        severity: critical
        on_match: escalate
        scope: session
        relation: causal
        steps:
          untrusted: {effects: [read], labels: {any: [untrusted]}, then: out}
          private:   {effects: [read], labels: {any: [sensitive]}, then: out}
          out:       {effects: [send, pay], destination: unknown}
        sanitized_by: [{action: "dlp:Redact", removes: [sensitive]}]
        without: [{action: "session:Reset", between: [untrusted, out]}]
      - id: mass-read
        on_match: escalate
        scope: principal
        within: 10m
        count: {step: {effects: [read], resource: {type: record}}, distinct: resource.id, more_than: 50}
      - id: passrole-lambda
        on_match: deny
        rights:
          all_of:
            - {right: "iam:PassRole", on: "$role"}
            - {right: "lambda:CreateFunction"}
            - {right: "lambda:InvokeFunction"}
          where: 'service_can_assume("$role", "lambda.amazonaws.com")'
          gives: {assume: "$role"}
      - id: near-crown-jewels
        on_match: escalate
        reach: {tier: crown-jewel, nearer_than: 2}
    tests:
      - name: paying one's own vendor is denied
        graph: {grants: [[alice, "erp:*", "*"]]}
        trace:
          - {chain: c1, subject: alice, action: "erp:CreateVendor", resource: v-1, expect: PERMIT}
          - {chain: c2, subject: alice, action: "erp:ApprovePayment", resource: inv-9,
             context: {vendor_id: v-1}, expect: DENY, completes: [vendor-then-payment]}
    """
)


def with_pattern(body: str, *, before: str = "", after: str = "") -> str:
    """A policy whose only pattern has the id `p` and this body, which begins in line 5, column 5.

    before: top-level lines ahead of `patterns:` (they move the body down). after: top-level lines at the end.
    """
    head = "graphsvc: 1\npack: {id: test}\n" + dedent(before)
    return head + "patterns:\n  - id: p\n" + indent(dedent(body).strip("\n"), "    ") + "\n" + dedent(after)
