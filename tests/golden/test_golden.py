"""Findings on the two real accounts and the two real cluster files are exactly those that a person has judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.estates import ESTATES, found, labels, silent, table
from tests.support.requirement import REPOSITORY

each_estate = pytest.mark.parametrize("estate", ESTATES)


@pytest.mark.real_data
@each_estate
def test_every_finding_is_judged_and_every_judgement_is_of_a_finding(estate: str, real_data: Path) -> None:
    """Whoever changes a rule sees here which findings come and go, and judges the new ones."""
    written = {(each.finding, each.pattern, each.certainty) for each in labels(estate)}
    now = {(each.fingerprint, each.pattern, each.certainty) for each in found(real_data, estate)}
    assert now == written


@pytest.mark.real_data
@each_estate
def test_labels_name_the_identities_they_are_about(estate: str, real_data: Path) -> None:
    names = {each.finding: each.identities for each in labels(estate)}
    for each in found(real_data, estate):
        assert len(each.identities) == len(names[each.fingerprint])
        assert all(
            long.endswith(short) for long, short in zip(each.identities, names[each.fingerprint], strict=True)
        )


@each_estate
def test_nothing_wrong_is_claimed(estate: str) -> None:
    """What is labelled wrong stays in the file until its rule is mended; today there is none."""
    assert [each.finding for each in labels(estate) if each.label == "wrong"] == []
    assert all(each.label in ("right", "unsure") and each.cause for each in labels(estate))


@each_estate
def test_doubt_is_said_where_a_person_doubts(estate: str) -> None:
    """A finding that hangs on what the input lacks says so itself."""
    assert [
        each.finding for each in labels(estate) if each.label == "unsure" and each.certainty == "yes"
    ] == []


@pytest.mark.real_data
def test_identities_that_cannot_rise_are_left_alone(real_data: Path) -> None:
    """The traps of the large account: denials, policies and conditions that only look like a way."""
    named = [name for each in found(real_data, "account-large") for name in each.identities]
    for trap in silent("account-large"):
        assert not [name for name in named if f"/{trap}" in name], trap


def test_the_published_precision_is_counted() -> None:
    """`python -m tests.golden` prints the table of the page."""
    assert table() in (REPOSITORY / "docs" / "precision.md").read_text("utf-8")
