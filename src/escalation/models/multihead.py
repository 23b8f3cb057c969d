"""What models with a head a codebook share: labels of any level, teachers, early stopping, calibration."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils._param_validation import Interval

from escalation.codebook import Codebook
from escalation.errors import ModelError
from escalation.models import teachers
from escalation.models.heads import Head, softmax
from escalation.models.lazy import torch_network
from escalation.models.tokens import HashedWords, Pieces
from escalation.progress import steps

Array = NDArray[np.float64]
COLDEST, HOTTEST = 0.2, 5.0  # temperatures tried


class MultiHead(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no type hints
    """A network that turns a text into one vector, and on it a linear head for each of several codebooks.

    The rows of some groups are left out of the fitting: they choose the temperature of each head (Guo et al. 2017, On
    Calibration of Modern Neural Networks), and stop the learning when it has not been better, once calibrated, for two
    epochs. Parameters are those of its subclasses.
    """

    _parameter_constraints: ClassVar = {
        "pretrained": [str],
        **{key: [Interval(Integral, 1, None, closed="left")] for key in ("epochs", "batch", "longest")},
        **{key: [Interval(Real, 0, 1, closed="neither")] for key in ("rate", "head_rate")},
        **{key: [Interval(Real, 0, 1, closed="both")] for key in ("warm_up", "hard")},
        **{key: [Interval(Real, 0, 0.5, closed="both")] for key in ("dropout", "smoothing")},
        "ordinal": [Interval(Real, 0, None, closed="left")],
        "validation": [Interval(Real, 0, 0.5, closed="neither")],
    }

    @abstractmethod
    def _tokens(self) -> Pieces | HashedWords:
        """What texts are read as."""

    @abstractmethod
    def _network(self, sizes: dict[str, int], texts: Sequence[str]) -> Any:
        """The network with a head of each size, not trained."""

    def fit(
        self,
        texts: Sequence[str],
        labels: pd.DataFrame,
        groups: Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
        unlabelled: Sequence[str] = (),
    ) -> Self:
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
            The pretrained encoder is not to be had, torch is missing, there is nobody to label the unlabelled, or nobody
            at all teaches a head.
        """
        network = torch_network()
        self.tokens_ = self._tokens()
        truth = [self._targets(labels, chain) for chain in self.codebooks]
        targets, further = self._taught(texts, labels, groups, weights, unlabelled, truth)
        together = np.arange(len(texts)) if groups is None else np.asarray(groups)
        split = GroupShuffleSplit(1, test_size=self.validation, random_state=self.seed)
        kept, left = next(split.split(np.zeros(len(texts)), groups=together))
        tokens = self.tokens_([*texts, *further])
        counts = np.ones(len(tokens))
        counts[: len(texts)] = 1.0 if weights is None else weights
        kept = np.concatenate([kept, np.arange(len(texts), len(tokens))])
        answers = [target[left] for target in truth]
        self.left_ = ([texts[row] for row in left], answers)
        recipe = network.Recipe(
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            head_rate=self.head_rate,
            decay=getattr(self, "decay", 1.0),
            warm_up=self.warm_up,
            smoothing=self.smoothing,
            alone=getattr(self, "alone", 0.0),
            ordinal=tuple(self.ordinal if chain[0].ordinal else 0.0 for chain in self.codebooks),
            seed=self.seed,
        )
        sizes = {chain[0].name: len(chain[0].labels) for chain in self.codebooks}
        self.network_ = self._network(sizes, [*texts, *further])
        batches = self.epochs * -(-len(kept) // self.batch)

        def left_out() -> list[Array]:
            return network.logits(self.network_, [tokens[row] for row in left], self.tokens_.padding)  # type: ignore[no-any-return]

        made_of: dict[str, Any] = {"recipe": asdict(recipe), "kept": kept, "counts": counts}
        made_of |= {"tokens": np.concatenate(tokens), "lengths": np.array([len(one) for one in tokens])}
        made_of |= {f"head {number}": target for number, target in enumerate(targets)}
        made_of |= {f"weights {name}": value for name, value in network.weights(self.network_).items()}
        with steps("fine-tuning", batches, self.progress) as advance:
            self.epoch_ = network.learn(
                self.network_,
                [tokens[row] for row in kept],
                [target[kept] for target in targets],
                counts[kept],
                recipe,
                self.tokens_.padding,
                advance,
                lambda: sum(calibrated_loss(*each, counts[left]) for each in zip(left_out(), answers, strict=True)),
                network.Checkpoint(made_of),
            )
        self.temperatures_ = [temperature(*each, counts[left]) for each in zip(left_out(), answers, strict=True)]
        return self

    def probabilities(self, texts: Sequence[str]) -> dict[str, Array]:
        """Calibrated probabilities by head, shape (n, n_labels) each."""
        found = torch_network().logits(self.network_, self.tokens_(texts), self.tokens_.padding)
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
            for chain, known in zip(self.codebooks, truth, strict=True):
                if not known.any():
                    raise ModelError(
                        f"no row has a label of {chain[0].name}: add a corpus that has, or do without that head"
                    )
            return list(truth), []
        said = teachers.answers(
            self.teacher if isinstance(self.teacher, list) else [self.teacher],
            self.codebooks,
            [*texts, *unlabelled],
            (texts, labels, groups, weights),
        )
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


def calibrated_loss(logits: Array, targets: Array, weights: Array) -> float:
    """Mean negative log-likelihood at the best temperature: of two epochs that which is right more often, however sure it is."""
    return _nll(logits / temperature(logits, targets, weights), targets, weights)


def _nll(logits: Array, targets: Array, weights: Array) -> float:
    """Mean negative log-likelihood of the rows with an exact label."""
    counts = weights * (targets.sum(1) == 1)
    surprise = -(targets * log_softmax(logits, axis=1)).sum(1)
    return float((surprise * counts).sum() / max(1e-12, counts.sum()))
