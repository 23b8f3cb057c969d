"""The sentence vectors of a pretrained encoder as features, the encoder itself left as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from escalation.features.remembered import Remembered
from escalation.models import frozen, pretrained

Vectors = NDArray[np.float32]


class SentenceFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """The mean of an encoder's token vectors, of length 1 (Reimers and Gurevych 2019, Sentence-BERT).

    Run by onnxruntime; vectors made in a training are kept in the home folder.

    Parameters
    ----------
    pretrained : str
        See `escalation.models.pretrained`.
    longest : int
        Tokens of a text that are read.
    """

    _parameter_constraints: ClassVar = {"pretrained": [str], "longest": [int]}

    def __init__(self, pretrained: str = "all-MiniLM-L6-v2", longest: int = 128):
        self.pretrained = pretrained
        self.longest = longest

    def fit(self, texts: Sequence[str], y: Any = None) -> "SentenceFeatures":
        """Find the encoder; nothing is learnt.

        Raises
        ------
        ModelError
            It is not to be had, or torch is missing for its first use.
        """
        self.encoder_ = frozen.Frozen(frozen.prepared(pretrained.located(self.pretrained), self.longest))
        self._n_features_out = self.encoder_.width
        self.remembered_: Remembered | None = Remembered(self.encoder_)
        return self

    def transform(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, shape (n, width)."""
        check_is_fitted(self)
        return (self.remembered_ or self.encoder_)(list(texts))

    def save(self, folder: Path) -> None:
        """Write the encoder, for `restore` of a copy read back without it."""
        self.encoder_.save(folder)

    def restore(self, folder: Path) -> None:
        """Take the encoder that `save` wrote."""
        self.encoder_ = frozen.Frozen(folder)
        self.remembered_ = None

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in super().__getstate__().items() if name not in ("encoder_", "remembered_")
        }
