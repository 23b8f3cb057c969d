"""The mean of vectors of single words as features: made from a pretrained encoder once, without it afterwards."""

from collections import Counter
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from escalation.models import pretrained
from escalation.models.lazy import torch_network
from escalation.models.tokens import HashedWords

Vectors = NDArray[np.float32]


class StaticFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """What an encoder says of each word alone, by main components, averaged over a text with rare words counting more.

    After Tulkens and van Dongen (2024), Model2Vec; the weights are those of Arora et al. (2017), A Simple but
    Tough-to-Beat Baseline for Sentence Embeddings. Words are looked up by the hash of their spelling.

    Parameters
    ----------
    pretrained : str
        See `escalation.models.pretrained`; needed for fitting alone.
    width : int
        Numbers a vector.
    words : int
        How many vectors; words of the same hash share one.
    smoothing : float
        A word of this frequency counts half.
    longest : int
        Words of a text that are read.
    """

    _parameter_constraints: ClassVar = {
        "pretrained": [str],
        **{key: [Interval(Integral, 1, None, closed="left")] for key in ("width", "words", "longest")},
        "smoothing": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        pretrained: str = "all-MiniLM-L6-v2",
        width: int = 256,
        words: int = 2**16,
        smoothing: float = 1e-3,
        longest: int = 128,
    ):
        self.pretrained = pretrained
        self.width = width
        self.words = words
        self.smoothing = smoothing
        self.longest = longest

    def fit(self, texts: Sequence[str], y: Any = None) -> "StaticFeatures":
        """Make the vectors of the words of the texts and of those that the encoder's tokenizer knows.

        Raises
        ------
        ModelError
            The encoder is not to be had, or torch is missing.
        """
        torch_network()
        from escalation.models.static_network import beginnings

        tokens = self._tokens()
        begin = beginnings(pretrained.located(self.pretrained), tokens, texts, self.width)
        seen = Counter(number for numbers in tokens(texts) for number in numbers.tolist())
        table = np.zeros((tokens.size, self.width), dtype=np.float16)
        for number, vector in begin.items():
            table[number] = vector * self.smoothing / (self.smoothing + seen[number] / max(1, seen.total()))
        self.table_ = table
        self._n_features_out = self.width
        return self

    def transform(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, shape (n, width); zeros for a text of which no word is known."""
        check_is_fitted(self)
        means = [self.table_[numbers].mean(axis=0, dtype=np.float32) for numbers in self._tokens()(list(texts))]
        found = np.array(means, dtype=np.float32).reshape(-1, self.width)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: Vectors = found / np.maximum(lengths, 1e-12)
        return scaled

    def _tokens(self) -> HashedWords:
        return HashedWords(self.words, 1, 1, self.longest)
