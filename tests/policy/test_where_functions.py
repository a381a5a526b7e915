"""Every function of `where`, asked of one small graph: true, false, and unknown where the graph cannot say."""

from __future__ import annotations

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.where import FUNCTIONS, parse_where

ARN = "arn:aws:iam::111122223333:"
ROLE, USER, ACCOUNT = f"identity:{ARN}role/r", f"identity:{ARN}user/u", f"identity:{ARN}root"
OWNED = f"identity:{ARN}role/aws-service-role/x/y"
GROUP, POLICY = f"resource:aws:{ARN}group/g", f"resource:aws:{ARN}policy/p"
POD = "resource:k8s:c/namespaces/shop/core/pods/web"
SECRET = "resource:k8s:c/namespaces/shop/core/secrets/token"
PODS, SECRETS = "resource:k8s:c/namespaces/shop/core/pods/", "resource:k8s:c/namespaces/shop/core/secrets/"
WORKER = "identity:k8s:c:system:serviceaccount:shop:worker"
IDLE = "identity:k8s:c:system:serviceaccount:shop:idle"
OTHER = "identity:k8s:c:system:serviceaccount:bank:worker"


def _estate() -> Estate:
    estate = Estate()
    nodes = [
        Node(key=ROLE, fields={"kind": "service"}, properties={"aws_type": "role"}),
        Node(key=USER, properties={"aws_type": "user", "has_password": True, "access_key_count": 1}),
        Node(key=ACCOUNT, properties={"aws_type": "account"}),
        Node(key="identity:lambda", fields={"kind": "service"}),
        Node(key="identity:ann", fields={"kind": "human"}),
        Node(key=GROUP, properties={"aws_type": "group"}),
        Node(key=POLICY, properties={"aws_type": "policy"}),
        Node(key="resource:vm:one", labels=("web",), properties={"managed_by": "ssm"}),
    ]
    edges = [
        Edge(type="CAN_ASSUME", start="identity:lambda", end=ROLE),
        Edge(type="CAN_ASSUME", start=ACCOUNT, end=ROLE),
        Edge(type="CAN_ASSUME", start="identity:ann", end=ROLE, properties={"conditional": True}),
        Edge(type="RUNS_AS", start="resource:vm:one", end=ROLE),
        Edge(type="HOLDS_CREDENTIAL", start=POD, end=WORKER),
        Edge(type="HOLDS_CREDENTIAL", start=SECRET, end=IDLE),
        Edge(type="MEMBER_OF", start=USER, end=f"group:{ARN}group/g"),
        Edge(type="GRANTED", start=f"group:{ARN}group/g", end=f"permission:{ARN}policy/p#0"),
    ]
    estate.load("all", nodes, edges, replace=True)
    return estate


CASES = [
    ("service_can_assume", (ROLE, "lambda"), True),
    ("service_can_assume", (ROLE, "ec2"), False),
    ("service_can_assume", (ROLE, "ann"), None),
    ("trusts", (ROLE, "lambda"), True),
    ("trusts", (ROLE, "account"), True),
    ("trusts", (USER, "account"), False),
    ("trusts_account_of", (ROLE, USER), True),
    ("trusts_account_of", (ROLE, "identity:ann"), False),
    ("runs_as", ("resource:vm:one", ROLE), True),
    ("runs_as", ("resource:vm:one", USER), False),
    ("is_a", (USER, "user"), True),
    ("is_a", (USER, "role"), False),
    ("is_a", ("identity:ann", "human"), True),
    ("is_a", ("identity:nobody", "user"), None),
    ("holds_credential", (POD, WORKER), True),
    ("holds_credential", (POD, IDLE), False),
    ("acts_in", (WORKER, "k8s"), True),
    ("acts_in", (WORKER, "aws"), False),
    ("acts_in", (WORKER, "vms"), None),
    ("labelled", ("resource:vm:one", "web"), True),
    ("labelled", ("resource:vm:one", "db"), False),
    ("in_namespace", (POD, WORKER), True),
    ("in_namespace", (POD, OTHER), False),
    ("in_namespace", ("resource:vm:one", WORKER), False),
    ("works_in", (POD, WORKER), True),
    ("works_in", (PODS, WORKER), True),
    ("works_in", (PODS, IDLE), False),
    ("works_in", (SECRET, IDLE), True),
    ("works_in", ("resource:vm:one", WORKER), False),
    ("exists", ("resource:vm:one",), True),
    ("exists", ("resource:vm:two",), False),
    ("stands_for", (GROUP, "group"), True),
    ("stands_for", (POLICY, "group"), False),
    ("stands_for", ("resource:aws:x", "group"), False),
    ("attached", (POLICY, USER), True),
    ("attached", (POLICY, ROLE), False),
    ("has_member", (GROUP, USER), True),
    ("has_member", (GROUP, ROLE), False),
    ("gives_rights", (GROUP,), True),
    ("gives_rights", (f"resource:aws:{ARN}group/h",), False),
    ("is_editable", (ROLE,), True),
    ("is_editable", (OWNED,), False),
    ("has_password", (USER,), True),
    ("has_password", (ROLE,), None),
    ("has_password", ("identity:nobody",), None),
    ("makes_secrets_of", (SECRETS, IDLE), True),
    ("makes_secrets_of", (PODS, IDLE), False),
    ("makes_secrets_of", (SECRETS, "identity:ann"), False),
    ("of_every_namespace", ("resource:k8s:c/cluster/core/secrets/", "core/secrets"), True),
    ("of_every_namespace", (SECRETS, "core/secrets"), False),
    ("key_count_below", (USER, 2), True),
    ("key_count_below", (USER, 1), False),
    ("key_count_below", (ROLE, 1), None),
    ("managed_by", ("resource:vm:one", "ssm"), True),
    ("managed_by", ("resource:vm:one", "puppet"), False),
    ("managed_by", ("resource:vm:two", "ssm"), None),
]


@pytest.mark.parametrize(("function", "arguments", "answer"), CASES)
def test_each_function_says_what_the_graph_says(
    function: str, arguments: tuple[str | int, ...], answer: bool | None
) -> None:
    """The first argument is a variable's value, the others are as a rule writes them."""
    names = [f'"${chr(97 + place)}"' if isinstance(each, str) and ":" in each else repr(each) for place, each in enumerate(arguments)]  # fmt: skip
    binding = {chr(97 + place): each for place, each in enumerate(arguments) if isinstance(each, str)}
    text = f"{function}({', '.join(names)})"
    assert parse_where(text).judge(binding, _estate()) is answer
    negated = None if answer is None else not answer
    assert parse_where(f"!{text}").judge(binding, _estate()) is negated


def test_every_function_is_asked() -> None:
    """And no other."""
    assert {name for name, _, _ in CASES} == set(FUNCTIONS)


VALUES = [
    ('service_can_assume("$a", "lambda")', {}, {ROLE}),
    ('service_can_assume("$a", "$b")', {}, None),
    ('service_can_assume("$a", "$b")', {"b": "identity:lambda"}, {ROLE}),
    ('trusts("$a", "account")', {}, None),
    ('has_member("$a", "$b")', {"b": USER}, {GROUP}),
    ('attached("$a", "$b")', {"b": USER}, {POLICY}),
    ('makes_secrets_of("$a", "$b")', {"b": IDLE}, {SECRETS}),
    ('makes_secrets_of("$a", "$b")', {"b": "identity:ann"}, set()),
    ('exists("$a")', {}, None),
]


@pytest.mark.parametrize(("text", "binding", "values"), VALUES)
def test_values_that_alone_can_hold(text: str, binding: dict[str, str], values: set[str] | None) -> None:
    """Told where edges or names say them; None where everything would have to be tried."""
    (call,) = parse_where(text).calls
    found = call.values("a", binding, _estate())
    assert (None if found is None else set(found)) == values


def test_places_of_an_account_are_those_of_its_namespace() -> None:
    """Where pods of it are made, and what holds its credential; of whoever is no such account there are none."""
    (inside,) = parse_where('in_namespace("$a", "$b")').calls
    (works,) = parse_where('works_in("$a", "$b")').calls
    estate = _estate()
    assert PODS in set(inside.values("a", {"b": WORKER}, estate) or ())
    assert {POD, PODS} <= set(works.values("a", {"b": WORKER}, estate) or ())
    assert set(inside.values("a", {"b": "identity:ann"}, estate) or ()) == set()
    assert set(works.values("a", {"b": "identity:ann"}, estate) or ()) == set()
