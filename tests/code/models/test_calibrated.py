"""Calibration: honest probabilities in codebook order, groups kept together, labels never seen at 0."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from escalation.errors import ConfigError, CorpusError
from escalation.evaluation.metrics import ece
from escalation.models.calibrated import CalibratedModel
from escalation.models.checked import check_parameters
from escalation.models.weights import top_features


def noisy(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of ten random words; the label follows one of them, one time in five it does not."""
    draw = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        words = draw.integers(0, 300, 10)
        label = ["low", "high"][int(words[0] % 2)] if draw.random() < 0.8 else ["low", "high"][draw.integers(2)]
        texts.append(" ".join(f"w{word}" for word in words) + f" first{words[0] % 2}")
        labels.append(label)
    return texts, labels


def test_columns_follow_the_codebook_and_rows_sum_to_one() -> None:
    texts, labels = noisy(200, 0)
    model = CalibratedModel(make_pipeline(CountVectorizer(), LinearSVC()), ["low", "middle", "high"]).fit(texts, labels)
    probabilities = model.predict_proba(texts)
    assert list(model.classes_) == ["low", "middle", "high"]
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert not probabilities[:, 1].any()
    assert set(model.predict(texts)) == {"low", "high"}
    assert model.predict_proba([]).shape == (0, 3)


def test_an_overconfident_model_is_calibrated() -> None:
    train, test = noisy(600, 1), noisy(600, 2)
    overfitted = make_pipeline(CountVectorizer(), LogisticRegression(C=1000, max_iter=2000))
    truth = np.array([["high", "low"].index(label) for label in test[1]])
    raw = ece(truth, overfitted.fit(*train).predict_proba(test[0]))
    mended = ece(truth, CalibratedModel(overfitted, ["high", "low"]).fit(*train).predict_proba(test[0]))
    assert mended < raw / 2


def test_groups_are_not_split_between_fitting_and_calibrating() -> None:
    """Texts stand ten times and hold a hint right 7 times in 10: with groups known, no new text gets more confidence."""
    draw = np.random.default_rng(0)
    truth = draw.permutation(["high", "low"] * 100).tolist()
    hints = [label if draw.random() < 0.7 else "low" if label == "high" else "high" for label in truth]
    texts = [f"only{i} hint{hint}" for i, hint in enumerate(hints) for _ in range(10)]
    labels = [label for label in truth for _ in range(10)]
    groups = [i for i in range(200) for _ in range(10)]
    model = CalibratedModel(make_pipeline(CountVectorizer(), LogisticRegression(C=10)), ["high", "low"])
    new = [f"new{i} hint{hint}" for i, hint in enumerate(hints)]
    kept = model.fit(texts, labels, groups).predict_proba(new).max(axis=1).mean()
    split = model.fit(texts, labels).predict_proba(new).max(axis=1).mean()
    assert kept < 0.72
    assert split > 0.75


@pytest.mark.parametrize("count", [1, 2, 6, 20])
def test_a_label_in_one_group_alone_does_not_spoil_the_others(count: int) -> None:
    texts, labels = noisy(300, 4)
    model = CalibratedModel(make_pipeline(CountVectorizer(), LogisticRegression()), ["low", "high", "rare"])
    groups = list(range(300))
    plain = model.fit(texts, labels, groups).predict_proba(texts[:50])
    rare = [f"something else {i}" for i in range(count)]
    with_rare = model.fit(texts + rare, labels + ["rare"] * count, groups + [300] * count).predict_proba(texts[:50])
    np.testing.assert_allclose(with_rare, plain, atol=0.1)
    assert not with_rare[:, 2].any()


def test_too_few_rows_say_so() -> None:
    model = CalibratedModel(make_pipeline(CountVectorizer(), LinearSVC()), ["low", "high"])
    with pytest.raises(CorpusError, match="calibration_folds"):
        model.fit(["a b", "c d"], ["low", "high"])
    with pytest.raises(CorpusError, match="two labels"):
        model.fit(["a b"] * 6 + ["c d"], ["low"] * 6 + ["high"])


def test_parameters_are_checked_before_fitting() -> None:
    check_parameters(make_pipeline(CountVectorizer(), LinearSVC()))
    with pytest.raises(ConfigError, match="'C'"):
        check_parameters(make_pipeline(CountVectorizer(), LinearSVC(C="abc")))


def test_top_features_are_the_words_that_decide() -> None:
    texts, labels = noisy(300, 3)
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, labels)
    assert {label: words[0][0] for label, words in top_features(model, 3).items()} == {
        "high": "first1",
        "low": "first0",
    }
    assert top_features(LinearSVC()) == {}
