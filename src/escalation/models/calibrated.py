"""Any scikit-learn text classifier as a model of a codebook: calibrated, its columns in codebook order."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold

from escalation.errors import CorpusError


class CalibratedModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Fit on all rows, calibrate on predictions for rows that the predicting model was not fitted on.

    Out-of-fold decisions of `folds` group-aware folds fit the calibrator (`CalibratedClassifierCV`, ``ensemble=False``);
    the estimator is then fitted on all rows.

    Parameters
    ----------
    estimator : classifier over a sequence of strings
    labels : list of str
        All labels of the codebook in order; those without training rows in two folds get probability 0.
    method : {"temperature", "sigmoid", "isotonic"}
        Temperature (Guo et al. 2017, On Calibration of Modern Neural Networks) keeps every row's ranking of labels.
    folds, seed : int
    """

    def __init__(self, estimator: Any, labels: list[str], method: str = "temperature", folds: int = 5, seed: int = 1):
        self.estimator = estimator
        self.labels = labels
        self.method = method
        self.folds = folds
        self.seed = seed

    def fit(self, texts: Sequence[str], y: Sequence[str], groups: Sequence[str] | None = None) -> "CalibratedModel":
        """Learn from `n` texts and their label names; rows of one group stay in one fold."""
        rows, truth = np.asarray(texts, dtype=object), np.asarray(y, dtype=object).astype(str)
        folds = StratifiedGroupKFold(self.folds, shuffle=True, random_state=self.seed)
        fold = np.zeros(len(rows), dtype=int)
        together = np.arange(len(rows)) if groups is None else groups
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*least populated class.*"
            )  # what follows from it is dealt with below
            try:
                for number, (_, left_out) in enumerate(folds.split(rows, truth, together)):
                    fold[left_out] = number
            except ValueError as error:
                raise CorpusError(
                    f"too few rows to calibrate in {self.folds} folds: add rows or lower calibration_folds"
                ) from error
        # a label that lies in one fold alone has no decision by a model that knows it, and would spoil all the others
        spread = [name for name in np.unique(truth) if len(np.unique(fold[truth == name])) > 1]
        if len(spread) < 2:
            raise CorpusError("fewer than two labels have rows in two folds: add rows, or groups, of more labels")
        kept = np.isin(truth, spread)
        rows, truth, fold = rows[kept], truth[kept], fold[kept]
        parts = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in np.unique(fold)]
        calibrated = CalibratedClassifierCV(self.estimator, method=self.method, cv=parts, ensemble=False)
        calibrated.fit(rows, truth)
        calibrated.cv = None  # row numbers of the corpus are no part of the model
        for one in (self.estimator, calibrated.calibrated_classifiers_[0].estimator):
            if hasattr(one, "memory"):
                one.memory = None  # nor is what a sweep keeps for its next child
        self.calibrated_ = calibrated
        self.classes_ = np.array(self.labels)
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, n_labels), columns in codebook order, rows summing to 1."""
        if len(texts) == 0:
            return np.zeros((0, len(self.labels)))
        known = self.calibrated_.predict_proba(np.asarray(texts, dtype=object))
        probabilities = np.zeros((len(texts), len(self.labels)))
        probabilities[:, [self.labels.index(name) for name in self.calibrated_.classes_]] = known
        return probabilities

    def predict(self, texts: Sequence[str]) -> NDArray[np.str_]:
        """The likeliest label name of each text."""
        names: NDArray[np.str_] = self.classes_[self.predict_proba(texts).argmax(axis=1)]
        return names

    @property
    def fitted_estimator(self) -> Any:
        """The estimator fitted on all rows, before calibration."""
        return self.calibrated_.calibrated_classifiers_[0].estimator
