"""A pretrained sentence encoder, all its weights fine-tuned."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from escalation.codebook import Codebook
from escalation.models import pretrained
from escalation.models.lazy import torch_network
from escalation.models.multihead import MultiHead
from escalation.models.tokens import Pieces


class Encoder(MultiHead):
    """Fine-tune every weight of a pretrained encoder, with a linear head over the mean of its token vectors a codebook.

    Parameters
    ----------
    codebooks : list of list of Codebook
        A head each: its own codebook, then those above it, whose labels teach the sum of the labels below.
    pretrained : str
        See `escalation.models.pretrained`.
    epochs, batch : int
    rate, head_rate : float
        Learning rates of the encoder's last layer and of the heads.
    decay : float
        What the rate of each layer is multiplied with on the way down.
    frozen : int
        Layers from the bottom, the embeddings below them included, that stay as they are; 0: none.
    warm_up : float
        Share of the steps in which the rates rise.
    dropout, smoothing : float
        Of the sentence vector; share of a row's probability spread over all labels.
    ordinal : float
        How much the squared distance between the running sums of the probabilities wanted and given counts beside the
        cross-entropy, where the codebook is a scale (Hou et al. 2016, Squared Earth Mover's Distance-based Loss).
    longest : int
        Tokens of a text that are read.
    context : int
        Tokens of each of its two neighbours that are read, where they are known; 0: none.
    alone : float
        How often a text is learnt without its neighbours, so that it is not judged by these.
    validation : float
        Share of the groups left out of the fitting.
    seed : int
    teacher : MultiHead or list of MultiHead, optional
        Fitted first, on the same rows, unless it is fitted; this one then learns what they say of every text, those
        without any label included (Hinton et al. 2015, Distilling the Knowledge in a Neural Network).
    hard : float
        How much of a labelled row's target is its own label where there is a teacher.
    progress : bool
        Whether to show a bar on standard error when that is a terminal.
    """

    _parameter_constraints: ClassVar = MultiHead._parameter_constraints | {
        **{key: [Interval(Real, 0, 1, closed="both")] for key in ("decay", "alone")},
        **{key: [Interval(Integral, 0, None, closed="left")] for key in ("frozen", "context")},
    }

    def __init__(
        self,
        codebooks: Sequence[Sequence[Codebook]] = (),
        pretrained: str = "all-MiniLM-L6-v2",
        epochs: int = 3,
        batch: int = 32,
        rate: float = 1e-4,
        head_rate: float = 1e-3,
        decay: float = 1.0,
        frozen: int = 0,
        warm_up: float = 0.1,
        dropout: float = 0.1,
        smoothing: float = 0.05,
        ordinal: float = 0.0,
        longest: int = 128,
        context: int = 0,
        alone: float = 0.0,
        validation: float = 0.1,
        seed: int = 1,
        teacher: MultiHead | list[MultiHead] | None = None,
        hard: float = 0.5,
        progress: bool = True,
    ):
        self.codebooks = codebooks
        self.pretrained = pretrained
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.head_rate = head_rate
        self.decay = decay
        self.frozen = frozen
        self.warm_up = warm_up
        self.dropout = dropout
        self.smoothing = smoothing
        self.ordinal = ordinal
        self.longest = longest
        self.context = context
        self.alone = alone
        self.validation = validation
        self.seed = seed
        self.teacher = teacher
        self.hard = hard
        self.progress = progress

    def _tokens(self) -> Pieces:
        return Pieces(pretrained.located(self.pretrained), self.longest, self.context)

    def _network(self, sizes: dict[str, int], texts: Sequence[str]) -> Any:  # it knows its words already
        folder = pretrained.located(self.pretrained)
        return torch_network().Network(folder, sizes, self.dropout, self.seed, self.frozen)
