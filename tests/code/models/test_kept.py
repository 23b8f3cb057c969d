"""Features kept between fits change no answer, and are not made again."""

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from escalation.models.calibrated import CalibratedModel
from escalation.models.kept import Kept

TEXTS = [f"Troops fired at town {i}." for i in range(10)] + [f"The choir sang song {i}." for i in range(10)]
LABELS = ["fired"] * 10 + ["sang"] * 10


def model(kept: Kept | None, c: float = 1.0, most: int = 1) -> CalibratedModel:
    steps = [("features", TfidfVectorizer(ngram_range=(1, most))), ("classifier", LinearSVC(C=c, random_state=1))]
    return CalibratedModel(Pipeline(steps, memory=kept), ["fired", "sang"], folds=2)


def test_same_answers_and_no_feature_twice() -> None:
    kept = Kept()
    for c in (1.0, 0.1):
        plain, remembering = (clone(model(one, c)).fit(TEXTS, LABELS) for one in (None, kept))
        assert np.array_equal(plain.predict_proba(TEXTS), remembering.predict_proba(TEXTS))
        assert len(kept.found) == 3  # two folds and the whole, whatever the classifier
        assert remembering.fitted_estimator.memory is None
    clone(model(kept, most=2)).fit(TEXTS, LABELS)
    assert len(kept.found) == 6


def test_what_was_not_asked_for_the_longest_goes() -> None:
    kept = Kept(most=1)
    clone(model(kept)).fit(TEXTS, LABELS)
    assert len(kept.found) == 0
