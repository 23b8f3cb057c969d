"""A pretrained sentence encoder fine-tuned as a classifier of several codebooks at once."""

from collections.abc import Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils._param_validation import Interval

from escalation import files
from escalation.codebook import Codebook
from escalation.errors import ModelError
from escalation.models import pretrained
from escalation.models.heads import Head, pad_token, softmax, tokenizer
from escalation.progress import steps

Array = NDArray[np.float64]
COLDEST, HOTTEST = 0.2, 5.0  # temperatures tried
INSTALL = "make .venv/encoder, or pip install -e '.[encoder]'"


class Encoder(BaseEstimator):  # type: ignore[misc]
    """Fine-tune every weight of a pretrained encoder, with a linear head over the mean of its token vectors a codebook.

    The rows of some groups are left out of the fitting: they choose the epoch that is kept and the temperature of each
    head (Guo et al. 2017, On Calibration of Modern Neural Networks).

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
    warm_up : float
        Share of the steps in which the rates rise.
    dropout, smoothing : float
        Of the sentence vector; share of a row's probability spread over all labels.
    longest : int
        Tokens of a text that are read.
    validation : float
        Share of the groups left out of the fitting.
    seed : int
    teacher : Encoder, optional
        Fitted first, on the same rows; this one then learns what it says of every text (Hinton et al. 2015, Distilling the
        Knowledge in a Neural Network), those without any label included.
    hard : float
        How much of a labelled row's target is its own label where there is a teacher.
    progress : bool
        Whether to show a bar on standard error when that is a terminal.
    """

    _parameter_constraints: ClassVar = {
        "pretrained": [str],
        **{key: [Interval(Integral, 1, None, closed="left")] for key in ("epochs", "batch", "longest")},
        **{key: [Interval(Real, 0, 1, closed="neither")] for key in ("rate", "head_rate")},
        **{key: [Interval(Real, 0, 1, closed="both")] for key in ("decay", "warm_up", "hard")},
        **{key: [Interval(Real, 0, 0.5, closed="both")] for key in ("dropout", "smoothing")},
        "validation": [Interval(Real, 0, 0.5, closed="neither")],
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
        warm_up: float = 0.1,
        dropout: float = 0.1,
        smoothing: float = 0.05,
        longest: int = 128,
        validation: float = 0.1,
        seed: int = 1,
        teacher: "Encoder | None" = None,
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
        self.warm_up = warm_up
        self.dropout = dropout
        self.smoothing = smoothing
        self.longest = longest
        self.validation = validation
        self.seed = seed
        self.teacher = teacher
        self.hard = hard
        self.progress = progress

    def fit(
        self,
        texts: Sequence[str],
        labels: pd.DataFrame,
        groups: Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
        unlabelled: Sequence[str] = (),
    ) -> "Encoder":
        """Learn from `n` texts.

        Parameters
        ----------
        labels : DataFrame, n rows
            A column a codebook, of a head or above one: label names, '' where a row has none. A row teaches the heads
            whose labels it has.
        groups : list of str, optional
            Rows of one group are left out together.
        weights : list of float, optional
            How much each row counts.
        unlabelled : list of str
            Further texts, for which the teacher gives the answers.

        Raises
        ------
        ModelError
            The pretrained encoder is not to be had, torch is missing, or there is nobody to label the unlabelled.
        """
        network = _torch()
        recipe = network.Recipe(
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            head_rate=self.head_rate,
            decay=self.decay,
            warm_up=self.warm_up,
            smoothing=self.smoothing,
            seed=self.seed,
        )
        folder = pretrained.located(self.pretrained)
        self.tokenizer_ = tokenizer(folder, self.longest)
        self.padding_ = int(self.tokenizer_.token_to_id(pad_token(self.tokenizer_)))
        truth = [self._targets(labels, chain) for chain in self.codebooks]
        targets, further = self._taught(texts, labels, groups, weights, unlabelled, truth)
        together = np.arange(len(texts)) if groups is None else np.asarray(groups)
        split = GroupShuffleSplit(1, test_size=self.validation, random_state=self.seed)
        kept, left = next(split.split(np.zeros(len(texts)), groups=together))
        tokens = self._tokens([*texts, *further])
        counts = np.ones(len(tokens))
        counts[: len(texts)] = 1.0 if weights is None else weights
        sizes = {chain[0].name: len(chain[0].labels) for chain in self.codebooks}
        self.network_ = network.Network(folder, sizes, self.dropout, self.seed)
        kept = np.concatenate([kept, np.arange(len(texts), len(tokens))])
        batches = self.epochs * -(-len(kept) // self.batch)
        answers = [target[left] for target in truth]

        def left_out() -> list[Array]:
            return network.logits(self.network_, [tokens[row] for row in left], self.padding_)  # type: ignore[no-any-return]

        made_of: dict[str, Any] = {
            "recipe": asdict(recipe),
            "weights": files.sha256(folder / pretrained.WEIGHTS),
            "kept": kept,
        }
        made_of |= {"tokens": tokens, "counts": counts, **{f"head {n}": target for n, target in enumerate(targets)}}
        with steps("fine-tuning", batches, self.progress) as advance:
            self.epoch_ = network.learn(
                self.network_,
                [tokens[row] for row in kept],
                [target[kept] for target in targets],
                counts[kept],
                recipe,
                self.padding_,
                advance,
                lambda: sum(_nll(*each, counts[left]) for each in zip(left_out(), answers, strict=True)),
                network.Checkpoint(made_of),
            )
        self.temperatures_ = [temperature(*each, counts[left]) for each in zip(left_out(), answers, strict=True)]
        return self

    def probabilities(self, texts: Sequence[str]) -> dict[str, Array]:
        """Calibrated probabilities by head, shape (n, n_labels) each."""
        found = _torch().logits(self.network_, self._tokens(texts), self.padding_)
        return {
            chain[0].name: softmax(one / heat)
            for chain, one, heat in zip(self.codebooks, found, self.temperatures_, strict=True)
        }

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """What the first head says, shape (n, n_labels), columns in codebook order."""
        return self.probabilities(texts)[self.codebooks[0][0].name]

    def head(self, name: str) -> Head:
        """The classifier of one codebook.

        Raises
        ------
        ModelError
            There is no such head; the message lists those that there are.
        """
        known = {chain[0].name: chain[0].names for chain in self.codebooks}
        if name not in known:
            raise ModelError(f"this model has no head for codebook {name!r}: it has {', '.join(known)}")
        return Head(self, name, known[name])

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [one.ids for one in self.tokenizer_.encode_batch(list(texts))]

    def _taught(
        self,
        texts: Sequence[str],
        labels: pd.DataFrame,
        groups: Sequence[str] | None,
        weights: Sequence[float] | None,
        unlabelled: Sequence[str],
        truth: Sequence[Array],
    ) -> tuple[list[Array], list[str]]:
        """Targets by head, and the texts beyond the labelled ones that they go on with."""
        if self.teacher is None:
            if len(unlabelled):
                raise ModelError("unlabelled texts need a teacher: choose model=distilled, or leave them out")
            return list(truth), []
        self.teacher_ = clone(self.teacher).set_params(codebooks=self.codebooks)
        self.teacher_.fit(texts, labels, groups, weights)
        said = self.teacher_.probabilities([*texts, *unlabelled])
        return [
            blended(known, said[chain[0].name], self.hard) for chain, known in zip(self.codebooks, truth, strict=True)
        ], list(unlabelled)

    def _targets(self, labels: pd.DataFrame, chain: Sequence[Codebook]) -> Array:
        """What each row says of the labels of a head, shape (n, n_labels), from the lowest codebook that it has a label of."""
        own = chain[0]
        targets = np.zeros((len(labels), len(own.labels)))
        under = np.eye(len(own.labels))
        for below, book in zip([None, *chain], chain, strict=False):
            if below is not None:
                under = below.rolled_up(under, book)
            if book.name in labels:
                column = labels[book.name].to_numpy()
                for row in np.flatnonzero((column != "") & (targets.sum(1) == 0)):
                    targets[row] = under[:, book.index(column[row])]
        return targets


def blended(known: Array, said: Array, hard: float) -> Array:
    """Targets from labels and a teacher's probabilities; rows beyond the labelled ones are the teacher's alone.

    Parameters
    ----------
    known : array, shape (n, n_labels)
        One label, several (the label is among them) or none a row.
    said : array, shape (n or more, n_labels)
    hard : float

    Examples
    --------
    >>> blended(np.array([[1., 0, 0], [0, 1, 1], [0, 0, 0]]), np.array([[.5, .3, .2]] * 4), 0.5).round(2)
    array([[0.75, 0.15, 0.1 ],
           [0.  , 0.6 , 0.4 ],
           [0.5 , 0.3 , 0.2 ],
           [0.5 , 0.3 , 0.2 ]])
    """
    blend = said.copy()
    several = known.sum(1) > 1
    exact = known.sum(1) == 1
    labelled = blend[: len(known)]
    within = said[: len(known)] * known + 1e-12 * known
    labelled[several] = (within / np.maximum(within.sum(1, keepdims=True), 1e-12))[several]
    labelled[exact] = (hard * known + (1 - hard) * said[: len(known)])[exact]
    return blend


def temperature(logits: Array, targets: Array, weights: Array) -> float:
    """What the logits are divided by so that the rows with an exact label are least surprising; 1 without such rows."""
    exact = targets.sum(1) == 1
    if not exact.any():
        return 1.0
    found = minimize_scalar(
        lambda log: _nll(logits / np.exp(log), targets, weights),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def _nll(logits: Array, targets: Array, weights: Array) -> float:
    """Mean negative log-likelihood of the rows with an exact label."""
    counts = weights * (targets.sum(1) == 1)
    surprise = -(targets * log_softmax(logits, axis=1)).sum(1)
    return float((surprise * counts).sum() / max(1e-12, counts.sum()))


def _torch() -> Any:
    try:
        from escalation.models import network
    except ImportError as error:
        raise ModelError(
            f"an encoder is trained with torch and transformers, and {error.name} is missing: {INSTALL}"
        ) from error
    return network
