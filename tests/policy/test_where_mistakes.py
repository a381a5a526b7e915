"""What is no `where` is refused with what to write instead."""

from __future__ import annotations

import pytest

from graphsvc.core.gain.holding import faces
from graphsvc.core.policy.where import WhereError, identities_of, parse_where


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('exists("$a"', "cannot be read"),
        ("1 + 1", "is made of functions joined by"),
        ('exist("$a")', "did you mean `exists`"),
        ('zzzzzz("$a")', "functions are"),
        ('exists("$a", "$b")', "`exists` is used as"),
        ("exists(True)", "`exists` is used as"),
        ('key_count_below("$a", "2")', "`key_count_below` is used as"),
        ("exists(2)", "`exists` is used as"),
    ],
)
def test_a_mistake_names_the_fix(text: str, told: str) -> None:
    """With its column."""
    with pytest.raises(WhereError, match=told) as refused:
        parse_where(text)
    assert refused.value.column >= 1


def test_which_variables_stand_for_identities() -> None:
    """Those that a function takes for one, and `$self`."""
    test = parse_where('runs_as("$thing", "$role") && exists("$thing")')
    assert identities_of(test) == {"self", "role"}
    assert identities_of(None) == {"self"}


def test_edges_that_must_lead_to_a_value_or_leave_it() -> None:
    """So that only their ends are tried."""
    runs, exists = parse_where('runs_as("$thing", "$role") && exists("$thing")').calls
    assert (runs.leads_to("role"), runs.leaves("thing")) == ("RUNS_AS", "RUNS_AS")
    assert (runs.leads_to("thing"), runs.leaves("role")) == (None, None)
    assert (exists.leads_to("thing"), exists.leaves("thing")) == (None, None)


@pytest.mark.parametrize(
    ("identity", "also"),
    [
        ("ann", ()),
        ("arn:aws:iam::1:user/u", ("resource:aws:arn:aws:iam::1:user/u",)),
        (
            "k8s:c:system:serviceaccount:shop:web",
            ("resource:k8s:c/namespaces/shop/core/serviceaccounts/web",),
        ),
        ("k8s:c:ann", ("resource:k8s:c/cluster/core/users/ann",)),
    ],
)
def test_what_a_right_on_an_identity_is_held_on(identity: str, also: tuple[str, ...]) -> None:
    """The resource of its own name, and what stands for it in its system."""
    assert faces(f"identity:{identity}") == (f"resource:identity:{identity}", *also)
