"""Training: check everything, measure, log, export, register."""

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from escalation import exported, project, report
from escalation.codebook import Codebook
from escalation.corpora.corpus import Corpus, joined
from escalation.corpora.split import shrunken
from escalation.errors import ConfigError
from escalation.evaluation import behaviour, metrics
from escalation.evaluation.behaviour import Behaviour
from escalation.evaluation.metrics import Evaluation
from escalation.measuring import Measured, measure, transfer, yielding
from escalation.models.calibrated import CalibratedModel
from escalation.models.checked import check_parameters
from escalation.models.kept import FEATURES
from escalation.scoring.familiar import Familiar
from escalation.settings import Settings
from escalation.tracking import promotion, runs, sweeps

TIMED = 200  # sentences by which an exported model's speed is measured
KILOBYTES = 1024 * 1024 if sys.platform == "darwin" else 1024  # what a megabyte is in ru_maxrss


def check(model: Any, chains: Sequence[Sequence[Codebook]], settings: Settings) -> Any:
    """The model ready to learn the codebooks, and calibrated, everything checked before any data is read.

    Raises
    ------
    ConfigError
        A setting or parameter is wrong, or the model has one head where several are asked for.
    """
    settings.check()
    check_parameters(model)
    if hasattr(model, "head"):  # it calibrates each head itself
        return model.set_params(codebooks=chains)
    if len(chains) > 1:
        raise ConfigError("heads is for a model with several: choose model=encoder, or train once a codebook")
    codebook = chains[0][0]
    return CalibratedModel(
        model, codebook.names, method=settings.calibration, folds=settings.calibration_folds, seed=settings.seed
    )


def run(
    model: Any,
    corpora: Sequence[Corpus],
    chains: Sequence[Sequence[Codebook]],
    settings: Settings,
    parameters: Mapping[str, Any],
    config: str = "",
    child: sweeps.Child | None = None,
    tests: Sequence[Corpus] = (),
    unlabelled: Sequence[str] = (),
) -> str:
    """Train, log and register; the summary to show.

    Parameters
    ----------
    model : classifier over texts
        Any scikit-learn classifier of the contract; one without heads is calibrated here.
    corpora : list of Corpus
    chains : list of list of Codebook
        For each head its own codebook, then those above it; the first is the run's own.
    parameters : mapping
        What the run is known by in the MLflow UI, flat.
    config : str
        The resolved configuration as YAML.
    child : Child, optional
        Its place in the sweep that it belongs to.
    tests : list of Corpus
        Other corpora that the fitted model is measured on; rows that it was trained on are left out.
    unlabelled : list of str
        Texts for a teacher to label.
    """
    if child and hasattr(model, "memory"):
        model.set_params(memory=FEATURES)
    ready, codebook = check(model, chains, settings), chains[0][0]
    if settings.export:
        exported.check_replaceable(project.checkout() / settings.export)
    if unlabelled and getattr(model, "teacher", None) is None:
        raise ConfigError("unlabelled names corpora for a teacher to label: choose model=distilled, or leave it empty")
    settings.check_names(corpus.name for corpus in corpora)
    if settings.alias:
        promotion.holder(settings.alias, codebook.name)  # before the long work
    kept, rows = joined(corpora, project.checkout() / "data" / "holdout")
    rows = yielding(rows, tests)
    known = set(rows["text"])
    unlabelled = [text for text in unlabelled if text not in known]
    if settings.rows:
        rows = shrunken(rows, settings.rows, settings.holdout_seed)
        unlabelled = unlabelled[: settings.rows]
    name = settings.name or "+".join(corpus.name for corpus in corpora)
    tags = {"codebook": codebook.name, "experiment": name, "corpora": "+".join(corpus.name for corpus in corpora)}
    tags |= {key: parameters[key] for key in ("features", "classifier", "model") if key in parameters}
    called, parent = (child.name, child.run_id) if child else (f"{name} seed={settings.seed}", None)
    with (
        runs.started(codebook.name, called, {**tags, **(child.tags if child else {})}, parent) as logged,
        threadpool_limits(1, user_api="blas"),  # sums in another order would change the last digits
    ):
        logged.parameters(parameters)
        logged.document(config, "config.yaml")
        logged.document(runs.environment(), "environment.txt")
        began = time.perf_counter()

        def told(step: int, fold: Mapping[str, float]) -> None:
            logged.metrics({f"fold.{key}": value for key, value in fold.items()}, step=step)
            if child:
                child.fold(step, fold)

        found = measure(ready, rows, chains, settings, unlabelled, told=told)
        figures = {
            "seconds": round(time.perf_counter() - began, 2),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES, 1),
        }
        elsewhere = {corpus.name: transfer(found.model, corpus, rows, codebook, settings) for corpus in tests}
        behaved = behaviour_of(found.model, codebook)
        summary = report.summary(name, kept, rows, found, codebook, settings, figures, elsewhere, behaved)
        shown = report.pictures(found, codebook)
        _log(logged, kept, rows, found, codebook, summary, figures)
        for path, figure in shown.items():
            logged.figure(figure, path)
        _log_beyond(logged, tests, elsewhere, behaved)
        card, familiar = report.card(name, kept, found), Familiar.of(rows["text"].tolist(), rows["group"].tolist())
        with runs.exported_folder() as folder:
            target = Path(folder) / "exported"
            exported.save(
                target,
                found.model,
                chains,
                {"run": logged.run_id, **card, "training": figures},
                familiar,
            )
            logged.metrics(cost(target, rows["text"].head(TIMED).tolist()))
            uri = logged.model(
                target, {"codebooks": [book.name for chain in chains for book in chain], "experiment": name}
            )
        logged.describe()
        verdict = promotion.Verdict(uri, "not registered: register=false")
        if settings.register:
            verdict = promotion.consider(logged.run_id, settings.alias)
        logged.tags({"verdict": verdict.reason})
    if child:
        child.finish(logged.run_id)
    if settings.report:
        report.write(Path(settings.report), found, kept, shown, elsewhere, codebook)
    if settings.export:
        exported.keep(project.checkout() / settings.export, found.model, chains, card, familiar, found.trained_on)
    return f"{summary}\n{verdict.reason}\nmodel  {verdict.uri}\nnext   {_next(verdict, codebook)}"


def behaviour_of(model: Any, codebook: Codebook) -> Behaviour | None:
    """What the model does with the behaviour cases, which are written for the ladder; None for other codebooks."""
    if codebook.name != "ladder":
        return None
    cases, swap = behaviour.read(project.checkout() / "data" / "behaviour")
    return behaviour.behave(cases, swap, lambda texts: model.predict_proba(texts) @ codebook.escalation)


def cost(folder: Path, texts: Sequence[str]) -> dict[str, float]:
    """Size and speed of an exported model: `model_mb`, `sentences_per_second` of `texts`, `example_ms` for docs/example.txt.

    Processor time, of all threads: what else the machine does must not decide between two models.
    """
    model = exported.load(folder)
    example = (project.checkout() / "docs" / "example.txt").read_text(encoding="utf-8")
    scorer = model.scorer()
    scorer.score([example])  # what is loaded when it is first needed is not counted
    began = time.process_time()
    scorer.score([example])
    scored = time.process_time()
    model.heads[0].predict_proba(list(texts))
    ended = time.process_time()
    return {
        "model_mb": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 2),
        "example_ms": round(1000 * (scored - began), 1),
        "sentences_per_second": round(len(texts) / max(ended - scored, 1e-9), 1),
    }


def sweep(
    folder: Path, codebook: Codebook, overrides: Sequence[str], settings: Settings, trial: int | None
) -> AbstractContextManager[sweeps.Child | None]:
    """A training's place in the sweep that keeps its things in `folder`; None while another process has it.

    Raises
    ------
    ConfigError
        The sweep goes by a metric that the training will not have.
    """
    metric = sweeps.Plan.of(folder).metric or f"cv.{metrics.headline(codebook)}"
    place, _, name = metric.partition(".")
    if trial is not None and place == "cv" and not settings.folds:
        raise ConfigError(f"a search by {metric} goes by cross-validation: set folds to 2 or more")
    known = metrics.flat(metrics.evaluate(codebook.names, np.eye(len(codebook.names)), codebook, resamples=0))
    if place in ("cv", "heldout") and name not in known:
        choices = ", ".join(one for one in known if "." not in one)
        raise ConfigError(f"no run has metric {metric!r}: choose cv. or heldout. with one of {choices}")
    return sweeps.child(folder, codebook.name, overrides, metric, trial)


def _log(
    logged: runs.Run,
    corpora: Sequence[Corpus],
    rows: pd.DataFrame,
    found: Measured,
    codebook: Codebook,
    summary: str,
    figures: Mapping[str, float],
) -> None:
    for corpus in corpora:
        logged.dataset(corpus.frame, corpus.name, corpus.sha256, "training")
    logged.dataset(found.held_out_rows, "held_out", found.held_out_digest, "held-out")
    logged.document({corpus.name: report.corpus_card(corpus) for corpus in corpora}, "corpora.json")
    values = dict(figures) | {"rows": len(rows), "rows_dropped_by_guard": sum(corpus.dropped for corpus in corpora)}
    for part, evaluations in (("cv", found.cross_validated), ("heldout", found.held_out)):
        for name, evaluation in evaluations.items():
            level = "" if name == codebook.name else f"{name}."
            values |= metrics.flat(evaluation, f"{part}.{level}")
            logged.document(metrics.to_mapping(evaluation), f"evaluation/{part}_{name}.json")
    logged.metrics(values)
    logged.tags({"held_out": found.held_out_digest})
    logged.document(summary + "\n", "summary.txt")
    logged.document(found.trained_on.to_csv(index=False), "trained_on.csv")
    logged.document(found.predictions.to_csv(index=False, float_format="%.5f"), "predictions.csv")


def _log_beyond(
    logged: runs.Run, tests: Sequence[Corpus], elsewhere: Mapping[str, Evaluation], behaved: Behaviour | None
) -> None:
    """Figures beyond the corpora trained on: other corpora, behaviour."""
    for corpus in tests:
        logged.dataset(corpus.frame, corpus.name, corpus.sha256, "test")
    for place, evaluation in elsewhere.items():
        logged.metrics(metrics.flat(evaluation, f"{place}."))
        logged.document(metrics.to_mapping(evaluation), f"evaluation/{place}.json")
    if behaved:
        logged.metrics(behaviour.flat(behaved))
        logged.document(behaviour.report(behaved, most=1000), "behaviour.txt")


def _next(verdict: promotion.Verdict, codebook: Codebook) -> str:
    if codebook.name != "ladder":
        return "escalation leaderboard"
    return "escalation score article.txt" + ("" if verdict.champion else f" --model {verdict.uri}")
