"""Finished runs side by side: the deciding metric on held-out rows with its interval, and who is champion."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from escalation import project
from escalation.errors import ModelError
from escalation.tracking import card, registry, store

COLUMNS = (
    "codebook",
    "experiment",
    "corpora",
    "model",
    "seeds",
    "metric",
    "held out",
    "macro F1",
    "ECE",
    "real news",
    "behaviour",
    "held-out set",
    "champion",
)


def leaderboard(codebook: str | None = None) -> list[dict[str, str]]:
    """One row an experiment, codebook and held-out set, the best first; runs that differ in the seed alone are one row.

    Parameters
    ----------
    codebook : str, optional
        Only this one.

    Returns
    -------
    list of dict with the keys `COLUMNS`
        `held out` is the metric with its 95 % interval; of several seeds mean ± standard deviation, and the mean interval.
    """
    mlflow = store.connect()
    with store.failures():
        experiments = [
            one for one in mlflow.search_experiments() if codebook in (None, one.name) and one.name != "Default"
        ]
        if not experiments:
            raise ModelError(
                f"no runs{f' under codebook {codebook}' if codebook else ''} yet: train one with `python train.py`"
            )
        runs = mlflow.search_runs(
            [one.experiment_id for one in experiments],
            "attributes.status = 'FINISHED'",
            output_format="list",
            max_results=5000,
        )
    alike: dict[tuple[str, ...], list[Any]] = {}
    best = {run.data.tags.get("best.run") for run in runs}  # of each sweep; the other trials of a search are noise here
    for run in runs:
        tags, parameters = run.data.tags, run.data.params
        passed_over = "search.trial" in tags and run.info.run_id not in best
        if "held_out" in tags and "rows" in parameters and not passed_over:
            settings = tuple(
                f"{key}={value}"
                for key, value in sorted(parameters.items())
                if key != "name" and key.rpartition(".")[2] not in ("seed", "random_state")
            )
            key = (tags["codebook"], tags["held_out"], tags["experiment"], *settings)
            alike.setdefault(key, []).append(run)
    if not alike:
        raise ModelError(
            f"no finished run{f' under codebook {codebook}' if codebook else ''} yet: train one with train.py"
        )
    champions = registry.champions()
    rows = [_row(group, champions) for group in alike.values()]
    rows.sort(
        key=lambda row: (
            row["codebook"] != "ladder",
            row["codebook"],
            row["held-out set"],
            -float(row["held out"].split()[0]),
        )
    )
    return rows


def markdown(rows: Sequence[Mapping[str, str]], folder: Path, codebook: str | None = None) -> str:
    """The leaderboard as a page to be kept in `folder`, which says so when it is of one codebook alone."""
    only = f" --codebook {codebook}` (without the codebook: all of them)" if codebook else "`"
    lines = [
        "# Leaderboard",
        "",
        f"Made by `escalation leaderboard --md{only}. Figures are of held-out rows and compare only within one held-out set.",
        "Models that hold none out (holdout=0: ladder_real, plv_svc and others) have cross-validated figures there.",
        "In brackets the 95 % bootstrap interval over held-out documents. Several seeds: their mean ± standard deviation, and",
        "the mean of their intervals. An experiment's name leads to its note. Real news: the metric on the annotated half that",
        "nothing is trained on (tests=[real_test]). Behaviour: % of direction / invariance / benign passed.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    linked = [{**row, "experiment": _linked(row["experiment"], folder)} for row in rows]
    lines += ["| " + " | ".join(row[column] for column in COLUMNS) + " |" for row in linked]
    return "\n".join(lines) + "\n"


def _linked(experiment: str, folder: Path) -> str:
    """The experiment with a link to its note, what it asks and found, if it has one."""
    note = project.checkout() / "experiments" / experiment.partition(" ")[0] / "README.md"
    return f"[{experiment}]({Path(os.path.relpath(note, folder)).as_posix()})" if note.is_file() else experiment


def _row(runs: Sequence[Any], champions: Mapping[str, str]) -> dict[str, str]:
    latest = {run.data.params["seed"]: run for run in sorted(runs, key=lambda run: run.info.start_time)}
    group = list(latest.values())
    first = group[0].data
    metric = "qwk" if "heldout.qwk" in first.metrics else "macro_f1"
    values = [run.data.metrics[f"heldout.{metric}"] for run in group]
    mean = fmean(values)
    low, high = (fmean(run.data.metrics[f"heldout.{metric}.{end}"] for run in group) for end in ("low", "high"))
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    figure = f"{mean:.3f}{spread} [{low:.3f}, {high:.3f}]"

    def average(name: str, scale: int = 1) -> str:
        figures = [run.data.metrics[name] for run in group if name in run.data.metrics]
        return f"{scale * fmean(figures):.{3 if scale == 1 else 0}f}" if figures else ""

    ids = {run.info.run_id for run in runs}
    return {
        "codebook": first.tags["codebook"],
        "experiment": first.tags["experiment"],
        "corpora": first.tags["corpora"],
        "model": card.model(first.params),
        "seeds": ", ".join(sorted(latest, key=int)),
        "metric": metric,
        "held out": figure,
        "macro F1": average("heldout.macro_f1"),
        "ECE": average("heldout.ece"),
        "real news": average("real_test.qwk"),
        "behaviour": " / ".join(
            average(f"behaviour.{test}", 100) for test in ("direction", "invariance", "benign")
        ).strip(" /"),
        "held-out set": first.tags["held_out"][:8],
        "champion": ", ".join(alias for alias, run_id in champions.items() if run_id in ids),
    }
