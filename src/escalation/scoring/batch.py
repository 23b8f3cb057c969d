"""Files of articles in, files of scores out: in streams, over all cores, in parts that a second call goes on from."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from escalation import __version__
from escalation.errors import ConfigError, InputError
from escalation.progress import share
from escalation.scoring import rows
from escalation.scoring.article import ArticleScorer
from escalation.scoring.documents import LIMIT
from escalation.scoring.tables import columns, parts, pieces, reading, sources, writing
from escalation.scoring.workers import scattered

if TYPE_CHECKING:
    import pyarrow as pa

MODELS = ("models:/escalation@batch", "models:/escalation@champion")  # the first that there is
FORMATS = ("jsonl", "csv", "parquet")
PART_ROWS = 1000

Load = Callable[[], ArticleScorer]


@dataclass(frozen=True)
class Job:
    """What is scored, and what comes out.

    Parameters
    ----------
    source : str
        A file, a folder or a glob; fsspec addresses too.
    target : str
        A file with the suffix of its format, or a folder, which gets a file a part.
    column : str
        Which holds the texts.
    html : bool
        Whether they are pages of HTML.
    keep : list of str, optional
        Columns of the input that the output has; by default all.
    sentences : bool
        Whether the output has the sentences too, as a nested column.
    format : {"jsonl", "csv", "parquet"}, optional
        By default what the target's suffix says, else that of the first file.
    rows : int
        Most articles of a part.
    most : int
        Bytes of the longest text that is taken.
    """

    source: str
    target: str
    column: str = "text"
    html: bool = False
    keep: tuple[str, ...] | None = None
    sentences: bool = False
    format: str | None = None
    rows: int = PART_ROWS
    most: int = LIMIT


@dataclass(frozen=True)
class Plan:
    """A job whose input has been looked at. It pickles, and says all that a process needs beside the model.

    Parameters
    ----------
    job : Job
    sources : list of Source
    form : str
        Format of the output.
    single : bool
        Whether the parts become one file.
    folder : Folder
        Of the parts.
    own : pyarrow.Schema or None
        The input's columns in the output; None for JSON, whose rows each have their own.
    """

    job: Job
    sources: list[sources.Source]
    form: str
    single: bool
    folder: parts.Folder
    own: "pa.Schema | None"

    def part(self, chunk: reading.Chunk) -> str:
        """Name of the part of a chunk."""
        return f"{parts.PREFIX}{chunk.name}.{self.form}"

    @property
    def wanted(self) -> list[str] | None:
        """Columns that must be read; None for all."""
        return None if self.job.keep is None else [*self.job.keep, self.job.column]


@dataclass
class Tally:
    """What became of the rows."""

    rows: int = 0
    errors: int = 0
    first: str = ""
    seconds: float = 0.0
    new: int = 0

    def add(self, counts: Iterable[int], first: str = "") -> None:
        """Rows of a part, and those of them with an error."""
        rows, errors = counts
        self.rows += rows
        self.errors += errors
        self.first = self.first or first

    def line(self) -> str:
        """In a sentence."""
        pace = f", {self.new / self.seconds:,.0f} a second" if self.seconds > 0 and self.new else ""
        said = f"{self.rows - self.errors:,} of {self.rows:,} articles scored in {self.seconds:,.1f} s{pace}"
        if not self.errors:
            return said
        example = f"; the first: {self.first}" if self.first else ""
        return f"{said}; {self.errors:,} have none, their column `error` says why{example}"


def plan(job: Job) -> Plan:
    """Look at the input and the output of a job.

    Raises
    ------
    ConfigError, InputError
        The input has no such column, a format is unknown, there is no input, a figure is out of its range.
    """
    if job.rows < 1:
        raise ConfigError(f"--part-rows is {job.rows}: it must be at least 1")
    form, single = _form(job)
    given = sources.found(job.source)
    form = form or ("csv" if given[0].kind == "tsv" else given[0].kind)
    _check_column(given, job)
    folder = parts.Folder(f"{job.target}.parts" if single else job.target)
    own = None if form == "jsonl" else columns.typed(given, job.most, job.keep)
    unknown = [name for name in job.keep or () if own is not None and name not in own.names]
    if unknown:
        raise ConfigError(f"no column {', '.join(unknown)} to keep in {job.source}")
    return Plan(job, given, form, single, folder, own)


def run(plan: Plan, load: Load, model: Mapping[str, str], processes: int | None = None, resume: bool = False) -> Tally:
    """Score on this machine.

    Parameters
    ----------
    plan : Plan
    load : callable
        Gives the scorer; called in every process, so it must pickle.
    model : mapping
        What tells the model from others: its address and version.
    processes : int, optional
        By default one a core.
    resume : bool
        Whether to go on with what an earlier call has left.

    Raises
    ------
    InputError
        The output is there already, or was begun from something else.
    """
    if processes is not None and processes < 1:
        raise ConfigError(f"--workers is {processes}: it must be at least 1")
    work = Work(plan, load)

    def scored(done: Mapping[str, Any], advance: Callable[[float, int], None]) -> Iterator[Result]:
        def fresh() -> Iterator[reading.Chunk]:
            for chunk in pieces.in_turn(pieces.cut(plan.sources), plan.job.rows, plan.job.most, plan.wanted):
                if plan.part(chunk) in done:
                    advance(chunk.share, 0)
                else:
                    yield chunk

        return scattered(fresh(), work.begin, processes or len(os.sched_getaffinity(0)))

    return finished(plan, model, resume, scored)


Result = tuple[str, list[int], str, float]  # part, its rows and errors, the first error, bytes of the input
Scored = Callable[[Mapping[str, Any], Callable[[float, int], None]], Iterator[Result]]


def finished(plan: Plan, model: Mapping[str, str], resume: bool, scored: Scored) -> Tally:
    """Write what an engine scores: begin or go on, keep the manifest, make one file of the parts where one is wanted.

    Parameters
    ----------
    scored : callable
        Called with the parts that are there and with what shows progress; gives the result of each new part.
    """
    began, tally = time.monotonic(), Tally()
    whole = _there(plan, resume)
    made = parts.Parts(plan.folder, _facts(plan, model))
    made.open(resume, whole)
    for name in made.unlisted:
        made.add(name, writing.counted(plan.folder.read(name) or b"", plan.form))
    for counts in made.done.values():
        tally.add(counts)
    if not made.finished:
        with share("articles", sources.total(plan.sources)) as advance:
            try:
                for name, counts, first, size in scored(dict(made.done), advance):
                    made.add(name, counts)
                    tally.add(counts, first)
                    tally.new += counts[0]
                    advance(size, counts[0])
            finally:
                made.save()
        if plan.single:
            _join(plan, sorted(made.done))
        else:
            made.save(finished=True)
    if plan.single:
        plan.folder.remove()
    tally.seconds = time.monotonic() - began
    return tally


class Work:
    """Scores a chunk and writes its part.

    Parameters
    ----------
    plan : Plan
    load : callable
        Gives the scorer.
    """

    def __init__(self, plan: Plan, load: Load):
        self.plan = plan
        self.load = load
        self.scorer: rows.RowScorer | None = None

    def begin(self) -> "Work":
        """Load the model, once a process."""
        job = self.plan.job
        self.scorer = rows.RowScorer(self.load(), job.html, job.most, job.sentences)
        return self

    def __call__(
        self, chunk: reading.Chunk, lost: Mapping[int, str], report: Callable[[int | None], None] | None = None
    ) -> Result:
        """Write the part of a chunk.

        Parameters
        ----------
        chunk : Chunk
        lost : mapping
            Rows that are not to be looked at, and why.
        report : callable, optional
            Called with each row, then with None.
        """
        assert self.scorer
        found, faults = rows.records(chunk)
        names = rows.places(chunk)
        for row, why in lost.items():
            faults[row] = f"{names[row]}: {why}"
        values, faults = self._values(found, faults, names)
        scores = self.scorer(values, names, faults, report)
        if report:
            report(None)
        self.plan.folder.write(self.plan.part(chunk), self.encoded(found, scores))
        errors = [score["error"] for score in scores if score["error"]]
        return self.plan.part(chunk), [len(scores), len(errors)], next(iter(errors), ""), chunk.share

    def _values(self, found: Any, faults: list[str | None], names: list[str]) -> tuple[list[Any], list[str | None]]:
        """The column of texts, and the faults with those of rows that lack it."""
        column = self.plan.job.column
        if not isinstance(found, list):
            if column in found.column_names:
                return found[column].to_pylist(), faults
            return [None] * len(found), [f"{name} has no column {column!r}" for name in names]
        missing = [fault or (None if column in row else f"{name} has no column {column!r}")
                   for row, fault, name in zip(found, faults, names, strict=True)]  # fmt: skip
        return [row.get(column) for row in found], missing

    def encoded(self, found: Any, scores: list[Mapping[str, Any]]) -> bytes:
        """Rows and their scores as the bytes of a part."""
        plan, job = self.plan, self.plan.job
        assert self.scorer
        if plan.form == "parquet":
            added = writing.score_schema(self.scorer.scorer.codebook.names, job.sentences)
            return writing.as_parquet(found, scores, plan.own, added)
        listed = found if isinstance(found, list) else found.to_pylist()
        if plan.form == "csv":
            assert plan.own is not None
            return writing.as_csv(listed, scores, plan.own.names, writing.fields(job.sentences))
        if job.keep is not None:
            listed = [{name: row[name] for name in job.keep if name in row} for row in listed]
        return writing.as_jsonl(listed, scores)


def _form(job: Job) -> tuple[str | None, bool]:
    """Format that the target or the user names, and whether the target is one file."""
    suffix = PurePosixPath(job.target).suffix.lower().removeprefix(".")
    if suffix in FORMATS:
        if job.format not in (None, suffix):
            raise ConfigError(f"{job.target} is to be {job.format}: give it that suffix, or leave --format out")
        return suffix, True
    if suffix in ("gz", "bz2", "xz", "tsv", "ndjson", "json", "pq"):
        raise ConfigError(f"cannot write .{suffix}: name a folder, or a file that ends in .{', .'.join(FORMATS)}")
    return job.format, False


def _check_column(given: list[sources.Source], job: Job) -> None:
    """Refuse a job whose files all lack the column."""
    seen: dict[str, None] = {}
    for source in given:
        try:
            names = columns.peeked(source, job.most)
        except reading.DAMAGE:
            continue
        if job.column in names:
            return
        seen.update(dict.fromkeys(names))
    if seen:
        raise ConfigError(
            f"no column {job.column!r} in {job.source}: name the texts' by --text-column or --html-column; there are "
            f"{', '.join(list(seen)[:30])}"
        )


def _there(plan: Plan, resume: bool) -> bool:
    """Whether the one file is there, made by an earlier call that was killed before it had deleted the parts."""
    if not plan.single:
        return False
    system, path = sources.store(plan.job.target)
    there = bool(system.exists(path))
    if there and not (resume and parts.MANIFEST in plan.folder.names()):
        raise InputError(f"{plan.job.target} exists: delete it, or name another output")
    return there


def _facts(plan: Plan, model: Mapping[str, str]) -> dict[str, Any]:
    """What must be the same for a second call to go on; the engine need not."""
    options = {name: value for name, value in asdict(plan.job).items() if name not in ("source", "target")}
    given = [list(one) for one in sources.names(plan.sources)]
    return {"version": __version__, "stretch": pieces.SIZE, "model": dict(model), "options": options, "input": given}


def _join(plan: Plan, names: list[str]) -> None:
    skipped = 0
    if plan.form == "csv":
        assert plan.own is not None
        skipped = len(writing.as_csv([], [], plan.own.names, writing.fields(plan.job.sentences)))
    parts.join(plan.folder, names, plan.job.target, skipped)


def _load(located: Any) -> ArticleScorer:
    scorer: ArticleScorer = located.load(threads=1).scorer()
    return scorer


def lone(located: Any) -> Load:
    """What loads a located model for a process that has one core to itself.

    Parameters
    ----------
    located : object with ``load(threads) -> object with scorer()``
    """
    return partial(_load, located)
