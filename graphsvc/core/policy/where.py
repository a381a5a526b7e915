"""The `where` of a rights pattern: what the graph must say of the values of its variables.

Functions joined by `&&`, `||`, `!` and brackets; arguments are text (a `$variable` or a name) and numbers. Each
answers yes, no, or unknown where the graph holds no fact; a condition of a risk that is unknown counts as true,
as an error in one does (rule R24).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final, TypeAlias

from graphsvc.core.estate import Estate
from graphsvc.core.policy import where_aws, where_kubernetes

__all__ = ["BINDING", "FUNCTIONS", "SELF", "Call", "Test", "WhereError", "identities_of", "parse_where"]

# The variable that stands for an identity that is held.
SELF: Final = "self"

Binding: TypeAlias = Mapping[str, str]
Answer: TypeAlias = bool | None


class WhereError(ValueError):
    """The text is no condition on variables; column counts from 1 within it."""

    def __init__(self, message: str, column: int = 1) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Call:
    """One function with its arguments as written; `$name` is a variable."""

    function: str
    arguments: tuple[str | int, ...]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables it speaks of, without the `$`."""
        return tuple(each[1:] for each in self.arguments if isinstance(each, str) and each.startswith("$"))

    def values(self, variable: str, binding: Binding, estate: Estate) -> Iterable[str] | None:
        """The only values of a variable for which it can hold; None when that cannot be said briefly."""
        function = _FUNCTIONS[self.function]
        if function.places is not None and self.arguments[0] == f"${variable}":
            account = self.arguments[1]
            known = binding.get(account[1:], "") if isinstance(account, str) else ""
            return function.places(estate, known) if known else None
        if function.follows is None:
            return None
        place, edge_type = function.follows
        if self.arguments[place] != f"${variable}":
            return None
        other = self.arguments[1 - place]
        if isinstance(other, str) and other.startswith("$"):
            other = binding.get(other[1:], "")
        if not isinstance(other, str) or not other or other == "account":
            return None
        return estate.out(edge_type, _identity(other) if place == 0 else other)

    def partner(self, variable: str) -> str | None:
        """The other variable from whose values edges lead to this one's; None when there is none."""
        function = _FUNCTIONS[self.function]
        if function.follows is None or self.arguments[function.follows[0]] != f"${variable}":
            return None
        other = self.arguments[1 - function.follows[0]]
        return other[1:] if isinstance(other, str) and other.startswith("$") else None

    def leads_to(self, variable: str) -> str | None:
        """The type of edges one of which must lead to the variable's value; None when none need to."""
        function = _FUNCTIONS[self.function]
        if function.follows is None or self.arguments[function.follows[0]] != f"${variable}":
            return None
        return function.follows[1]

    def leaves(self, variable: str) -> str | None:
        """The type of edges one of which must leave the variable's value; None when none need to."""
        function = _FUNCTIONS[self.function]
        if function.follows is None or self.arguments[1 - function.follows[0]] != f"${variable}":
            return None
        return function.follows[1]

    def judge(self, binding: Binding, estate: Estate) -> Answer:
        """Values are node keys; a plain name is the id of an identity."""
        values = [
            binding[each[1:]] if isinstance(each, str) and each.startswith("$") else each
            for each in self.arguments
        ]
        return _FUNCTIONS[self.function].judge(estate, *values)


@dataclass(frozen=True)
class Test:
    """A tree of calls. form: `and`, `or`, `not` or `call`."""

    form: str
    parts: tuple[Test, ...] = ()
    call: Call | None = None

    def judge(self, binding: Binding, estate: Estate) -> Answer:
        """Three-valued, as in SQL: unknown unless the others decide."""
        if self.call is not None:
            return self.call.judge(binding, estate)
        answers = [part.judge(binding, estate) for part in self.parts]
        if self.form == "not":
            return None if answers[0] is None else not answers[0]
        decisive = self.form == "or"
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls in it."""
        mine = (self.call,) if self.call is not None else ()
        return (*mine, *(call for part in self.parts for call in part.calls))

    @cached_property
    def variables(self) -> frozenset[str]:
        """Names of all variables it speaks of."""
        return frozenset(name for call in self.calls for name in call.variables)

    def conjuncts(self) -> tuple[Test, ...]:
        """The parts that must all hold."""
        return (
            tuple(each for part in self.parts for each in part.conjuncts()) if self.form == "and" else (self,)
        )


@dataclass(frozen=True, slots=True)
class _Function:
    """arity: how many arguments; identities: which of them are identities.

    follows: which argument follows from the others, and the edges that say so: type, whether they lead to it.
    places: the values of the first argument for one of the second.
    """

    judge: Callable[..., Answer]
    arity: int
    identities: frozenset[int]
    usage: str
    follows: tuple[int, str] | None = None
    places: Callable[[Estate, str], Iterable[str]] | None = None


def _identity(name: str) -> str:
    return name if name.partition(":")[0] in ("identity", "resource") else f"identity:{name}"


def _can_assume(estate: Estate, role: str, who: str) -> Answer:
    edge = estate.into("CAN_ASSUME", _identity(role)).get(_identity(who))
    if edge is None:
        return False
    # A trust under a condition that nobody could decide.
    return None if edge.properties.get("conditional") is True else True


def _trusts(estate: Estate, role: str, who: str) -> Answer:
    if who != "account":
        return _can_assume(estate, role, who)
    answers = [
        _can_assume(estate, role, start)
        for start in estate.into("CAN_ASSUME", _identity(role))
        if _account_of(estate, start) is not None
    ]
    return True if True in answers else None if None in answers else False


def _trusts_account_of(estate: Estate, role: str, who: str) -> Answer:
    """Whether the role leaves it to the account of somebody to say who may assume it."""
    account = _account_in(who)
    answers = [
        _can_assume(estate, role, start)
        for start in estate.into("CAN_ASSUME", _identity(role))
        if account is not None and _account_of(estate, start) == account
    ]
    return True if True in answers else None if None in answers else False


def _account_of(estate: Estate, key: str) -> str | None:
    """The account that a node stands for, `*` when it stands for anybody, None when for neither."""
    node = estate.node(key)
    kind = node.properties.get("aws_type") if node is not None else None
    return _account_in(key) if kind == "account" else None


def _account_in(key: str) -> str | None:
    parts = key.removeprefix("identity:").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else None


def _runs_as(estate: Estate, thing: str, identity: str) -> Answer:
    return _identity(identity) in estate.out("RUNS_AS", thing)


def _is_a(estate: Estate, identity: str, kind: str) -> Answer:
    node = estate.node(_identity(identity))
    if node is None:
        return None
    aws_type = node.properties.get("aws_type")
    return aws_type == kind if isinstance(aws_type, str) else node.fields.get("kind") == kind


def _exists(estate: Estate, key: str) -> Answer:
    return estate.node(key) is not None


def _managed_by(estate: Estate, thing: str, service: str) -> Answer:
    node = estate.node(thing)
    manager = node.properties.get("managed_by") if node is not None else None
    return None if manager is None else manager == service


def _holds_credential(estate: Estate, thing: str, identity: str) -> Answer:
    return _identity(identity) in estate.out("HOLDS_CREDENTIAL", thing)


def _labelled(estate: Estate, thing: str, label: str) -> Answer:
    return label in estate.labels(thing)


# How identities of a system are called that has actions of its own.
_SYSTEMS: Final = {"aws": "identity:arn:", "k8s": "identity:k8s:"}


def _acts_in(_: Estate, identity: str, system: str) -> Answer:
    prefix = _SYSTEMS.get(system)
    return None if prefix is None else _identity(identity).startswith(prefix)


_FUNCTIONS: Final[dict[str, _Function]] = {
    "service_can_assume": _Function(
        _can_assume,
        2,
        frozenset({0}),
        'service_can_assume("$role", "lambda.amazonaws.com")',
        (0, "CAN_ASSUME"),
    ),
    "trusts": _Function(_trusts, 2, frozenset({0}), 'trusts("$role", "account")', (0, "CAN_ASSUME")),
    "trusts_account_of": _Function(
        _trusts_account_of, 2, frozenset({0, 1}), 'trusts_account_of("$role", "$self")'
    ),
    "runs_as": _Function(
        _runs_as,
        2,
        frozenset({1}),
        'runs_as("$thing", "$role")',
        (1, "RUNS_AS"),
        places=lambda estate, role: estate.into("RUNS_AS", role),
    ),
    "holds_credential": _Function(
        _holds_credential,
        2,
        frozenset({1}),
        'holds_credential("$secret", "$account")',
        (1, "HOLDS_CREDENTIAL"),
    ),
    "labelled": _Function(_labelled, 2, frozenset(), 'labelled("$policy", "admin-version")'),
    "acts_in": _Function(_acts_in, 2, frozenset({0}), 'acts_in("$self", "k8s")'),
    "in_namespace": _Function(
        where_kubernetes.in_namespace,
        2,
        frozenset({1}),
        'in_namespace("$place", "$account")',
        places=where_kubernetes.made_beside,
    ),
    "works_in": _Function(
        where_kubernetes.works_in,
        2,
        frozenset({1}),
        'works_in("$place", "$account")',
        places=where_kubernetes.around,
    ),
    "makes_secrets_of": _Function(
        where_kubernetes.makes_secrets_of,
        2,
        frozenset({1}),
        'makes_secrets_of("$place", "$account")',
        places=where_kubernetes.secrets_beside,
    ),
    "of_every_namespace": _Function(
        where_kubernetes.of_every_namespace, 2, frozenset(), 'of_every_namespace("$place", "core/secrets")'
    ),
    "is_a": _Function(_is_a, 2, frozenset({0}), 'is_a("$user", "user")'),
    "exists": _Function(_exists, 1, frozenset(), 'exists("$thing")'),
    "key_count_below": _Function(where_aws.key_count_below, 2, frozenset({0}), 'key_count_below("$user", 2)'),
    "stands_for": _Function(where_aws.stands_for, 2, frozenset(), 'stands_for("$policy", "policy")'),
    "has_member": _Function(
        where_aws.has_member, 2, frozenset({1}), 'has_member("$group", "$self")', places=where_aws.groups_of
    ),
    "gives_rights": _Function(where_aws.gives_rights, 1, frozenset(), 'gives_rights("$group")'),
    "attached": _Function(
        where_aws.attached, 2, frozenset({1}), 'attached("$policy", "$self")', places=where_aws.attached_to
    ),
    "is_editable": _Function(where_aws.is_editable, 1, frozenset({0}), 'is_editable("$role")'),
    "has_password": _Function(where_aws.has_password, 1, frozenset({0}), 'has_password("$user")'),
    "managed_by": _Function(_managed_by, 2, frozenset(), 'managed_by("$instance", "ssm")'),
}
_OPERATORS: Final = {"&&": " and ", "||": " or ", "!": " not "}
_TOKENS: Final = re.compile(r"\"[^\"]*\"|'[^']*'|&&|\|\||!(?!=)|.", re.DOTALL)
# Those that by themselves say which values a variable can take.
BINDING: Final = frozenset(
    (
        "runs_as",
        "service_can_assume",
        "trusts",
        "exists",
        "is_a",
        "holds_credential",
        "in_namespace",
        "works_in",
        "acts_in",
        "stands_for",
        "has_member",
        "attached",
        "makes_secrets_of",
        "of_every_namespace",
    )
)
FUNCTIONS: Final = {name: function.usage for name, function in _FUNCTIONS.items()}


def identities_of(test: Test | None) -> frozenset[str]:
    """Names of variables that stand for identities."""
    found = {SELF}
    for call in test.calls if test is not None else ():
        for place, argument in enumerate(call.arguments):
            if place in _FUNCTIONS[call.function].identities and isinstance(argument, str):
                found.add(argument.removeprefix("$"))
    return frozenset(found)


def parse_where(text: str) -> Test:
    """WhereError says what is wrong and what to write."""
    spelled, origin = _spelled(text)
    try:
        tree = ast.parse(spelled, mode="eval")
    except SyntaxError as error:
        column = origin[min((error.offset or 1) - 1, len(origin) - 1)] + 1
        raise WhereError(
            f"cannot be read: {error.msg}; write functions joined by &&, || and !", column
        ) from None
    try:
        return _test(tree.body)
    except WhereError as error:
        raise WhereError(str(error), origin[error.column - 1] + 1) from None


def _spelled(text: str) -> tuple[str, list[int]]:
    """The text as Python spells it, and for each of its characters where it comes from.

    The grammar is a part of Python's once its operators are spelled; quoted text stays as it is.
    """
    parts: list[tuple[str, int]] = []
    for found in _TOKENS.finditer(text):
        word = _OPERATORS.get(found.group(), found.group())
        # Python takes indented text for a block.
        parts += [(char, found.start()) for char in (word if parts else word.lstrip())]
    return "".join(char for char, _ in parts), [*(at for _, at in parts), len(text)]


def _test(node: ast.expr) -> Test:
    if isinstance(node, ast.BoolOp):
        form = "and" if isinstance(node.op, ast.And) else "or"
        return Test(form, tuple(map(_test, node.values)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return Test("not", (_test(node.operand),))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return Test("call", call=_call(node, node.func.id))
    raise WhereError(
        f"is made of functions joined by &&, || and !, such as {FUNCTIONS['service_can_assume']}",
        node.col_offset + 1,
    )


def _call(node: ast.Call, name: str) -> Call:
    function = _FUNCTIONS.get(name)
    if function is None:
        near = get_close_matches(name, _FUNCTIONS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"functions are {', '.join(_FUNCTIONS)}"
        raise WhereError(f"there is no function `{name}`; {hint}", node.col_offset + 1)
    arguments = tuple(each.value for each in node.args if isinstance(each, ast.Constant))
    texts = tuple(each for each in arguments if isinstance(each, str | int) and not isinstance(each, bool))
    if len(texts) != len(node.args) or len(texts) != function.arity:
        raise WhereError(f"`{name}` is used as {function.usage}", node.col_offset + 1)
    if name == "key_count_below" and not isinstance(texts[1], int):
        raise WhereError(f"`{name}` is used as {function.usage}", node.col_offset + 1)
    if any(isinstance(each, int) for each in texts) and name != "key_count_below":
        raise WhereError(f"`{name}` is used as {function.usage}", node.col_offset + 1)
    return Call(name, texts)
