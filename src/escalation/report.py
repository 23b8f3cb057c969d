"""What a training tells people: a summary in words, pictures, cards, and a folder of experiments/."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from escalation import files, project
from escalation.codebook import Codebook
from escalation.corpora.corpus import Corpus
from escalation.evaluation import metrics, plots
from escalation.evaluation.behaviour import Behaviour
from escalation.evaluation.metrics import Evaluation
from escalation.measuring import Measured
from escalation.models.weights import top_features
from escalation.settings import Settings


def summary(
    name: str,
    corpora: Sequence[Corpus],
    rows: pd.DataFrame,
    found: Measured,
    book: Codebook,
    settings: Settings,
    figures: Mapping[str, float],
    elsewhere: Mapping[str, Evaluation],
    behaved: Behaviour | None,
) -> str:
    """What was trained on what, and what came out, in a few lines."""
    lines = [f"{name} · codebook {book.name} · seed {settings.seed}"]
    for corpus in corpora:
        guard = f", {corpus.dropped} dropped by the contamination guard" if corpus.dropped else ""
        lines.append(f"data   {corpus.name}: {len(corpus.frame)} rows, {corpus.frame['label'].nunique()} labels{guard}")
    metric = metrics.headline(book)
    if found.folds:
        values = [fold[metric] for fold in found.folds]
        lines.append(f"folds  {len(values)} × {metric} {np.mean(values):.3f} ± {np.std(values):.3f}")
    for level, evaluation in found.held_out.items():
        lead = "qwk" if "qwk" in evaluation.scalars else "macro_f1"
        what = "held out" if settings.holdout else "cross-validated"
        lines.append(f"{level:<6} {_figures(evaluation, lead)} ({evaluation.n} rows {what})")
    for place, evaluation in elsewhere.items():
        lines.append(f"{place:<6} {_figures(evaluation, metric)} ({evaluation.n} rows, none trained on)")
    if behaved:
        rates = " · ".join(f"{test} {100 * rate:.0f} %" for test, rate in behaved.rates.items())
        lines.append(f"tests  {rates} pass · entity swap ± {behaved.swap['mean_spread']:.1f} points")
    lines.append(f"cost   {figures['seconds']:.1f} s, peak {figures['peak_memory_mb']:.0f} MB, {len(rows)} rows")
    return "\n".join(lines)


def _figures(evaluation: Evaluation, lead: str) -> str:
    low, high = evaluation.intervals[lead]
    told = [f"{lead} {evaluation.scalars[lead]:.3f} [{low:.3f}, {high:.3f}]"]
    for name in ("mae", "off_by_two", "macro_f1", "accuracy", "ece"):
        if name in evaluation.scalars and name != lead:
            told.append(f"{name} {evaluation.scalars[name]:.3f}")
    return " · ".join(told)


def pictures(found: Measured, codebook: Codebook) -> dict[str, Any]:
    """Every picture of a run by file name: held-out figures, then what the model goes by."""
    held_out, y = found.held_out[codebook.name], found.held_out_rows
    probabilities, truth = y[codebook.names].to_numpy(), y["label"].tolist()
    shown = {
        "confusion.png": plots.confusion(held_out, codebook),
        "per_class.png": plots.per_class_bars(held_out, codebook),
        "reliability.png": plots.reliability(truth, probabilities, codebook),
        "precision_recall.png": plots.precision_recall(truth, probabilities, codebook),
    }
    if found.folds:
        shown["folds.png"] = plots.folds(found.folds, codebook)
    if codebook.weights == "escalation":
        shown["scores.png"] = plots.score_distribution(truth, probabilities, codebook)
    words = top_features(getattr(found.model, "fitted_estimator", None))
    if words:
        shown["top_words.png"] = plots.top_words(words)
    return shown


def write(
    folder: Path,
    found: Measured,
    corpora: Sequence[Corpus],
    shown: Mapping[str, Any],
    elsewhere: Mapping[str, Evaluation],
    codebook: Codebook,
) -> None:
    """metrics.json (nothing that differs between two runs of one commit), two pictures and tables to plot, for experiments/."""
    folder = project.checkout() / folder
    content = {
        "corpora": {corpus.name: corpus_card(corpus) for corpus in corpora},
        "held_out_digest": found.held_out_digest,
        "cross_validated": {name: one.scalars for name, one in found.cross_validated.items()},
        "held_out": {name: {**one.scalars, "intervals": one.intervals} for name, one in found.held_out.items()},
        "tests": {name: {**one.scalars, "intervals": one.intervals} for name, one in elsewhere.items()},
    }
    files.write_text(folder / "metrics.json", json.dumps(content, indent=1) + "\n")
    files.write_text(folder / "labels.csv", metrics.labels_table(found.held_out[codebook.name]))
    for path in ("confusion.png", "reliability.png"):
        with files.replacing(folder / path) as temporary:
            shown[path].savefig(temporary, format="png", dpi=110)


def card(name: str, corpora: Sequence[Corpus], found: Measured) -> dict[str, Any]:
    """What an exported model says of itself."""
    return {
        "experiment": name,
        "corpora": {corpus.name: corpus_card(corpus) for corpus in corpora},
        "held_out": {book: {"n": one.n, **one.scalars} for book, one in found.held_out.items()},
    }


def corpus_card(corpus: Corpus) -> dict[str, Any]:
    """What a corpus was, to the byte."""
    return {"rows": len(corpus.frame), "dropped_by_guard": corpus.dropped, "sha256": corpus.sha256}
