"""What a fine-tuned encoder and its exported form share. Imports little: scoring waits for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Head:
    """One codebook's answer of a model with several: a classifier over texts like any other.

    Parameters
    ----------
    model : object with ``probabilities(texts) -> dict of name to array``
    name : str
    labels : list of str
        In codebook order.
    """

    def __init__(self, model: Any, name: str, labels: Sequence[str]):
        self.model = model
        self.name = name
        self.classes_ = np.array(labels)

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Calibrated probabilities, shape (n, n_labels), columns in codebook order."""
        return self.model.probabilities(texts)[self.name]  # type: ignore[no-any-return]

    def predict(self, texts: Sequence[str]) -> NDArray[np.str_]:
        """The likeliest label name of each text."""
        names: NDArray[np.str_] = self.classes_[self.predict_proba(texts).argmax(axis=1)]
        return names


def softmax(logits: Array) -> Array:
    """Probabilities, shape (n, n_labels). Scipy's own would be a quarter of a second of imports.

    Examples
    --------
    >>> softmax(np.log([[1.0, 3.0]])).round(2)
    array([[0.25, 0.75]])
    """
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares
