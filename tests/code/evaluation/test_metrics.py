"""Figures against scikit-learn's, intervals against what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score, log_loss

from escalation import project
from escalation.codebook import Codebook
from escalation.errors import CorpusError
from escalation.evaluation import metrics

LADDER = Codebook.load("ladder", project.codebooks())
ROOT = Codebook.load("root", project.codebooks())


def sample(codebook: Codebook, n: int, seed: int, sharpness: float = 2.0):
    draw = np.random.default_rng(seed)
    size = len(codebook.labels)
    truth = draw.integers(0, size, n)
    logits = draw.normal(size=(n, size))
    logits[np.arange(n), truth] += sharpness
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, [codebook.names[code] for code in truth], probabilities


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 200), ordinal=st.booleans())
def test_figures_are_scikit_learns(seed: int, n: int, ordinal: bool) -> None:
    codebook = LADDER if ordinal else ROOT
    truth, y, probabilities = sample(codebook, n, seed)
    predicted = probabilities.argmax(axis=1)
    found = metrics.evaluate(y, probabilities, codebook, resamples=0).scalars
    assert found["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0))
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert found["log_loss"] == pytest.approx(log_loss(truth, probabilities, labels=range(len(codebook.labels))))
    if len(set(truth) | set(predicted)) > 1 and set(predicted) <= set(truth):
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, predicted))
    if ordinal and len(set(truth) | set(predicted)) > 1:
        labels = list(range(len(codebook.labels)))
        assert found["qwk"] == pytest.approx(cohen_kappa_score(truth, predicted, weights="quadratic", labels=labels))
        assert found["mae"] == pytest.approx(np.abs(truth - predicted).mean())
        assert found["off_by_two"] == pytest.approx((np.abs(truth - predicted) >= 2).mean())


def test_interval_holds_the_figure_and_narrows_with_rows() -> None:
    widths = []
    for n in (100, 2000):
        _, y, probabilities = sample(LADDER, n, seed=3)
        found = metrics.evaluate(y, probabilities, LADDER)
        low, high = found.intervals["qwk"]
        assert low < found.scalars["qwk"] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_interval_covers_the_true_figure_about_as_often_as_it_says() -> None:
    """A classifier right with probability 0.7: 95 % of intervals of accuracy should hold 0.7."""
    draw, hits = np.random.default_rng(0), 0
    for seed in range(200):
        right = draw.random(150) < 0.7
        truth = draw.integers(0, 3, 150)
        predicted = np.where(right, truth, (truth + 1) % 3)
        probabilities = np.zeros((150, len(LADDER.labels)))
        probabilities[np.arange(150), predicted] = 1
        found = metrics.evaluate(
            [LADDER.names[code] for code in truth], probabilities, LADDER, resamples=300, seed=seed
        )
        low, high = found.intervals["accuracy"]
        hits += low <= 0.7 <= high
    assert 0.9 <= hits / 200 <= 0.99


def test_rows_of_a_group_are_drawn_together() -> None:
    """The same rows ten times over are no more evidence: the interval stays as wide when the copies share groups."""
    _, y, probabilities = sample(LADDER, 80, seed=5)
    alone = metrics.evaluate(y, probabilities, LADDER).intervals["accuracy"]
    copied = metrics.evaluate(y * 10, np.tile(probabilities, (10, 1)), LADDER, groups=list(range(80)) * 10).intervals[
        "accuracy"
    ]
    naive = metrics.evaluate(y * 10, np.tile(probabilities, (10, 1)), LADDER).intervals["accuracy"]
    assert copied == pytest.approx(alone)
    assert naive[1] - naive[0] < (copied[1] - copied[0]) / 2


def test_same_seed_same_interval() -> None:
    _, y, probabilities = sample(LADDER, 90, seed=1)
    assert metrics.evaluate(y, probabilities, LADDER, seed=4) == metrics.evaluate(y, probabilities, LADDER, seed=4)


def test_restrict_chooses_among_the_labels_that_occur() -> None:
    probabilities = np.zeros((2, len(ROOT.labels)))
    probabilities[:, ROOT.index("NEUTRAL")] = 0.8
    probabilities[0, ROOT.index("AID")] = 0.2
    probabilities[1, ROOT.index("ASSAULT")] = 0.2
    y = ["AID", "ASSAULT"]
    assert metrics.evaluate(y, probabilities, ROOT, resamples=0).scalars["accuracy"] == 0
    found = metrics.evaluate(y, probabilities, ROOT, resamples=0, restrict=True)
    assert found.scalars["accuracy"] == 1
    assert found.scalars["log_loss"] == pytest.approx(0)


def test_restrict_of_a_row_without_any_chance_stays_finite() -> None:
    probabilities = np.zeros((2, len(ROOT.labels)))
    probabilities[:, ROOT.index("NEUTRAL")] = 1.0
    found = metrics.evaluate(["AID", "ASSAULT"], probabilities, ROOT, resamples=0, restrict=True)
    assert np.isfinite(list(found.scalars.values())).all()


def test_calibration_error_of_the_honest_and_of_the_boastful() -> None:
    draw = np.random.default_rng(2)
    confidence = draw.uniform(0.5, 1, 20_000)
    truth = (draw.random(20_000) > confidence).astype(int)
    honest = np.column_stack([confidence, 1 - confidence])
    assert metrics.ece(truth, honest) < 0.02
    assert metrics.ece(truth, np.tile([1.0, 0.0], (20_000, 1))) == pytest.approx(0.25, abs=0.02)


def test_edges() -> None:
    with pytest.raises(CorpusError, match="no rows"):
        metrics.evaluate([], np.zeros((0, 7)), LADDER)
    with pytest.raises(CorpusError, match=r"shape \(1, 7\)"):
        metrics.evaluate(["none"], np.ones((1, 3)), LADDER)
    one = metrics.evaluate(["none"] * 3, np.eye(7)[[1, 1, 1]], LADDER)
    assert one.scalars["qwk"] == 1
    assert list(one.per_class) == ["none"]
    assert np.isfinite(list(metrics.flat(one).values())).all()


def test_flat_names_are_what_mlflow_takes() -> None:
    _, y, probabilities = sample(LADDER, 60, seed=8)
    names = metrics.flat(metrics.evaluate(y, probabilities, LADDER), "heldout.")
    assert {"heldout.qwk", "heldout.qwk.low", "heldout.f1.use_of_force", "heldout.majority"} <= set(names)
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ ") for name in names
    )
