"""A run read back from the store: found by id, prefix, alias or name, with what it logged."""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from escalation import project
from escalation.codebook import Codebook
from escalation.corpora import split
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import load
from escalation.errors import CorpusError, EscalationError, ModelError, StoreError
from escalation.evaluation import behaviour
from escalation.evaluation.behaviour import Told
from escalation.tracking import registry, store

KEY = ["source", "id"]  # what names a row: ids are unique within a corpus


@dataclass(frozen=True)
class Logged:
    """What a run logged; documents are read when they are asked for.

    Parameters
    ----------
    run : mlflow.entities.Run
    client : mlflow.MlflowClient
    """

    run: Any
    client: Any

    @property
    def id(self) -> str:
        """Run id."""
        return str(self.run.info.run_id)

    @property
    def name(self) -> str:
        """Name of the run, as the UI shows it."""
        return str(self.run.info.run_name)

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags."""
        return dict(self.run.data.tags)

    @property
    def parameters(self) -> Mapping[str, str]:
        """Parameters, as strings."""
        return dict(self.run.data.params)

    @property
    def metrics(self) -> Mapping[str, float]:
        """Last value of every metric."""
        return dict(self.run.data.metrics)

    @property
    def held_out(self) -> str:
        """Fingerprint of the held-out rows."""
        return self.tags.get("held_out", "")

    @property
    def held_none_out(self) -> bool:
        """Whether its held-out figures are those of cross-validation, and its model learnt from every row."""
        return self.parameters.get("holdout", "") in ("0", "0.0")

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration."""
        return yaml.safe_load(self._text("config.yaml")) or {}

    @cached_property
    def codebook(self) -> Codebook:
        """The run's own codebook, as it was then."""
        return Codebook.from_mapping(self.config["codebook"])

    @cached_property
    def corpora(self) -> Mapping[str, Mapping[str, Any]]:
        """Rows, rows dropped by the guard and sha256 of every corpus trained on."""
        found: dict[str, Mapping[str, Any]] = json.loads(self._text("corpora.json"))
        return found

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The rows that the run's held-out figures are of: `source, id, group, label` and a probability a label.

        Raises
        ------
        ModelError
            The run was logged by a version that kept less.
        """
        with self._file("predictions.csv") as path:
            table = pd.read_csv(path, dtype={"id": str, "source": str, "group": str}, keep_default_na=False)
        wanted = [*KEY, "group", "label", "part", *self.codebook.names]
        if not set(wanted) <= set(table.columns):
            raise self._older("its predictions.csv lacks columns")
        rows: pd.DataFrame = table.loc[table["part"] == table["part"].iloc[-1], wanted].reset_index(drop=True)
        return rows

    @cached_property
    def behaviour(self) -> Told | None:
        """What the behaviour report tells; None for runs without one."""
        if not any(name.startswith("behaviour.") for name in self.metrics):
            return None
        return behaviour.told(self._text("behaviour.txt"))

    @cached_property
    def trained_on(self) -> tuple[frozenset[str], frozenset[str]]:
        """Hashes of the texts, and documents, that the model learnt from.

        Raises
        ------
        ModelError
            The run was logged by a version that did not keep them.
        """
        with self._file("trained_on.csv") as path:
            return split.read_traces(path)

    @property
    def model_uri(self) -> str:
        """Address of the model that the run logged.

        Raises
        ------
        ModelError
            It logged none.
        """
        outputs = self.run.outputs.model_outputs if self.run.outputs else []
        if not outputs:
            raise ModelError(f"{self} logged no model: train it again with train.py")
        return f"models:/{outputs[-1].model_id}"

    def texts(self) -> tuple[pd.DataFrame, list[str]]:
        """The rows of the run's corpora that are here, and what is missing.

        Returns
        -------
        DataFrame
            `source, id, text, document, before, after`.
        list of str
            For each corpus without texts, why.
        """
        frames, missing = [], []
        specs = {name: CorpusSpec.from_mapping(spec) for name, spec in self.config["corpora"].items()}
        for name, spec in specs.items():
            try:
                corpus = load(spec, self.codebook, project.codebooks())
            except EscalationError as error:
                missing.append(f"{name}: {error}")
                continue
            if corpus.sha256 != self.corpora.get(name, {}).get("sha256"):
                missing.append(f"{name}: it has changed since")
                continue
            frames.append(corpus.frame.rename(columns={"group": "document"}))
        columns = [*KEY, "text", "document", "before", "after"]
        return (pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)), missing

    def probabilities(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """The run's own answers among `rows`, shape (n, n_labels)."""
        table: NDArray[np.float64] = rows[self.codebook.names].to_numpy(dtype=float)
        return table

    def require_finished(self) -> None:
        """Refuse a run that has nothing to show.

        Raises
        ------
        ModelError
            It failed, was killed, still runs, or is the parent of a sweep.
        """
        if self.tags.get("kind") == "sweep":
            best = self.tags.get("best.run", "")
            child = f"; its best is {best}" if best else ""
            raise ModelError(f"{self} is a sweep, which has no model of its own: name one of its children{child}")
        status = str(self.run.info.status)
        if status != "FINISHED":
            raise ModelError(
                f"{self} is {status.lower()}: choose a finished run, `escalation leaderboard` and the UI list them"
            )
        if not self.held_out or "codebook" not in self.tags:
            raise self._older("it has no held-out set")

    def _text(self, path: str) -> str:
        with self._file(path) as found:
            return found.read_text(encoding="utf-8")

    def _file(self, path: str) -> "_Artifact":
        from mlflow.exceptions import MlflowException

        folder = tempfile.TemporaryDirectory(prefix="escalation-")
        try:
            return _Artifact(folder, Path(self.client.download_artifacts(self.id, path, folder.name)))
        except (MlflowException, OSError) as error:
            folder.cleanup()
            with store.failures():
                there = {one.path for one in self.client.list_artifacts(self.id)}
            if not there:
                raise ModelError(
                    f"{self} has nothing at {self.run.info.artifact_uri}: it was logged by an older version (train it again), "
                    "or the folder is gone (put it back)"
                ) from error
            if path not in there:
                raise self._older(f"it has no {path}") from error
            told = " ".join(str(error).split())[:200]
            raise StoreError(
                f"cannot read {path} of {self} at {self.run.info.artifact_uri} ({told}): see that the file can be read"
            ) from error

    def _older(self, what: str) -> ModelError:
        return ModelError(f"{self} was logged by an older version, {what}: train it again with train.py")

    def __str__(self) -> str:
        return f"run {self.id[:8]} ({self.name})"


@dataclass(frozen=True)
class _Artifact:
    """A downloaded file that is gone after the block."""

    folder: tempfile.TemporaryDirectory[str]
    path: Path

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def by_id(run_id: str) -> Logged:
    """The run of an id."""
    client = store.connect().MlflowClient()
    with store.failures():
        return Logged(client.get_run(run_id), client)


def find(wanted: str, alias_first: bool = True) -> Logged:
    """A run by alias (champion), by id or the start of one, or by name; of several of one name, the latest finished.

    A name is the run's, or the experiment's with or without what the command line changed in it.

    Parameters
    ----------
    wanted : str
    alias_first : bool
        Whether an alias comes before an experiment of that name (there is one called champion), or after it.

    Raises
    ------
    ModelError
        There is none, or the start of an id fits several.
    """
    mlflow = store.connect()
    client = mlflow.MlflowClient()
    aliases = registry.champions()
    if alias_first and wanted in aliases:
        return by_id(aliases[wanted])
    with store.failures():
        runs = mlflow.search_runs(
            [one.experiment_id for one in mlflow.search_experiments()], output_format="list", max_results=50_000
        )
    if re.fullmatch("[0-9a-f]{4,32}", wanted):
        found = [run for run in runs if run.info.run_id.startswith(wanted)]
        if len(found) > 1:
            ids = ", ".join(run.info.run_id[:12] for run in found[:5])
            raise ModelError(f"{wanted} is the start of {len(found)} run ids ({ids}): give more of it")
        if found:
            return Logged(found[0], client)
    exact = [run for run in runs if wanted in (run.info.run_name, run.data.tags.get("experiment"))]
    fitting = exact or [run for run in runs if wanted == run.data.tags.get("experiment", "").partition(" ")[0]]
    if not fitting and wanted in aliases:
        return by_id(aliases[wanted])
    if not fitting:
        names = sorted({run.data.tags["experiment"] for run in runs if "experiment" in run.data.tags})
        known = f": there are {', '.join(names[:12])}" if names else " yet: train one with `python train.py`"
        raise ModelError(f"no run {wanted!r}{known}" + (" (or give a run id)" if names else ""))
    return Logged(max(fitting, key=lambda run: (run.info.status == "FINISHED", run.info.start_time)), client)


def shared(first: Logged, second: Logged) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both runs' answers to the rows that either gave without having learnt from them, in the same order.

    Rows of corpora that changed between the runs are left out.
    """
    same = [
        name
        for name, one in first.corpora.items()
        if one["sha256"] == second.corpora.get(name, {}).get("sha256") and first.codebook.names == second.codebook.names
    ]
    one, two = (run.predictions[run.predictions["source"].isin(same)] for run in (first, second))
    rows = one[KEY].merge(two[KEY], on=KEY)
    return rows.merge(one, on=KEY, how="left"), rows.merge(two, on=KEY, how="left")


def tied(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """Groups of the same rows in two runs: rows that either ties together are one, since each knows its own corpora's ties."""
    names = [pd.Series([group or f"row {row}" for row, group in enumerate(one["group"])]) for one in (first, second)]
    return [str(one) for one in split.tied(*names)]


def aligned(first: Logged, second: Logged) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both runs' answers to the same held-out rows, in the same order.

    Raises
    ------
    ModelError
        Codebooks, their labels, or held-out rows differ.
    """
    books = [one.tags["codebook"] for one in (first, second)]
    if books[0] != books[1]:
        raise ModelError(f"{first} answers codebook {books[0]} and {second} {books[1]}: compare runs of one codebook")
    if first.codebook.names != second.codebook.names:
        raise ModelError(f"codebook {books[0]} had other labels in {first} than in {second}: train one of them again")
    if first.held_out != second.held_out:
        raise ModelError(
            f"{first} was measured on held-out set {first.held_out[:8]}, {second} on {second.held_out[:8]}: compare runs "
            "with the same corpora, holdout, holdout_seed and rows"
        )
    one, two = (run.predictions.sort_values(KEY).reset_index(drop=True) for run in (first, second))
    if not one[[*KEY, "label"]].equals(two[[*KEY, "label"]]):
        raise CorpusError(f"the rows of {first} and {second} have other ids: train one of them again")
    return one, two
