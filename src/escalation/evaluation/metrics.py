"""Figures of one set of predictions: ordinal agreement, F1, calibration, each headline with a bootstrap interval."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from escalation.codebook import Codebook
from escalation.errors import ConfigError, CorpusError, ModelError

Array = NDArray[np.float64]
BINS = 15
CHUNK = 100  # resamples in memory at a time
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
        (share of rows off by two rungs or more); for all `macro_f1`, `accuracy`, `balanced_accuracy`, `log_loss`
        (nats), `brier` (0 … 2), `ece`, and `majority`, the headline figure of always answering the commonest label.
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
    """Name the metric that decides between models: `qwk` on a scale, `macro_f1` elsewhere."""
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
    y : sequence of n label names or codes
    probabilities : array of shape (n, n_labels)
        Rows sum to 1, columns in codebook order.
    groups : sequence of n, optional
        Rows of one group (document, scenario) are resampled together; a row without one ('' or missing) stands alone,
        as all do by default. A single group leaves an interval without width, which says nothing.
    resamples : int
        Bootstrap resamples; 0 for no intervals.
    restrict : bool
        Choose only among the labels that occur in `y`, their probabilities scaled to sum to 1, as published figures on
        files without neutral rows do.

    Raises
    ------
    CorpusError
        There are no rows, a label is outside the codebook, or the shapes do not fit.
    ModelError
        A row of probabilities is no distribution.
    ConfigError
        `resamples` is negative.
    """
    if resamples < 0:
        raise ConfigError(f"resamples is {resamples}: it must be 0 (no intervals) or more")
    probabilities = np.asarray(probabilities, dtype=float)
    if len(y) == 0:
        raise CorpusError("there are no rows to evaluate: give a file with labelled rows")
    if probabilities.shape != (len(y), len(codebook.labels)):
        raise CorpusError(
            f"{len(y)} rows need probabilities of shape ({len(y)}, {len(codebook.labels)}), not {probabilities.shape}"
        )
    _check_distributions(probabilities)
    truth = positions(y, codebook)
    if restrict:
        probabilities = restricted(probabilities, truth)
    predicted = probabilities.argmax(axis=1)
    size = len(codebook.labels)
    confusion = _confusions(truth, predicted, np.zeros(len(y), dtype=int), size)[0]
    scalars = figures_of(confusion[None], codebook.ordinal)
    present = np.unique(truth)
    figures = {name: float(values[0]) for name, values in scalars.items()}
    figures["balanced_accuracy"] = float(np.mean(confusion.diagonal()[present] / confusion.sum(axis=1)[present]))
    figures["log_loss"] = float(-np.log(np.clip(probabilities[np.arange(len(y)), truth], 1e-15, None)).mean())
    figures["brier"] = float(((probabilities - np.eye(size)[truth]) ** 2).sum(axis=1).mean())
    figures["ece"] = ece(truth, probabilities)
    commonest = np.full(len(y), np.bincount(truth, minlength=size).argmax())
    lazy = _confusions(truth, commonest, np.zeros(len(y), dtype=int), size)
    figures["majority"] = float(figures_of(lazy, codebook.ordinal)[headline(codebook)][0])
    intervals = _intervals(truth, predicted, groups, codebook, resamples, seed) if resamples else {}
    return Evaluation(
        len(y), codebook.names, figures, intervals, _per_class(confusion, codebook), confusion.astype(int).tolist()
    )


def positions(y: Sequence[Any], codebook: Codebook) -> NDArray[np.int_]:
    """Column numbers of label names or codes, shape (n,).

    Raises
    ------
    CorpusError
        One is outside the codebook.
    """
    values = pd.Series(np.asarray(y, dtype=object))
    known = {value: codebook.index(codebook.parse(value)) for value in values.unique()}
    return values.map(known).to_numpy(dtype=int)


def restricted(probabilities: Array, truth: NDArray[np.int_]) -> Array:
    """Probabilities with only the columns that occur in `truth`, scaled to sum to 1; the others are 0."""
    kept = np.zeros(probabilities.shape[1])
    kept[np.unique(truth)] = 1.0
    left = probabilities * kept
    total = left.sum(axis=1, keepdims=True)
    # a row without any probability on the labels in question has to choose blindly
    return np.where(total > 0, left / np.where(total > 0, total, 1.0), kept / kept.sum())


def ece(truth: ArrayLike, probabilities: Array, bins: int = BINS) -> float:
    """Measure the calibration error of the likeliest label: mean |accuracy - confidence| over bins of equal width.

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
    """One number a name, as MLflow logs them: `qwk`, `qwk.low`, `qwk.high`, `f1.<label>`; odd characters are `_`."""
    values = {f"{prefix}{name}": value for name, value in evaluation.scalars.items()}
    for name, (low, high) in evaluation.intervals.items():
        values |= {f"{prefix}{name}.low": low, f"{prefix}{name}.high": high}
    for label, figures in evaluation.per_class.items():
        values[f"{prefix}f1.{re.sub('[^0-9A-Za-z_-]', '_', label)}"] = figures["f1"]
    return values


def to_mapping(evaluation: Evaluation) -> dict[str, Any]:
    """Everything as plain data."""
    return asdict(evaluation)


def labels_table(evaluation: Evaluation) -> str:
    """Figures of each label as csv: `label,precision,recall,f1,rows`."""
    rows = [
        (name, one["precision"], one["recall"], one["f1"], one["support"]) for name, one in evaluation.per_class.items()
    ]
    return pd.DataFrame(rows, columns=["label", "precision", "recall", "f1", "rows"]).to_csv(index=False)


def _confusions(
    truth: NDArray[np.int_], predicted: NDArray[np.int_], group: NDArray[np.int_], size: int
) -> NDArray[np.float64]:
    """One confusion matrix a group, shape (n_groups, size, size)."""
    flat_index = (group * size + truth) * size + predicted
    n_groups = int(group.max()) + 1
    return np.bincount(flat_index, minlength=n_groups * size * size).reshape(n_groups, size, size).astype(float)


def figures_of(confusion: Array, ordinal: bool) -> dict[str, Array]:
    """Figures of many confusion matrices at once, shape (m, size, size) to shape (m,) each.

    F1 is averaged over the labels that occur in truth or prediction, as scikit-learn's macro F1 does.
    Kappa after Cohen 1968 with squared distances in rungs; 1 when truth and prediction are one and the same label.
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
    """Percentile intervals: a draw is a sum of the confusion matrices of the groups drawn."""
    size, parts = len(codebook.labels), []
    for counts in draws(truth * size + predicted, groups, size * size, resamples, seed):
        parts.append(figures_of(counts.reshape(-1, size, size), codebook.ordinal))
    return {
        name: np.percentile(np.concatenate([part[name] for part in parts]), [2.5, 97.5]).tolist()
        for name in RESAMPLED
        if name in parts[0]
    }


def draws(
    cell: NDArray[np.int_], groups: Sequence[Any] | None, n_cells: int, resamples: int, seed: int
) -> Iterator[Array]:
    """Bootstrap draws of whole groups, as counts of rows a cell: chunks of shape (m, n_cells), `resamples` rows in all.

    Groups with the same counts are the same to a draw, so only how often each kind of group comes up is drawn.

    Parameters
    ----------
    cell : array of shape (n,)
        Which of the `n_cells` outcomes each row is.
    groups : sequence of n, optional
        Rows of one group are drawn together; a row without one stands alone.
    """
    rows = _group_numbers(groups, len(cell))
    used, column = np.unique(cell, return_inverse=True)  # most cells of a large codebook are empty
    n_groups = int(rows.max()) + 1
    held = np.bincount(rows * len(used) + column, minlength=n_groups * len(used)).reshape(n_groups, -1).astype(np.int32)
    # sorted, so that the order of the rows does not matter; np.unique(axis=0) does the same but slowly
    times = dict(sorted(Counter(row.tobytes() for row in held).items()))
    kinds = np.frombuffer(b"".join(times), dtype=held.dtype).reshape(len(times), -1).astype(float)
    share = np.array(list(times.values())) / n_groups
    draw = np.random.default_rng(seed)
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        counts = np.zeros((size, n_cells))
        counts[:, used] = draw.multinomial(n_groups, share, size=size).astype(float) @ kinds
        yield counts


def _group_numbers(groups: Sequence[Any] | None, n: int) -> NDArray[np.int_]:
    """Give each row the number of its group, shape (n,); a row without one is a group."""
    if groups is None:
        return np.arange(n)
    names = pd.Series(np.asarray(groups, dtype=object))
    if len(names) != n:
        raise CorpusError(f"{len(names)} groups for {n} rows: give one group a row")
    alone = names.isna() | (names == "")
    return np.unique(np.where(alone, n + np.arange(n), pd.factorize(names)[0]), return_inverse=True)[1]


def _check_distributions(probabilities: Array) -> None:
    """Refuse rows that are no distribution; a sum may be 0.001 off, for models that compute in 16 bits."""
    fine = (probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) <= 1e-3)  # NaN compares false
    if not fine.all():
        raise ModelError(
            f"probabilities of row {fine.argmin()} are not 0 … 1 with sum 1: normalise what the model gives"
        )


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
