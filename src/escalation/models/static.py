"""A static model: a vector for every word and pair of words and no attention, so thousands of sentences a second on one core."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from escalation.codebook import Codebook
from escalation.models import pretrained
from escalation.models.lazy import torch_network
from escalation.models.multihead import MultiHead
from escalation.models.tokens import HashedWords


class Static(MultiHead):
    """Learn a vector for each word and each run of neighbouring words, and read a text by their weighted mean and their maximum.

    Hashed n-grams after Joulin et al. (2017), Bag of Tricks for Efficient Text Classification; the vectors of words begin as
    what a pretrained encoder says of each word alone (Tulkens and van Dongen 2024, Model2Vec).

    Parameters
    ----------
    codebooks : list of list of Codebook
        As of an `Encoder`, which is the usual teacher.
    pretrained : str
        Encoder that the words begin from; see `escalation.models.pretrained`.
    width, hidden : int
        Numbers a vector, and of the layer between vectors and heads.
    words, runs : int
        Vectors for single words and for runs of words; words of the same hash share one.
    length : int
        Words of the longest run.
    epochs, batch, rate, head_rate, warm_up, dropout, smoothing, ordinal, longest, validation, seed, teacher, hard, progress
        As of an `Encoder`; `rate` is the vectors', `longest` counts words.
    """

    _parameter_constraints: ClassVar = MultiHead._parameter_constraints | {
        **{key: [Interval(Integral, 1, None, closed="left")] for key in ("width", "hidden", "words", "runs", "length")},
    }

    def __init__(
        self,
        codebooks: Sequence[Sequence[Codebook]] = (),
        pretrained: str = "all-MiniLM-L6-v2",
        width: int = 128,
        hidden: int = 256,
        words: int = 2**16,
        runs: int = 2**17,
        length: int = 2,
        epochs: int = 10,
        batch: int = 128,
        rate: float = 2e-3,
        head_rate: float = 2e-3,
        warm_up: float = 0.05,
        dropout: float = 0.2,
        smoothing: float = 0.0,
        ordinal: float = 0.0,
        longest: int = 128,
        validation: float = 0.1,
        seed: int = 1,
        teacher: MultiHead | list[MultiHead] | None = None,
        hard: float = 0.5,
        progress: bool = True,
    ):
        self.codebooks = codebooks
        self.pretrained = pretrained
        self.width = width
        self.hidden = hidden
        self.words = words
        self.runs = runs
        self.length = length
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.head_rate = head_rate
        self.warm_up = warm_up
        self.dropout = dropout
        self.smoothing = smoothing
        self.ordinal = ordinal
        self.longest = longest
        self.validation = validation
        self.seed = seed
        self.teacher = teacher
        self.hard = hard
        self.progress = progress

    def _tokens(self) -> HashedWords:
        return HashedWords(self.words, self.runs, self.length, self.longest)

    def _network(self, sizes: dict[str, int], texts: Sequence[str]) -> Any:
        torch_network()
        from escalation.models.static_network import StaticNetwork

        folder = pretrained.located(self.pretrained)
        return StaticNetwork(folder, self._tokens(), texts, sizes, self.width, self.hidden, self.dropout, self.seed)
