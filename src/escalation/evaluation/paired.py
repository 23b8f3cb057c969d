"""Two models on the same rows: the difference of their figures with an interval, and the rows that they answer differently."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.errors import ConfigError, CorpusError
from escalation.evaluation.metrics import RESAMPLED, Array, Evaluation, draws, evaluate, figures_of, positions

FEWEST = 10  # groups: resampling fewer says too little of what other documents would give
LOWER_IS_BETTER = ("mae", "off_by_two", "ece", "log_loss", "brier")


@dataclass(frozen=True)
class Difference:
    """One figure of both models.

    Parameters
    ----------
    first, second, difference : float
        `difference` is second minus first.
    low, high : float or None
        95 % percentile interval of the difference, of resampled groups; None where a figure is not resampled, or of
        fewer than ten groups.
    """

    first: float
    second: float
    difference: float
    low: float | None = None
    high: float | None = None

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Paired:
    """Two models compared on the same rows.

    Parameters
    ----------
    n, groups : int
        Rows, and groups that were resampled.
    first, second : Evaluation
    differences : dict of figure to Difference
    mcnemar : dict
        `only_first` and `only_second` (rows that this model alone answers rightly) and `p` of the exact test.
    distances : list of [rows of the first, rows of the second]
        How many rows are off by 0, 1, 2 … rungs; empty for codebooks that are no scale.
    """

    n: int
    groups: int
    first: Evaluation
    second: Evaluation
    differences: dict[str, Difference]
    mcnemar: dict[str, Any]
    distances: list[list[int]]


def compare(
    y: Sequence[str],
    first: Array,
    second: Array,
    codebook: Codebook,
    groups: Sequence[Any] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Paired:
    """Compare two models' probabilities of the same rows.

    Both models are measured on each bootstrap draw, so what is easy or hard about a draw drops out of the difference.

    Parameters
    ----------
    y : sequence of n label names or codes
    first, second : array of shape (n, n_labels)
        Rows sum to 1, columns in codebook order.
    groups : sequence of n, optional
        Rows of one group are resampled together; a row without one stands alone.
    resamples : int
        At least 100.

    Raises
    ------
    CorpusError
        There are no rows, or the shapes do not fit.
    ConfigError
        Too few resamples.
    """
    if resamples < 100:
        raise ConfigError(f"resamples is {resamples}: it must be at least 100")
    if np.shape(first) != np.shape(second):
        raise CorpusError(f"probabilities of shapes {np.shape(first)} and {np.shape(second)} are not of the same rows")
    one, two = (evaluate(y, table, codebook, resamples=0) for table in (first, second))
    truth = positions(y, codebook)
    answers = np.asarray(first).argmax(axis=1), np.asarray(second).argmax(axis=1)
    count = len(truth) if groups is None else _count(groups)
    enough = count >= FEWEST
    intervals = _intervals(truth, answers[0], answers[1], groups, codebook, resamples, seed) if enough else {}
    differences = {}
    for name in one.scalars:
        if name not in ("majority", "balanced_accuracy"):
            a, b = one.scalars[name], two.scalars[name]
            differences[name] = Difference(a, b, b - a, *intervals.get(name, ()))
    return Paired(
        n=len(truth),
        groups=count,
        first=one,
        second=two,
        differences=differences,
        mcnemar=mcnemar(answers[0] == truth, answers[1] == truth),
        distances=distances(truth, answers, len(codebook.labels)) if codebook.ordinal else [],
    )


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's exact test of whether two models are right equally often: two-sided, binomial over the rows they differ in.

    McNemar 1947, Note on the sampling error of the difference between correlated proportions. It takes rows as
    independent; where they come in groups, the interval of the accuracy is the safer guide.

    Parameters
    ----------
    first, second : array of bool, shape (n,)
        Which rows each answers rightly.

    Examples
    --------
    >>> mcnemar(np.array([True, True, False, False]), np.array([True, False, False, False]))
    {'only_first': 1, 'only_second': 0, 'p': 1.0}
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    differ = only_first + only_second
    p = float(binomtest(only_first, differ, 0.5).pvalue) if differ else 1.0
    return {"only_first": only_first, "only_second": only_second, "p": p}


def distances(
    truth: NDArray[np.int_], answers: tuple[NDArray[np.int_], NDArray[np.int_]], size: int
) -> list[list[int]]:
    """Rows that each model answers 0, 1, 2 … rungs off: `size` pairs, without the empty ones at the end."""
    counts = np.array([np.bincount(np.abs(one - truth), minlength=size) for one in answers])
    last = int(np.flatnonzero(counts.sum(axis=0)).max())
    table: list[list[int]] = counts[:, : last + 1].T.tolist()
    return table


def _intervals(
    truth: NDArray[np.int_],
    first: NDArray[np.int_],
    second: NDArray[np.int_],
    groups: Sequence[Any] | None,
    codebook: Codebook,
    resamples: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of second minus first: a draw is the table truth by first by second of the groups drawn."""
    size, parts = len(codebook.labels), []
    for counts in draws((truth * size + first) * size + second, groups, size**3, resamples, seed):
        joint = counts.reshape(-1, size, size, size)
        one, two = (figures_of(joint.sum(axis=axis), codebook.ordinal) for axis in (3, 2))
        parts.append({name: two[name] - one[name] for name in RESAMPLED if name in one})
    found = {}
    for name in parts[0]:
        low, high = np.percentile(np.concatenate([part[name] for part in parts]), [2.5, 97.5])
        found[name] = (float(low), float(high))
    return found


def _count(groups: Sequence[Any]) -> int:
    """How many groups there are; a row without one is a group."""
    named = [group for group in groups if group not in ("", None)]
    return len(set(named)) + len(groups) - len(named)
