"""Training: check everything, cross-validate, fit and calibrate, measure on held-out rows, log, register."""

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from escalation import exported, files, project
from escalation.codebook import Codebook, answer
from escalation.corpora.corpus import Corpus, joined
from escalation.corpora.split import fingerprint, hold_out, shrunken, splits
from escalation.evaluation import metrics, plots
from escalation.evaluation.metrics import Evaluation
from escalation.models.calibrated import CalibratedModel
from escalation.models.checked import check_parameters
from escalation.models.weights import top_features
from escalation.settings import Settings
from escalation.tracking import registry, runs

KILOBYTES = 1024 * 1024 if sys.platform == "darwin" else 1024  # what a megabyte is in ru_maxrss

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What one training found.

    Parameters
    ----------
    model : CalibratedModel
        Fitted on the training part.
    folds : list of dict
        Headline metrics of each fold.
    cross_validated, held_out : dict of codebook name to Evaluation
        Under the model's codebook and each above it.
    predictions : DataFrame
        `id, part, label` and a probability a label, for every row by a model that had not seen its group.
    held_out_digest : str
        Fingerprint of the held-out rows.
    """

    model: CalibratedModel
    folds: list[dict[str, float]]
    cross_validated: dict[str, Evaluation]
    held_out: dict[str, Evaluation]
    predictions: pd.DataFrame
    held_out_digest: str


def check(model: Any, codebook: Codebook, settings: Settings) -> CalibratedModel:
    """The model with its calibration, everything checked before any data is read."""
    settings.check()
    check_parameters(model)
    return CalibratedModel(
        model, codebook.names, method=settings.calibration, folds=settings.calibration_folds, seed=settings.seed
    )


def measure(
    model: CalibratedModel, rows: pd.DataFrame, codebooks: Sequence[Codebook], settings: Settings, progress: bool = True
) -> Measured:
    """Cross-validate on the training part, fit on all of it, and measure on the held-out part last.

    Parameters
    ----------
    model : CalibratedModel
        Not fitted.
    rows : DataFrame
        `id, text, label, group`.
    codebooks : list of Codebook
        The model's own, then those above it.
    """
    from sklearn.base import clone

    train, test = hold_out(rows, settings.holdout, settings.holdout_seed) if settings.holdout else (rows, rows[:0])
    parts = list(splits(train, settings.folds, settings.seed))
    left_out = np.zeros((len(train), len(codebooks[0].labels)))
    folds = []
    with _Steps(len(parts) + 1, progress) as advance:
        for fit_rows, left_rows in parts:
            part = train.iloc[fit_rows]
            fitted = _fitted(clone(model), part)
            left_out[left_rows] = fitted.predict_proba(train["text"].iloc[left_rows].tolist())
            fold = _evaluated(train.iloc[left_rows], left_out[left_rows], codebooks[:1], settings, resamples=0)
            folds.append(fold[codebooks[0].name].scalars)
            advance()
        model = _fitted(clone(model), train)
        advance()
    cross_validated = _evaluated(train, left_out, codebooks, settings)
    if len(test):
        unseen = model.predict_proba(test["text"].tolist())
        held_out = _evaluated(test, unseen, codebooks, settings)
    else:
        test, unseen, held_out = train, left_out, cross_validated
    predictions = pd.concat(
        [_table(train, left_out, codebooks[0], "cross-validation")]
        + ([_table(test, unseen, codebooks[0], "held-out")] if settings.holdout else []),
        ignore_index=True,
    )
    return Measured(model, folds, cross_validated, held_out, predictions, fingerprint(test))


def run(
    model: Any,
    corpora: Sequence[Corpus],
    codebooks: Sequence[Codebook],
    settings: Settings,
    parameters: Mapping[str, Any],
    config: str = "",
    parent: str | None = None,
) -> str:
    """Train, log and register; the summary to show.

    Parameters
    ----------
    model : classifier over texts
        Any scikit-learn classifier of the contract; it is calibrated here.
    corpora : list of Corpus
    codebooks : list of Codebook
        The run's own, then those above it.
    parameters : mapping
        What the run is known by in the MLflow UI, flat.
    config : str
        The resolved configuration as YAML.
    parent : str, optional
        Run id of the sweep that this run belongs to.
    """
    calibrated = check(model, codebooks[0], settings)
    kept, rows = joined(corpora, project.checkout() / "data" / "holdout")
    if settings.rows:
        rows = shrunken(rows, settings.rows, settings.seed)
    codebook = codebooks[0]
    name = settings.name or "+".join(corpus.name for corpus in corpora)
    tags = {"codebook": codebook.name, "experiment": name, "corpora": "+".join(corpus.name for corpus in corpora)}
    with runs.started(codebook.name, f"{name} seed={settings.seed}", tags, parent) as logged:
        logged.parameters(parameters)
        logged.document(config, "config.yaml")
        logged.document(runs.environment(), "environment.txt")
        began = time.perf_counter()
        found = measure(calibrated, rows, codebooks, settings)
        figures = {
            "seconds": round(time.perf_counter() - began, 2),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES, 1),
        }
        summary = _summary(name, kept, rows, found, codebooks, settings, figures)
        _log(logged, kept, rows, found, codebooks, summary, figures)
        metric = metrics.headline(codebook)
        best = found.held_out[codebook.name].scalars[metric]
        with runs.exported_folder() as folder:
            target = Path(folder) / "exported"
            exported.save(target, found.model, codebooks, {"run": logged.run_id, **_card(name, kept, found, figures)})
            uri = logged.model(target, {"codebooks": [book.name for book in codebooks], "experiment": name})
        verdict = registry.Verdict(False, uri, "not registered: register=false")
        if settings.register:
            verdict = registry.consider(uri, logged.run_id, codebook.name, metric, best, found.held_out_digest, summary)
        logged.tags({"verdict": verdict.reason})
    if parent:
        runs.note_best(parent, metric, best, logged.run_id)
    if settings.report:
        _report(Path(settings.report), found, codebooks, kept)
    return f"{summary}\n{verdict.reason}\nmodel  {verdict.uri}\nnext   {_next(verdict, codebook)}"


def sweep(folder: Path, codebook: Codebook, name: str) -> str:
    """Run id above the runs of a sweep that share `folder`."""
    return runs.parent(folder, codebook.name, name)


def pictures(found: Measured, codebooks: Sequence[Codebook]) -> dict[str, Any]:
    """Every picture of a run by file name: held-out figures, then what the model goes by."""
    codebook = codebooks[0]
    held_out, y = found.held_out[codebook.name], _held_out_rows(found)
    probabilities, truth = y[codebook.names].to_numpy(), y["label"].tolist()
    shown = {
        "confusion.png": plots.confusion(held_out, codebook),
        "per_class.png": plots.per_class_bars(held_out, codebook),
        "reliability.png": plots.reliability(truth, probabilities, codebook),
        "precision_recall.png": plots.precision_recall(truth, probabilities, codebook),
        "folds.png": plots.folds(found.folds, codebook),
    }
    if codebook.weights == "escalation":
        shown["scores.png"] = plots.score_distribution(truth, probabilities, codebook)
    words = top_features(found.model.fitted_estimator)
    if words:
        shown["top_words.png"] = plots.top_words(words)
    return shown


def _log(
    logged: runs.Run,
    corpora: Sequence[Corpus],
    rows: pd.DataFrame,
    found: Measured,
    codebooks: Sequence[Codebook],
    summary: str,
    figures: Mapping[str, float],
) -> None:
    for corpus in corpora:
        logged.dataset(corpus.frame, corpus.name, corpus.sha256, "training")
    logged.dataset(_held_out_rows(found), "held_out", found.held_out_digest, "held-out")
    logged.document({corpus.name: _corpus_card(corpus) for corpus in corpora}, "corpora.json")
    for step, fold in enumerate(found.folds):
        logged.metrics({f"fold.{key}": value for key, value in fold.items()}, step=step)
    values = dict(figures) | {"rows": len(rows), "rows_dropped_by_guard": sum(corpus.dropped for corpus in corpora)}
    for part, evaluations in (("cv", found.cross_validated), ("heldout", found.held_out)):
        for name, evaluation in evaluations.items():
            level = "" if name == codebooks[0].name else f"{name}."
            values |= metrics.flat(evaluation, f"{part}.{level}")
            logged.document(metrics.to_mapping(evaluation), f"evaluation/{part}_{name}.json")
    logged.metrics(values)
    logged.tags({"held_out": found.held_out_digest, "mlflow.note.content": f"```\n{summary}\n```"})
    logged.document(found.predictions.to_csv(index=False, float_format="%.5f"), "predictions.csv")
    for path, figure in pictures(found, codebooks).items():
        logged.figure(figure, path)


def _report(folder: Path, found: Measured, codebooks: Sequence[Codebook], corpora: Sequence[Corpus]) -> None:
    """metrics.json (nothing that differs between two runs of one commit) and two pictures, for experiments/."""
    folder = project.checkout() / folder
    content = {
        "corpora": {corpus.name: _corpus_card(corpus) for corpus in corpora},
        "held_out_digest": found.held_out_digest,
        "cross_validated": {name: one.scalars for name, one in found.cross_validated.items()},
        "held_out": {name: {**one.scalars, "intervals": one.intervals} for name, one in found.held_out.items()},
    }
    files.write_text(folder / "metrics.json", json.dumps(content, indent=1) + "\n")
    shown = pictures(found, codebooks)
    for path in ("confusion.png", "reliability.png"):
        with files.replacing(folder / path) as temporary:
            shown[path].savefig(temporary, format="png", dpi=110)


def _fitted(model: CalibratedModel, rows: pd.DataFrame) -> CalibratedModel:
    return model.fit(rows["text"].tolist(), rows["label"].tolist(), rows["group"].tolist())


def _evaluated(
    rows: pd.DataFrame,
    probabilities: Array,
    codebooks: Sequence[Codebook],
    settings: Settings,
    resamples: int | None = None,
) -> dict[str, Evaluation]:
    """Evaluations under the model's codebook and those above it."""
    found, labels = {}, rows["label"].tolist()
    for below, book in zip([None, *codebooks], codebooks, strict=False):
        if below is not None:
            labels = [str(below.labels[below.index(name)].parent) for name in labels]
        found[book.name] = metrics.evaluate(
            labels,
            answer(probabilities, codebooks, book.name)[1],
            book,
            groups=rows["group"].tolist(),
            resamples=settings.resamples if resamples is None else resamples,
            seed=settings.seed,
        )
    return found


def _table(rows: pd.DataFrame, probabilities: Array, codebook: Codebook, part: str) -> pd.DataFrame:
    table = rows[["id", "source", "group", "label"]].assign(part=part).reset_index(drop=True)
    return pd.concat([table, pd.DataFrame(probabilities, columns=codebook.names)], axis=1)


def _held_out_rows(found: Measured) -> pd.DataFrame:
    last = found.predictions["part"].iloc[-1]
    rows: pd.DataFrame = found.predictions[found.predictions["part"] == last]
    return rows


def _corpus_card(corpus: Corpus) -> dict[str, Any]:
    return {"rows": len(corpus.frame), "dropped_by_guard": corpus.dropped, "sha256": corpus.sha256}


def _card(name: str, corpora: Sequence[Corpus], found: Measured, figures: Mapping[str, float]) -> dict[str, Any]:
    return {
        "experiment": name,
        "corpora": {corpus.name: _corpus_card(corpus) for corpus in corpora},
        "held_out": {book: {"n": one.n, **one.scalars} for book, one in found.held_out.items()},
        "training": dict(figures),
    }


def _summary(
    name: str,
    corpora: Sequence[Corpus],
    rows: pd.DataFrame,
    found: Measured,
    codebooks: Sequence[Codebook],
    settings: Settings,
    figures: Mapping[str, float],
) -> str:
    book = codebooks[0]
    lines = [f"{name} · codebook {book.name} · seed {settings.seed}"]
    for corpus in corpora:
        guard = f", {corpus.dropped} dropped by the contamination guard" if corpus.dropped else ""
        lines.append(f"data   {corpus.name}: {len(corpus.frame)} rows, {corpus.frame['label'].nunique()} labels{guard}")
    metric = metrics.headline(book)
    values = [fold[metric] for fold in found.folds]
    lines.append(f"folds  {len(values)} × {metric} {np.mean(values):.3f} ± {np.std(values):.3f}")
    for level, evaluation in found.held_out.items():
        lead = metrics.headline(next(one for one in codebooks if one.name == level))
        low, high = evaluation.intervals[lead]
        others = " · ".join(
            f"{key} {evaluation.scalars[key]:.3f}"
            for key in ("mae", "off_by_two", "macro_f1", "accuracy", "ece")
            if key in evaluation.scalars and key != lead
        )
        what = "held out" if settings.holdout else "cross-validated"
        lines.append(
            f"{level:<6} {lead} {evaluation.scalars[lead]:.3f} [{low:.3f}, {high:.3f}] · {others} ({evaluation.n} rows {what})"
        )
    lines.append(f"cost   {figures['seconds']:.1f} s, peak {figures['peak_memory_mb']:.0f} MB, {len(rows)} rows")
    return "\n".join(lines)


def _next(verdict: registry.Verdict, codebook: Codebook) -> str:
    if verdict.registered and codebook.name == "ladder":
        return "escalation score article.txt"
    return (
        f"escalation score article.txt --model {verdict.uri}" if codebook.name == "ladder" else "escalation leaderboard"
    )


class _Steps:
    """A bar with the time left on standard error, when that is a terminal."""

    def __init__(self, total: int, shown: bool):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self.task = self.bar.add_task("fits", total=total)

    def __enter__(self) -> Any:
        self.bar.start()
        return lambda: self.bar.advance(self.task)

    def __exit__(self, *raised: object) -> None:
        self.bar.stop()
