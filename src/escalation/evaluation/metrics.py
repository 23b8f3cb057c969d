"""Figures of one set of predictions: ordinal agreement, F1, calibration, each headline with a bootstrap interval."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from escalation.codebook import Codebook
from escalation.errors import CorpusError

Array = NDArray[np.float64]
BINS = 15
RESAMPLED = ("qwk", "mae", "off_by_two", "macro_f1", "accuracy")


@dataclass(frozen=True)
class Evaluation:
    """Figures under one codebook.

    Parameters
    ----------
    n : int
        Rows.
    labels : list of str
        In codebook order: the rows (truth) and columns (prediction) of `confusion`.
    scalars : dict of str to float
        For ordinal codebooks `qwk` (quadratic weighted kappa), `mae` (mean absolute error in rungs) and `off_by_two`
        (share of rows off by two rungs or more); for all `macro_f1`, `accuracy`, `balanced_accuracy`, `log_loss` (nats),
        `brier` (0 … 2), `ece`, and `majority`, the headline figure of always answering the commonest label.
    intervals : dict of str to [low, high]
        95 % percentile bootstrap intervals over groups; empty when no resamples were asked for.
    per_class : dict of label to {precision, recall, f1, support, predicted}
        Labels that neither occur nor are predicted are left out.
    confusion : list of list of int
    """

    n: int
    labels: list[str]
    scalars: dict[str, float]
    intervals: dict[str, list[float]]
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]


def headline(codebook: Codebook) -> str:
    """The metric that decides between models: `qwk` on a scale, `macro_f1` elsewhere."""
    return "qwk" if codebook.ordinal else "macro_f1"


def evaluate(
    y: Sequence[str],
    probabilities: Array,
    codebook: Codebook,
    groups: Sequence[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    restrict: bool = False,
) -> Evaluation:
    """Compare true labels with probabilities; the predicted label is the likeliest.

    Parameters
    ----------
    y : sequence of n label names
    probabilities : array of shape (n, n_labels)
        Rows sum to 1, columns in codebook order.
    groups : sequence of n, optional
        Rows of one group (document, scenario) are resampled together; default: each row alone.
    resamples : int
        Bootstrap resamples; 0 for no intervals.
    restrict : bool
        Choose only among the labels that occur in `y`, their probabilities scaled to sum to 1, as published figures on
        files without neutral rows do.

    Raises
    ------
    CorpusError
        There are no rows, or the shapes do not fit.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if len(y) == 0:
        raise CorpusError("there are no rows to evaluate: give a file with labelled rows")
    if probabilities.shape != (len(y), len(codebook.labels)):
        raise CorpusError(
            f"{len(y)} rows need probabilities of shape ({len(y)}, {len(codebook.labels)}), not {probabilities.shape}"
        )
    truth = np.array([codebook.index(str(name)) for name in y])
    if restrict:
        probabilities = restricted(probabilities, truth)
    predicted = probabilities.argmax(axis=1)
    size = len(codebook.labels)
    confusion = _confusions(truth, predicted, np.zeros(len(y), dtype=int), size)[0]
    scalars = _from_confusion(confusion[None], codebook.ordinal)
    present = np.unique(truth)
    figures = {name: float(values[0]) for name, values in scalars.items()}
    figures["balanced_accuracy"] = float(np.mean((confusion.diagonal()[present] / confusion.sum(axis=1)[present])))
    figures["log_loss"] = float(-np.log(np.clip(probabilities[np.arange(len(y)), truth], 1e-15, None)).mean())
    figures["brier"] = float(((probabilities - np.eye(size)[truth]) ** 2).sum(axis=1).mean())
    figures["ece"] = ece(truth, probabilities)
    commonest = np.full(len(y), np.bincount(truth, minlength=size).argmax())
    lazy = _confusions(truth, commonest, np.zeros(len(y), dtype=int), size)
    figures["majority"] = float(_from_confusion(lazy, codebook.ordinal)[headline(codebook)][0])
    intervals = _intervals(truth, predicted, groups, codebook, resamples, seed) if resamples else {}
    return Evaluation(
        len(y), codebook.names, figures, intervals, _per_class(confusion, codebook), confusion.astype(int).tolist()
    )


def restricted(probabilities: Array, truth: NDArray[np.int_]) -> Array:
    """Probabilities with only the columns that occur in `truth`, scaled to sum to 1; the others are 0."""
    kept = np.zeros(probabilities.shape[1])
    kept[np.unique(truth)] = 1.0
    left = probabilities * kept
    total = left.sum(axis=1, keepdims=True)
    # a row without any probability on the labels in question has to choose blindly
    return np.where(total > 0, left / np.where(total > 0, total, 1.0), kept / kept.sum())


def ece(truth: ArrayLike, probabilities: Array, bins: int = BINS) -> float:
    """Expected calibration error of the likeliest label: mean |accuracy - confidence| over bins of equal width.

    Guo et al. 2017, On Calibration of Modern Neural Networks. `truth` holds column numbers.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(truth)
    _, counts, mean_confidence, accuracy = reliability(confidence, right, bins)
    return float((counts * np.abs(accuracy - mean_confidence)).sum() / counts.sum())


def reliability(confidence: Array, right: NDArray[np.bool_], bins: int = BINS) -> tuple[Array, Array, Array, Array]:
    """Bin edges, then count, mean confidence and accuracy of each bin of equal width (0 where a bin is empty)."""
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(confidence, edges[1:-1], right=True), 0, bins - 1)
    counts = np.bincount(place, minlength=bins).astype(float)
    divisor = np.maximum(counts, 1)
    return (
        edges,
        counts,
        np.bincount(place, weights=confidence, minlength=bins) / divisor,
        np.bincount(place, weights=right.astype(float), minlength=bins) / divisor,
    )


def flat(evaluation: Evaluation, prefix: str = "") -> dict[str, float]:
    """One number a name, as MLflow logs them: `qwk`, `qwk.low`, `qwk.high`, `f1.<label>` …"""
    values = {f"{prefix}{name}": value for name, value in evaluation.scalars.items()}
    for name, (low, high) in evaluation.intervals.items():
        values |= {f"{prefix}{name}.low": low, f"{prefix}{name}.high": high}
    for label, figures in evaluation.per_class.items():
        values[f"{prefix}f1.{label}"] = figures["f1"]
    return values


def to_mapping(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as plain data."""
    return asdict(evaluation)


def _confusions(
    truth: NDArray[np.int_], predicted: NDArray[np.int_], group: NDArray[np.int_], size: int
) -> NDArray[np.float64]:
    """One confusion matrix a group, shape (n_groups, size, size)."""
    flat_index = (group * size + truth) * size + predicted
    n_groups = int(group.max()) + 1
    return np.bincount(flat_index, minlength=n_groups * size * size).reshape(n_groups, size, size).astype(float)


def _from_confusion(confusion: Array, ordinal: bool) -> dict[str, Array]:
    """Metrics of many confusion matrices at once, shape (m, size, size) to shape (m,) each.

    F1 is averaged over the labels that occur in truth or prediction, as `sklearn.metrics.f1_score(average="macro")` does.
    Kappa after Cohen 1968 with squared distances in rungs; when truth and prediction are one and the same label it is 1.
    """
    total = confusion.sum(axis=(1, 2))
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support, chosen = confusion.sum(axis=2), confusion.sum(axis=1)
    occurs = (support + chosen) > 0
    f1 = 2 * hits / np.where(occurs, support + chosen, 1.0)
    found = {"macro_f1": f1.sum(axis=1) / occurs.sum(axis=1), "accuracy": hits.sum(axis=1) / total}
    if ordinal:
        steps = np.arange(confusion.shape[1])
        apart = np.abs(steps[:, None] - steps[None, :]).astype(float)
        seen = (confusion * apart**2).sum(axis=(1, 2))
        expected = ((support[:, :, None] * chosen[:, None, :]) * apart**2).sum(axis=(1, 2)) / total
        qwk = 1 - seen / np.where(expected > 0, expected, 1.0)
        found = {
            "qwk": qwk,
            "mae": (confusion * apart).sum(axis=(1, 2)) / total,
            "off_by_two": (confusion * (apart >= 2)).sum(axis=(1, 2)) / total,
            **found,
        }
    return found


def _intervals(
    truth: NDArray[np.int_],
    predicted: NDArray[np.int_],
    groups: Sequence[Any] | None,
    codebook: Codebook,
    resamples: int,
    seed: int,
) -> dict[str, list[float]]:
    """Percentile intervals: groups are drawn with replacement, and a draw is a sum of their confusion matrices."""
    rows = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    matrices = _confusions(truth, predicted, rows, len(codebook.labels))
    n_groups = len(matrices)
    draws = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=resamples)
    flat_matrices = matrices.reshape(n_groups, -1)
    used = np.flatnonzero(flat_matrices.any(axis=0))  # most cells of a large codebook are empty
    sums = np.zeros((resamples, flat_matrices.shape[1]))
    sums[:, used] = draws.astype(float) @ flat_matrices[:, used]
    figures = _from_confusion(sums.reshape(resamples, *matrices.shape[1:]), codebook.ordinal)
    return {name: np.percentile(figures[name], [2.5, 97.5]).tolist() for name in RESAMPLED if name in figures}


def _per_class(confusion: Array, codebook: Codebook) -> dict[str, dict[str, float]]:
    per_class = {}
    for position, name in enumerate(codebook.names):
        support, chosen, hits = confusion[position].sum(), confusion[:, position].sum(), confusion[position, position]
        if support + chosen:
            per_class[name] = {
                "precision": float(hits / chosen) if chosen else 0.0,
                "recall": float(hits / support) if support else 0.0,
                "f1": float(2 * hits / (support + chosen)),
                "support": int(support),
                "predicted": int(chosen),
            }
    return per_class
