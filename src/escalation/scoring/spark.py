"""The engine on Spark: its workers read, score and write stretches of the input, each as the local engine would."""

import contextlib
import dataclasses
import os
import re
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalation.errors import ConfigError, EscalationError, InputError
from escalation.scoring import batch
from escalation.scoring.tables import pieces, reading

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

LOCAL = "local[*,4]"  # all cores; a task is tried four times, as on a cluster
MODEL = "escalation-model"  # what the model's folder is called on a worker

_BEGUN: dict[str, batch.Work] = {}  # of this process, which Spark keeps for many tasks


def run(
    plan: batch.Plan, located: Any, model: Mapping[str, str], master: str | None = None, resume: bool = False
) -> batch.Tally:
    """Score on Spark; the output is the same as that of the local engine, part by part.

    Parameters
    ----------
    plan : Plan
        The input and the output must be reached under the same addresses from all workers.
    located : dataclass with ``folder`` and ``load(threads)``
        The model. Its folder is sent to the workers, which need this package but neither torch nor the store.
    model : mapping
        What tells the model from others: its address and version.
    master : str, optional
        Of Spark; by default what spark-submit says, else all cores of this machine.
    resume : bool

    Raises
    ------
    ConfigError
        pyspark or Java is missing, or the master does not answer.
    InputError
        The output is there already or cannot be written, or a task failed four times.
    """

    def scored(done: Mapping[str, Any], _: Callable[[float, int], None]) -> Iterator[batch.Result]:
        with tempfile.TemporaryDirectory() as folder, _failures():
            packed = shutil.make_archive(str(Path(folder) / MODEL), "zip", located.folder)
            session.sparkContext.addArchive(f"{packed}#{MODEL}")
            stretches = _numbered(session, list(pieces.cut(plan.sources)))
            scorer = _Scorer(plan, located, uuid.uuid4().hex, stretches, frozenset(done))
            schema = "part string, rows long, errors long, first string, share double"
            for row in _mapped(session, len(stretches), scorer, schema):
                yield row["part"], [row["rows"], row["errors"]], row["first"], row["share"]

    session = _session(master)  # before anything is written
    try:
        return batch.finished(plan, model, resume, scored)
    finally:
        session.stop()


class _Scorer:
    """What a worker does with the stretches that it is given by their places."""

    def __init__(self, plan: batch.Plan, located: Any, call: str, stretches: list[reading.Piece], done: frozenset[str]):
        self.plan = plan
        self.located = located
        self.call = call
        self.stretches = stretches
        self.done = done

    def __call__(self, frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        job = self.plan.job
        for frame in frames:
            for place in frame["id"]:
                found = [
                    self._work()(chunk, {})
                    for chunk in reading.chunks(self.stretches[place], job.rows, job.most, self.plan.wanted)
                    if self.plan.part(chunk) not in self.done
                ]
                rows = [(part, *counts, first, share) for part, counts, first, share in found]
                yield pd.DataFrame(rows, columns=["part", "rows", "errors", "first", "share"])

    def _work(self) -> batch.Work:
        """The model is loaded once a process and call."""
        if self.call not in _BEGUN:
            from pyspark import SparkFiles

            _BEGUN.clear()
            here = dataclasses.replace(self.located, folder=Path(SparkFiles.get(MODEL)))
            _BEGUN[self.call] = batch.Work(self.plan, batch.lone(here)).begin()
        return _BEGUN[self.call]


def _numbered(session: "SparkSession", stretches: list[reading.Piece]) -> list[reading.Piece]:
    """The same with the numbers of their first lines, which the workers count."""
    unknown = [piece for piece in stretches if piece.stop >= 0 and piece.source.kind == "jsonl"]

    def counted(frames: "Iterator[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        for frame in frames:
            yield pd.DataFrame(
                {"id": frame["id"], "lines": [pieces.line_ends(unknown[place]) for place in frame["id"]]}
            )

    found = {row["id"]: row["lines"] for row in _mapped(session, len(unknown), counted, "id long, lines long")}
    ends = {unknown[place]: count for place, count in found.items()}
    return pieces.numbered(stretches, ends)


def _mapped(session: "SparkSession", count: int, work: Any, schema: str) -> list[Any]:
    """Rows that `work` makes of the numbers 0 … count - 1, each in a task of its own."""
    if not count:
        return []
    return list(session.range(0, count, 1, numPartitions=count).mapInPandas(work, schema).collect())


def _session(master: str | None) -> "SparkSession":
    # of pyspark about pandas 3, of which nothing but frames of plain columns is used here
    warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError("Spark is missing: pip install -e '.[spark]', and Java 17 or later") from None
    under_submit = "PYSPARK_GATEWAY_PORT" in os.environ
    home = os.environ.get("JAVA_HOME")
    if not under_submit and not (Path(home, "bin", "java").is_file() if home else shutil.which("java")):
        raise ConfigError(f"Spark takes Java 17 or later, and there is none{f' in JAVA_HOME ({home})' if home else ''}")
    chosen = re.sub(r"^local\[(\*|\d+)\]$", r"local[\1,4]", master or ("" if under_submit else LOCAL))
    if chosen.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("escalation batch")
    builder = builder.master(chosen) if chosen else builder
    # a row is a stretch of the input; what is in memory of one is bounded where it is read
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", 1)
    builder = builder.config("spark.ui.enabled", "false") if chosen.startswith("local") else builder
    try:
        session = builder.getOrCreate()
    except PySparkException as error:
        raise ConfigError(
            f"Spark does not start: is Java 17 or later installed (java -version)? {_line(error)}"
        ) from error
    except Exception as error:  # Java's own, by way of py4j
        raise ConfigError(f"Spark does not start at {chosen}: {_line(error)}") from error
    session.sparkContext.setLogLevel("OFF")  # what fails is said once, by us
    return session


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """What workers raise becomes one line."""
    try:
        yield
    except EscalationError:
        raise
    except Exception as error:
        ours = re.search(r"escalation\.errors\.\w+: (.+)", str(error))
        raise InputError(ours[1] if ours else f"Spark failed: {_line(error)}") from error


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
