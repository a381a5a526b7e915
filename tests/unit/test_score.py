"""The risk as exact integers: weights, contributions, scores and thresholds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.score import as_score, micros_by_missing, threshold_micros, weights_from


def test_weights_without_a_section_are_the_documented_ones() -> None:
    """The weights are 0.1, 0.3, 0.6 and 0.9; a step follows with 0.5."""
    weights = weights_from([])
    assert weights.sigma == {"low": 0.1, "medium": 0.3, "high": 0.6, "critical": 0.9}
    assert weights.q == 0.5


def test_sections_overlay_each_other() -> None:
    """The last pack that says something wins; what is no number or no severity is ignored."""
    weights = weights_from(
        [
            {"sigma": {"low": 0.2, "high": 0.7}, "q": 0.25},
            {"sigma": {"low": 1, "dreadful": 0.5, "medium": "much"}, "q": "often"},
            {"sigma": "heavy"},
        ]
    )
    assert weights.sigma == {"low": 1.0, "medium": 0.3, "high": 0.7, "critical": 0.9}
    assert weights.q == 0.25


def test_reading_weights_leaves_the_defaults_alone() -> None:
    """One pack's weights are not those of the next reader."""
    weights_from([{"sigma": {"low": 0.9}, "q": 1}])
    assert weights_from([]).sigma["low"] == 0.1


def test_a_contribution_is_the_weight_times_the_chances_of_what_is_missing() -> None:
    """Micros of -ln(1 - sigma q^m), for 0 to 63 missing steps."""
    micros = micros_by_missing(weights_from([]), "high")
    assert len(micros) == 64
    assert micros[:4] == (916_291, 356_675, 162_519, 77_962)
    assert micros[63] == 0
    assert micros_by_missing(weights_from([]), "low")[0] == 105_361


def test_a_certain_harm_counts_as_nearly_certain() -> None:
    """A weight of one would be an infinite risk; it is capped at 0.999999."""
    assert micros_by_missing(weights_from([{"sigma": {"high": 1}}]), "high")[0] == 13_815_511


def test_a_score_is_a_probability_of_six_digits() -> None:
    """Nothing is 0, and never minus 0; ln 2 is a half."""
    assert math.copysign(1, as_score(0)) == 1
    assert [as_score(micros) for micros in (0, 1, 693_147, 10**9)] == [0, 0.000001, 0.5, 1]
    assert as_score(916_291) == 0.6
    assert as_score(1_000_000) == 0.632121


@pytest.mark.parametrize(("score", "micros"), [(0, 0), (0.5, 693_147), (0.9, 2_302_585), (1, 13_815_511)])
def test_a_threshold_is_the_risk_of_a_pattern_of_that_weight(score: float, micros: int) -> None:
    """In whole micros, rounded as contributions are."""
    assert threshold_micros(score) == micros


@given(st.floats(0, 1))
def test_what_a_pattern_contributes_reaches_its_own_threshold(share: float) -> None:
    """A pattern of weight s that completes reaches a threshold of s: no rounding hides it."""
    micros = micros_by_missing(weights_from([{"sigma": {"high": share}}]), "high")[0]
    assert micros >= threshold_micros(share)
    assert abs(as_score(threshold_micros(share)) - share) < 0.000_002
