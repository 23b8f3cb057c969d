"""A sweep in the store: one run above its children, each named by what differs, and what they show together."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from escalation import files
from escalation.errors import ConfigError
from escalation.evaluation import sweep_plots
from escalation.evaluation.importance import importance
from escalation.searching import Trial
from escalation.tracking import runs, store

PLAN, PARENT, CLAIMS = "sweep.json", "parent_run", ".claims"
VALUES = "sweep.values"
DECIDING = ("cv.qwk", "cv.macro_f1", "heldout.qwk", "heldout.macro_f1")  # the first that all children have
MOST = 30  # children in the table of the run's description


@dataclass(frozen=True)
class Plan:
    """What a sweep is, kept in its folder for its children and for who goes on with it.

    Parameters
    ----------
    title : str
        Name of the run above the children.
    swept : list of str
        Keys that differ between children.
    metric : str or None
        As it is logged (`cv.qwk`); None: the deciding one.
    direction : {"maximize", "minimize"}
    fixed : list of str or None
        Words that are the same for all children and change what they learn; None: a plan that was kept before there were any.
    """

    title: str
    swept: list[str]
    metric: str | None = None
    direction: str = "maximize"
    fixed: list[str] | None = None

    def keep(self, folder: Path) -> None:
        """Write it, or find that the folder holds the same.

        Raises
        ------
        ConfigError
            The folder is another sweep's.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{PLAN}.lock"):
            if (folder / PLAN).is_file():
                kept = Plan.of(folder)
                for name in ("swept", "metric", "direction"):
                    before, now = getattr(kept, name), getattr(self, name)
                    if before != now:
                        raise ConfigError(
                            f"{folder} holds a sweep with {name} {before}, this has {now}: choose another hydra.sweep.dir"
                        )
                self._same_words(kept, folder)
            else:
                files.write_text(folder / PLAN, json.dumps(asdict(self), indent=1) + "\n")

    def _same_words(self, kept: "Plan", folder: Path) -> None:
        """Refuse other fixed words: the best of two corpora's scores would say nothing."""
        if kept.fixed is None or self.fixed is None or kept.fixed == self.fixed:
            return
        before, now = (
            " ".join(word for word in one if word not in other) or "no such word"
            for one, other in ((kept.fixed, self.fixed), (self.fixed, kept.fixed))
        )
        raise ConfigError(
            f"{folder} holds a sweep with {before}, this has {now}: give the same words, or choose another hydra.sweep.dir"
        )

    @classmethod
    def of(cls, folder: Path) -> "Plan":
        """The plan of a sweep's folder."""
        return cls(**json.loads((folder / PLAN).read_text(encoding="utf-8")))

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.direction == "maximize" else -1


@dataclass(frozen=True)
class Child:
    """A training's place in a sweep.

    Parameters
    ----------
    folder : Path
    run_id : str
        The run above all children.
    key : str
        What the command line sets for this child, hashed.
    values : dict of str to str
        What differs from other children.
    metric : str
        What decides, for a search.
    done : str
        Run id of a child with the same settings that finished before; '' for none.
    trial : Trial, optional
        Of a search.
    """

    folder: Path
    run_id: str
    key: str
    values: Mapping[str, str]
    metric: str
    done: str = ""
    trial: Trial | None = None
    folds: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What differs."""
        return named(self.values)

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the child's run, set before anything else."""
        trial = {"search.trial": str(self.trial.number)} if self.trial else {}
        return {runs.SWEEP_KEY: self.key, VALUES: json.dumps(dict(self.values)), **trial}

    def fold(self, step: int, figures: Mapping[str, float]) -> None:
        """Hear of a fold; a search may end the training here, by the mean of the folds so far.

        Raises
        ------
        Pruned
        """
        place, _, name = self.metric.partition(".")
        if self.trial and place == "cv" and name in figures:
            self.folds.append(figures[name])
            self.trial.report(step, sum(self.folds) / len(self.folds))

    def finish(self, run_id: str) -> None:
        """Tell the search, and the run above, what came out.

        Raises
        ------
        ConfigError
            The run has no such metric.
        """
        if self.trial:
            with store.failures():
                found = store.connect().MlflowClient().get_run(run_id).data.metrics
            _tell(self.trial, self.metric, found)
        summarise(self.folder, pictures=False)


def named(values: Mapping[str, str]) -> str:
    """A child's name."""
    return " ".join(f"{key}={value}" for key, value in values.items()) or "the only one"


@contextlib.contextmanager
def child(
    folder: Path, codebook: str, overrides: Sequence[str], metric: str, trial: int | None
) -> Iterator[Child | None]:
    """The place of the child with these overrides in the sweep of `folder`; None while another process trains it.

    The first child to ask makes the run above. A sweep that was killed goes on when it is started again with the same
    folder: what it has finished is not repeated.
    """
    plan, key = Plan.of(folder), hashlib.sha256("\n".join(overrides).encode()).hexdigest()[:16]
    pairs = [one.lstrip("+~").partition("=") for one in overrides]
    values = {name: value for name, _, value in pairs if name in plan.swept}
    (folder / CLAIMS).mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:  # the system frees it when the process ends, however it ends
            stack.enter_context(FileLock(folder / CLAIMS / f"{key}.lock", blocking=False))
        except Timeout:
            yield None
            return
        client = store.connect().MlflowClient()
        experiment_id = store.experiment(codebook)
        kept = folder / PARENT
        with FileLock(folder / f"{PARENT}.lock"), store.failures():
            if not kept.is_file():
                tags = {"kind": "sweep", **runs.provenance()}
                run_id = client.create_run(experiment_id, run_name=plan.title, tags=tags).info.run_id
                client.set_terminated(
                    run_id
                )  # it never runs itself, and a killed sweep leaves nothing that looks alive
                files.write_text(kept, str(run_id))
            run_id = kept.read_text(encoding="utf-8").strip()
            same = f"tags.`mlflow.parentRunId` = '{run_id}' and tags.`{runs.SWEEP_KEY}` = '{key}'"
            before = client.search_runs([experiment_id], same)
            done = [run for run in before if run.info.status == "FINISHED"]
            for run in before:
                if run.info.status == "RUNNING":  # we hold its lock: its process is gone
                    client.set_terminated(run.info.run_id, "KILLED")
        opened = Trial(folder, trial) if trial is not None else None
        if opened and done:  # it was cut off before it could tell, or drawn again
            _tell(opened, metric, done[0].data.metrics)
        yield Child(folder, run_id, key, values, metric, done[0].info.run_id if done else "", opened)


def summarise(folder: Path, pictures: bool = True) -> str:
    """Show the best child on the run above, with a table and pictures of all; what to say of it, '' without children.

    Raises
    ------
    ConfigError
        No child has the metric.
    """
    if not (folder / PARENT).is_file():
        return ""
    plan, run_id = Plan.of(folder), (folder / PARENT).read_text(encoding="utf-8").strip()
    mlflow = store.connect()
    client = mlflow.MlflowClient()
    with store.failures(), store.lock():
        places = [one.experiment_id for one in mlflow.search_experiments()]
        every = client.search_runs(places, f"tags.`mlflow.parentRunId` = '{run_id}'", max_results=5000)
        finished = [run for run in every if run.info.status == "FINISHED"]
        if not finished:
            return ""
        had = set.intersection(*(set(run.data.metrics) for run in finished))
        metric = plan.metric or next(name for name in DECIDING if name in had)
        if metric not in had:
            raise _unknown(metric, had)
        finished.sort(key=lambda run: -plan.sign * run.data.metrics[metric])
        best = finished[0]
        values = [json.loads(run.data.tags[VALUES]) for run in finished]
        figures = [run.data.metrics[metric] for run in finished]
        client.log_metric(run_id, f"best.{metric}", figures[0])
        kept = {"best.run": best.info.run_id, **{f"best.{key}": value for key, value in values[0].items()}}
        lost = {state: sum(_state(run) == state for run in every) for state in ("pruned", "failed", "killed")}
        kept["mlflow.note.content"] = _note(plan, metric, finished, values, lost)
        for key, value in kept.items():
            client.set_tag(run_id, key, value)
        if pictures and len(finished) > 1:
            shown = {"parallel_coordinates.png": sweep_plots.parallel_coordinates(values, figures, metric, plan.sign)}
            shares, how = importance(values, figures)
            if shares:
                shown["importance.png"] = sweep_plots.importances(shares, how, metric, len(finished))
            for path, figure in shown.items():
                client.log_figure(run_id, figure, path, save_kwargs={"dpi": 120})
    others = "".join(f", {count} {state}" for state, count in lost.items() if count)
    return (
        f"sweep  {len(finished)} children finished{others}; best {metric} {figures[0]:.3f}: {named(values[0])}\n"
        f"next   escalation promote {best.info.run_id[:12]}"
    )


def _tell(trial: Trial, metric: str, figures: Mapping[str, float]) -> None:
    if metric not in figures:
        raise _unknown(metric, figures)
    trial.finish(figures[metric])


def _state(run: Any) -> str:
    """How a child ended."""
    return str(run.data.tags.get(runs.STATE, run.info.status)).lower()


def _note(
    plan: Plan, metric: str, finished: Sequence[Any], values: Sequence[Mapping[str, str]], lost: Mapping[str, int]
) -> str:
    """The children in Markdown, the best first."""
    lines = [f"# {plan.title}", "", f"Best child `{finished[0].info.run_id}` by `{metric}` ({plan.direction}):", ""]
    lines += [f"- `{key}={value}`" for key, value in values[0].items()]
    told = ", ".join(f"{count} {state}" for state, count in lost.items() if count)
    lines += ["", f"{len(finished)} finished{f'; {told}' if told else ''}. Pictures are among the artifacts."]
    lines += ["", "| " + " | ".join([*plan.swept, metric, "run"]) + " |", "|---" * (len(plan.swept) + 2) + "|"]
    for run, row in list(zip(finished, values, strict=True))[:MOST]:
        cells = [
            *(row.get(key, "") for key in plan.swept),
            f"{run.data.metrics[metric]:.4f}",
            f"`{run.info.run_id[:8]}`",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _unknown(metric: str, names: Any) -> ConfigError:
    known = sorted(name for name in names if name.startswith(("cv.", "heldout.")) and name.count(".") == 1)
    return ConfigError(
        f"no run of the sweep has metric {metric!r}: it may be {', '.join(known)}, or any that the UI shows"
    )
