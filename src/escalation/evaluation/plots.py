"""Pictures of an evaluation. Every function returns a matplotlib Figure and saves nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.errors import CorpusError, ModelError
from escalation.evaluation import metrics
from escalation.evaluation.metrics import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
INK, QUIET, GRID = "#22303c", "#6b7a88", "#d9e0e6"
# Okabe and Ito's palette, told apart by colour-blind readers; then its darker half for the sixteen event types.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8C6D1F", "#444444")


def confusion(evaluation: Evaluation, codebook: Codebook) -> Figure:
    """Show counts, each row shaded by the share of its true label."""
    counts = np.array(evaluation.confusion)
    kept = [i for i in range(len(counts)) if counts[i].any() or counts[:, i].any()]
    counts = counts[np.ix_(kept, kept)]
    names = [_spoken(evaluation.labels[i]) for i in kept]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.62 * len(names)
    figure, axes = _figure(side + 1.2, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            colour = "white" if shares[row, column] > 0.55 else INK
            weight = "bold" if row == column else "normal"
            axes.text(
                column, row, str(counts[row, column]), ha="center", va="center", color=colour, weight=weight, size=9
            )
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    scalars = evaluation.scalars
    if codebook.ordinal:
        figures = f"quadratic weighted kappa {scalars['qwk']:.3f}, off by {scalars['mae']:.2f} rungs on average"
    else:
        figures = f"macro-F1 {scalars['macro_f1']:.3f}, accuracy {scalars['accuracy']:.3f}"
    _title(axes, f"Where predictions go, {evaluation.n} rows", figures)
    return figure


def per_class_bars(evaluation: Evaluation, codebook: Codebook) -> Figure:
    """Precision, recall and F1 of each label, with its number of rows."""
    labels = list(evaluation.per_class)
    figure, axes = _figure(8.5, 1.6 + 0.52 * len(labels))
    places = np.arange(len(labels))[::-1]
    for offset, (name, colour) in enumerate(zip(("precision", "recall", "f1"), COLOURS, strict=False)):
        values = [evaluation.per_class[label][name] for label in labels]
        axes.barh(places + 0.26 - 0.26 * offset, values, height=0.24, color=colour, label=name)
    axes.set_yticks(places, [f"{_spoken(label)}  ({evaluation.per_class[label]['support']})" for label in labels])
    axes.set_xlim(0, 1)
    axes.xaxis.grid(True, color=GRID)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.08 - 0.3 / len(labels)))
    _title(
        axes,
        f"How well each label of {codebook.name} is found",
        f"macro-F1 {evaluation.scalars['macro_f1']:.3f}; rows in brackets",
    )
    return figure


def reliability(y: Sequence[str], probabilities: Array, codebook: Codebook) -> Figure:
    """Confidence of the likeliest label against how often it is right, and how many rows have it."""
    truth, probabilities = metrics.positions(y, codebook), np.asarray(probabilities)
    if not len(truth):
        raise CorpusError("no rows to draw: give at least one labelled row")
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    edges, counts, mean_confidence, accuracy = metrics.reliability(confidence, right)
    figure, (axes, below) = _figure(6.2, 6.8, rows=2, height_ratios=[4, 1])
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle=":", label="perfectly calibrated")
    filled = counts > 0
    axes.vlines(
        mean_confidence[filled], mean_confidence[filled], accuracy[filled], color=COLOURS[3], alpha=0.5, linewidth=3
    )
    sizes = 15 + 150 * counts[filled] / counts.max()
    axes.scatter(
        mean_confidence[filled], accuracy[filled], s=sizes, color=COLOURS[0], label="this model (size: rows)", zorder=3
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share that is right")
    axes.grid(True, color=GRID)
    axes.legend(frameon=False, loc="upper left")
    below.bar((edges[:-1] + edges[1:]) / 2, counts, width=0.9 / len(counts), color=COLOURS[5])
    below.set_xlim(0, 1)
    below.set_xlabel("confidence in the likeliest label")
    below.set_ylabel("rows")
    _title(
        axes,
        "Can the probabilities be believed?",
        f"expected calibration error {metrics.ece(truth, probabilities):.3f}, {len(truth)} rows",
    )
    return figure


def precision_recall(y: Sequence[str], probabilities: Array, codebook: Codebook) -> Figure:
    """Draw a panel a label with its curve and average precision; the dotted line is what chance reaches."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    truth = np.array([str(name) for name in y])
    shown = [name for name in codebook.names if (truth == name).any()]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure, grid = _figure(2.6 * columns, 0.8 + 2.3 * rows, rows=rows, columns=columns)
    averages = []
    for axes, name in zip(np.ravel(grid), shown, strict=False):
        scores, is_it = probabilities[:, codebook.index(name)], truth == name
        precision, recall, _ = precision_recall_curve(is_it, scores)
        averages.append(average_precision_score(is_it, scores))
        axes.fill_between(recall, precision, color=COLOURS[0], alpha=0.15, linewidth=0)
        axes.plot(recall, precision, color=COLOURS[0])
        axes.axhline(is_it.mean(), color=QUIET, linestyle=":")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.03)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
        axes.set_title(f"{_spoken(name)}  {averages[-1]:.2f}", size=10, color=INK, loc="left", weight="bold")
    for axes in np.ravel(grid)[len(shown) :]:
        axes.set_visible(False)
    title = f"Precision (upwards) at every recall: mean average precision {np.mean(averages):.3f}, {len(truth)} rows"
    figure.suptitle(title, x=0.01, ha="left", color=INK, weight="bold", size=11)
    return figure


def score_distribution(y: Sequence[str], probabilities: Array, codebook: Codebook) -> Figure:
    """Show the expected escalation of each row by its true label, beside the points of the label itself."""
    scores = probabilities @ codebook.escalation
    truth = np.array([str(name) for name in y])
    shown = [name for name in codebook.names if (truth == name).any()]
    figure, axes = _figure(8.2, 1.8 + 0.55 * len(shown))
    jitter = np.random.default_rng(0)
    for place, name in enumerate(reversed(shown)):
        values = scores[truth == name]
        axes.scatter(
            values, place + jitter.uniform(-0.28, 0.28, len(values)), s=9, alpha=0.45, color=COLOURS[0], linewidths=0
        )
        axes.plot([np.median(values)] * 2, [place - 0.36, place + 0.36], color=INK, linewidth=2)
        axes.plot(
            codebook.escalation[codebook.index(name)],
            place,
            marker="D",
            color=COLOURS[3],
            markersize=7,
            clip_on=False,
            zorder=3,
        )
    axes.set_yticks(range(len(shown)), [_spoken(name) for name in reversed(shown)])
    axes.set_xlim(0, 100)
    axes.xaxis.grid(True, color=GRID)
    axes.set_xlabel("escalation (0 … 100): dots are rows, the bar their median, the diamond the label's points")
    off = np.abs(scores - np.array([codebook.escalation[codebook.index(name)] for name in truth])).mean()
    _title(axes, "Scores by true label", f"off by {off:.1f} points on average, {len(truth)} rows")
    return figure


def top_words(words: Mapping[str, Sequence[tuple[str, float]]]) -> Figure:
    """Show the features that weigh most for each label, as small multiples."""
    if not words:
        raise ModelError("no words to draw: only a linear model over named features has them")
    columns = min(4, len(words))
    rows = -(-len(words) // columns)
    longest = max(len(entries) for entries in words.values())
    figure, grid = _figure(3.3 * columns, 0.9 + rows * (0.7 + 0.2 * longest), rows=rows, columns=columns)
    for axes, (label, entries) in zip(np.ravel(grid), words.items(), strict=False):
        places = np.arange(len(entries))[::-1]
        axes.barh(places, [weight for _, weight in entries], color=COLOURS[0], height=0.7)
        axes.set_yticks(places, [_feature(name) for name, _ in entries], size=8)
        axes.set_title(_spoken(label), size=10, color=INK, loc="left", weight="bold")
        axes.tick_params(axis="x", labelsize=7)
    for axes in np.ravel(grid)[len(words) :]:
        axes.set_visible(False)
    figure.suptitle("What weighs most for each label", x=0.01, ha="left", color=INK, weight="bold")
    return figure


def folds(values: Sequence[Mapping[str, float]], codebook: Codebook) -> Figure:
    """Metrics of each fold with their mean."""
    if not values:
        raise CorpusError("no folds to draw: cross-validate first")
    shown = [name for name in ("qwk", "macro_f1", "accuracy", "ece") if name in values[0]]
    figure, axes = _figure(6.6, 1.4 + 0.55 * len(shown))
    for place, name in enumerate(reversed(shown)):
        figures = np.array([fold[name] for fold in values])
        axes.scatter(figures, np.full(len(figures), place), s=42, alpha=0.7, color=COLOURS[0])
        axes.plot([figures.mean()] * 2, [place - 0.25, place + 0.25], color=COLOURS[3], linewidth=3)
        axes.text(
            figures.mean(), place + 0.3, f"{figures.mean():.3f} ± {figures.std():.3f}", ha="center", size=9, color=INK
        )
    axes.set_yticks(range(len(shown)), [_spoken(name) for name in reversed(shown)])
    axes.set_ylim(-0.5, len(shown) - 0.3)
    axes.margins(x=0.15)
    axes.xaxis.grid(True, color=GRID)
    _title(axes, f"{len(values)} folds of {codebook.name}", "dots are folds, the bar their mean ± standard deviation")
    return figure


def _figure(width: float, height: float, rows: int = 1, columns: int = 1, **grid: Any) -> tuple[Figure, Any]:
    """Make a figure of its own: no global state, so that pictures can be made in any thread."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, gridspec_kw=grid or None)
    for one in np.ravel(axes):
        one.tick_params(colors=INK)
        for side in ("top", "right"):
            one.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            one.spines[side].set_color(QUIET)
    return figure, axes


def _title(axes: Any, text: str, below: str) -> None:
    axes.set_title(text, loc="left", color=INK, weight="bold", pad=22)
    axes.annotate(below, (0, 1), (0, 6), "axes fraction", textcoords="offset points", color=QUIET, size=9.5)


def _spoken(name: str) -> str:
    return _plain(name.replace("_", " "))


def _feature(name: str) -> str:
    """Name a feature without the path of the union that it comes from; blanks in it made visible."""
    path, _, word = name.rpartition("__")
    return _plain(word.replace(" ", "␣") if "char" in path else word)


def _plain(text: str) -> str:
    """Text with its dollars as they are: matplotlib would read what stands between two as a formula."""
    return text.replace("$", r"\$")
