"""The figures of an article: bounds, parts that add up, and an interval that is about right."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from escalation.codebook import Codebook
from escalation.errors import ConfigError
from escalation.scoring.aggregate import aggregate, power_mean

distributions = st.integers(1, 8).flatmap(
    lambda n: arrays(float, (n, 7), elements=st.floats(0, 1)).map(
        lambda rows: (rows + 1e-9) / (rows + 1e-9).sum(axis=1, keepdims=True)
    )
)


def certain(*rungs: int) -> np.ndarray:
    """Sentences of which the model is sure."""
    return np.eye(7)[list(rungs)]


@given(distributions)
def test_parts_add_up_and_all_stays_within_bounds(ladder: Codebook, rows: np.ndarray) -> None:
    figures = aggregate(rows, ladder)
    assert figures.threat + figures.act == pytest.approx(figures.escalation)
    assert figures.shares.sum() == pytest.approx(figures.escalation)
    assert 0 <= figures.low <= figures.escalation <= figures.high <= 100
    points = rows @ ladder.escalation
    assert np.sort(points)[-ladder.top :].mean() - 1e-9 <= figures.escalation <= points.max() + 1e-9


@given(distributions, distributions)
def test_only_the_highest_sentences_decide(ladder: Codebook, rows: np.ndarray, below: np.ndarray) -> None:
    own = replace(ladder, aggregation={"power": 4, "top": len(rows)})
    least = (rows @ ladder.escalation).min()
    calm = below[(below @ ladder.escalation < least) & (below[:, 0] < rows[:, 0].min())]
    alone, among = aggregate(rows, own), aggregate(np.vstack([calm, rows]), own)
    assert among.escalation == pytest.approx(alone.escalation)
    assert among.de_escalation == pytest.approx(alone.de_escalation)
    assert (among.low, among.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert among.shares == pytest.approx([0] * len(calm) + list(alone.shares))


@given(distributions, st.integers(0, 7), st.integers(1, 6))
def test_a_higher_sentence_never_lowers_the_score(ladder: Codebook, rows: np.ndarray, which: int, rung: int) -> None:
    raised = rows.copy()
    row = raised[which % len(rows)]
    row[rung] += row[:rung].sum()  # to a rung from those below
    row[:rung] = 0
    assert aggregate(raised, ladder).escalation >= aggregate(rows, ladder).escalation - 1e-9


def test_one_ultimatum_does_not_vanish(ladder: Codebook) -> None:
    rows = certain(4, *[1] * 11)
    assert aggregate(rows, ladder).escalation == pytest.approx((60**3 / 6) ** (1 / 3))
    assert aggregate(rows, replace(ladder, aggregation={"power": 1, "top": 12})).escalation == pytest.approx(5)


def test_certain_sentences_have_no_spread_and_calm_ones_no_score(ladder: Codebook) -> None:
    figures = aggregate(certain(6, 2, 0), ladder)
    assert figures.low == pytest.approx(figures.escalation) == figures.high
    assert figures.de_escalation == pytest.approx((100**3 / 3) ** (1 / 3))
    calm = aggregate(certain(1, 0), ladder)
    assert (calm.escalation, calm.low, calm.high, calm.threat, calm.act) == (0, 0, 0, 0, 0)


def test_interval_holds_nine_of_ten_draws(ladder: Codebook) -> None:
    random = np.random.default_rng(1)
    rows = random.dirichlet(np.full(7, 2.0), size=40)
    figures = aggregate(rows, replace(ladder, aggregation={"power": 4, "top": 40}))
    drawn = np.array([[random.choice(7, p=row) for row in rows] for _ in range(400)])
    points = ladder.escalation[drawn]
    # the delta method follows the expected points, so the draws are compared by what they do to first order
    slopes = figures.shares / (rows @ ladder.escalation)
    totals = figures.escalation + (points - rows @ ladder.escalation) @ slopes
    held = np.mean((totals >= figures.low) & (totals <= figures.high))
    assert 0.85 < held < 0.95


def test_power_mean_of_tiny_figures_does_not_vanish() -> None:
    assert power_mean(np.array([1e-200, 1e-200]), 16) == pytest.approx(1e-200)


@pytest.mark.parametrize(
    "aggregation",
    [{"power": 0.5}, {"power": "4"}, {"power": True}, {"mean": 4}, {"power": 99}, {"top": 0}, {"top": 2.5}, 4, "high"],
)
def test_wrong_aggregation_is_refused(ladder: Codebook, aggregation: object) -> None:
    with pytest.raises(ConfigError, match="ladder"):
        Codebook.from_mapping({**ladder.to_mapping(), "aggregation": aggregation})


def test_aggregation_has_a_default_and_survives_a_round_trip(ladder: Codebook) -> None:
    mapping = ladder.to_mapping()
    own = Codebook.from_mapping({**mapping, "aggregation": {"power": 2}})
    assert (own.power, own.top) == (2, 6)
    without = Codebook.from_mapping({key: value for key, value in mapping.items() if key != "aggregation"})
    assert (without.power, without.top) == (3, 6)
    assert Codebook.from_mapping(mapping) == ladder


def test_interval_of_one_sentence_is_that_of_its_distribution(ladder: Codebook) -> None:
    row = np.array([[0, 0.5, 0, 0, 0.5, 0, 0]])  # 0 or 60 points, evenly: 30 ± 30
    figures = aggregate(row, ladder)
    assert figures.escalation == pytest.approx(30)
    assert (figures.low, figures.high) == (0, pytest.approx(30 + 1.645 * 30))


def test_interval_narrows_with_more_sentences(ladder: Codebook) -> None:
    row = np.array([[0, 0.2, 0, 0, 0.6, 0.2, 0]])
    own = replace(ladder, aggregation={"power": 4, "top": 50})
    few, many = aggregate(np.repeat(row, 2, axis=0), own), aggregate(np.repeat(row, 50, axis=0), own)
    assert many.escalation == pytest.approx(few.escalation)
    assert many.high - many.low == pytest.approx((few.high - few.low) / 5)


def test_de_escalation_is_counted_apart(ladder: Codebook) -> None:
    assert aggregate(certain(6, 0), ladder).escalation == pytest.approx(aggregate(certain(6, 1), ladder).escalation)
