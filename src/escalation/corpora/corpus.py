"""A labelled corpus: rows checked against a codebook, cached through `datasets`, handed to training as pandas."""

import contextlib
import hashlib
import inspect
import json
import pkgutil
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from escalation import files, project
from escalation.codebook import Codebook, chain
from escalation.corpora.catalogue import CorpusSpec, ensure
from escalation.corpora.split import grouped, guarded, held_out_hashes, text_hash
from escalation.errors import ConfigError, CorpusError, InputError

COLUMNS = ["id", "text", "label", "group", "source", "date", "before", "after"]
_ARGUMENTS: dict[type, tuple[Any, str]] = {  # what an argument of a reader may be, by the type of its default
    str: (str, "a column name"),
    bool: (bool, "true or false"),
    tuple: ((str, list), "a column name or a list of them"),
}


class NoLabelsError(CorpusError):
    """A corpus that says nothing in a codebook."""


@dataclass(frozen=True)
class Corpus:
    """Rows under one codebook.

    Parameters
    ----------
    name : str
    codebook : Codebook
    frame : DataFrame
        Columns `id, text, label, group, source, date, before, after`, all strings; `label` is a label name; `date` and
        the sentences `before` and `after` may be ''.
    sha256 : str
        Over the bytes of the files that it was read from.
    dropped : int
        Rows that the contamination guard took out.
    """

    name: str
    codebook: Codebook
    frame: pd.DataFrame
    sha256: str
    dropped: int = 0


def check(frame: pd.DataFrame, name: str, relational: bool = False) -> None:
    """Refuse empty texts, repeated ids, a single class, and one text under two labels.

    Raises
    ------
    CorpusError
        Names the rows at fault.
    """
    if frame.empty:
        raise CorpusError(f"corpus {name} has no rows")
    repeated = frame["id"][frame["id"].duplicated()]
    if len(repeated):
        raise CorpusError(f"corpus {name}: id {repeated.iloc[0]!r} stands twice; make ids unique")
    hashes = frame["text"].map(text_hash)
    empty = frame["id"][hashes == text_hash("")]
    if len(empty):
        raise CorpusError(f"corpus {name}: row {empty.iloc[0]!r} has an empty text; fill it in or drop the row")
    if frame["label"].nunique() < 2:
        raise CorpusError(
            f"corpus {name} has only the label {frame['label'].iloc[0]!r}: a classifier needs at least two"
        )
    if not relational:
        rows = pd.DataFrame({"id": frame["id"], "label": frame["label"], "hash": hashes})
        for _, same in rows[rows["hash"].duplicated(keep=False)].groupby("hash", sort=False):
            if same["label"].nunique() > 1:
                other = same[same["label"] != same["label"].iloc[0]].iloc[0]
                raise CorpusError(
                    f"corpus {name}: rows {same['id'].iloc[0]!r} and {other['id']!r} have the same text but the labels "
                    f"{same['label'].iloc[0]} and {other['label']}; keep one"
                )


def read(spec: CorpusSpec) -> pd.DataFrame:
    """Give the rows that training reads, unchecked, with the corpus's own labels.

    Returns
    -------
    DataFrame
        Columns `id, text, document, date` and the corpus's label columns, all strings; ids are unique over its files.

    Raises
    ------
    ConfigError
        No such reader, or an argument that it does not take.
    CorpusError
        The files are not here, altered, or cannot be parsed.
    """
    return _rows(spec, ensure(spec))


def load(spec: CorpusSpec, codebook: Codebook, codebooks: Path) -> Corpus:
    """Read a corpus under a codebook, from the cache when nothing that it is made of has changed.

    Parameters
    ----------
    spec : CorpusSpec
    codebook : Codebook
        What the labels are wanted in.
    codebooks : Path
        Folder of the codebooks that the corpus's own labels belong to.

    Raises
    ------
    CorpusError
        The files are not here, altered, or break the rules; or the corpus has no labels of the codebook.
    """
    column, books = _scheme(spec, codebook, codebooks)
    paths = ensure(spec)
    sums = [files.sha256(path) for path in paths]
    code = [inspect.getsource(sys.modules[name]) for name in (_reader(spec).__module__, __name__)]
    made_of = [sums, [path.name for path in paths], spec.to_mapping(), [book.to_mapping() for book in books], code]
    key = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]
    folder = project.home() / "data" / "processed" / f"{spec.name}-{codebook.name}-{key}"
    frame = _cached(folder)
    if frame is None:
        raw = _rows(spec, paths)
        frame = raw.assign(label=_labels(raw, column, spec, books), group=raw["document"], source=spec.name)
        frame = frame.reindex(columns=COLUMNS, fill_value="").astype(object)
        check(frame, spec.name, spec.relational)
        _cache(frame, codebook, folder)
    return Corpus(spec.name, codebook, frame, hashlib.sha256("".join(sums).encode()).hexdigest())


def load_several(spec: CorpusSpec, chains: Sequence[Sequence[Codebook]], codebooks: Path) -> Corpus:
    """Read a corpus under every codebook that a model with several heads learns.

    Parameters
    ----------
    chains : list of list of Codebook
        For each head its own codebook, then those above it: the lowest that the corpus has labels for is read.

    Returns
    -------
    Corpus
        Its frame has a column more a codebook, named like it; `label` is that of the first head, '' where there is none.

    Raises
    ------
    CorpusError
        The corpus has no labels for any head.
    """
    found: dict[str, Corpus] = {}
    for chain_ in chains:
        for book in chain_:
            with contextlib.suppress(NoLabelsError):
                found[book.name] = load(spec, book, codebooks)
                break
    if not found:
        names = ", ".join(chain_[0].name for chain_ in chains)
        raise CorpusError(f"corpus {spec.name} has no labels for {names}: it has {', '.join(spec.labels)}")
    first, own = next(iter(found.values())), chains[0][0]
    frame = first.frame.assign(label=found[own.name].frame["label"] if own.name in found else "")
    for name, corpus in found.items():
        frame[name] = corpus.frame["label"]
    return replace(first, codebook=own, frame=frame)


def joined(corpora: Sequence[Corpus], holdout: Path) -> tuple[list[Corpus], pd.DataFrame]:
    """Apply the contamination guard to each corpus, then put all rows under one another with shared groups.

    Returns
    -------
    list of Corpus
        What is left of each, with the number of rows dropped.
    DataFrame
        All rows; rows of one document or with the same normalised text share a group across corpora.
    """
    forbidden = held_out_hashes(holdout)
    kept = []
    for corpus in corpora:
        frame, dropped = guarded(corpus.frame, forbidden)
        kept.append(Corpus(corpus.name, corpus.codebook, frame, corpus.sha256, dropped))
    rows = pd.concat([corpus.frame for corpus in kept], ignore_index=True).fillna("")
    if rows["label"][rows["label"] != ""].nunique() < 2:
        raise CorpusError(f"{len(rows)} rows with fewer than two labels are left after the contamination guard")
    return kept, grouped(rows).assign(document=rows["group"])


def _reader(spec: CorpusSpec) -> Callable[..., pd.DataFrame]:
    try:
        reader: Callable[..., pd.DataFrame] = pkgutil.resolve_name(spec.reader)
        signature = inspect.signature(reader)
        signature.bind(Path(), [], **spec.columns)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"corpus {spec.name}: no reader {spec.reader} ({error}); see escalation.corpora.readers"
        ) from error
    except TypeError as error:
        raise ConfigError(f"corpus {spec.name}: `columns` does not fit {spec.reader}: {error}") from error
    for name, value in spec.columns.items():
        default = signature.parameters[name].default if name in signature.parameters else None
        kind, what = _ARGUMENTS.get(type(default), (object, ""))
        if not isinstance(value, kind):
            raise ConfigError(f"corpus {spec.name}: columns.{name} is {value!r}, must be {what}")
    return reader


def _rows(spec: CorpusSpec, paths: Sequence[Path]) -> pd.DataFrame:
    """Rows of all files under one another."""
    reader, labels = _reader(spec), list(dict.fromkeys(spec.labels.values()))
    frames = [reader(path, labels, **spec.columns) for path in paths]
    if spec.files:  # ids of published files say which part they are of
        splits = [one.split for one in spec.training]
        marks = splits if len(set(splits)) == len(splits) else [path.stem for path in paths]
    else:  # a local corpus has its own ids, or else its row numbers must not meet
        marks = [path.stem if len(paths) > 1 and not spec.columns.get("id") else "" for path in paths]
    marked = [
        frame.assign(id=f"{mark}:" + frame["id"]) if mark else frame for mark, frame in zip(marks, frames, strict=True)
    ]
    return pd.concat(marked, ignore_index=True)


def _scheme(spec: CorpusSpec, codebook: Codebook, codebooks: Path) -> tuple[str, list[Codebook]]:
    """Find the column to read labels from, and the codebooks from its own up to the one wanted."""
    schemes = sorted(spec.labels, key=lambda scheme: scheme != codebook.name)  # its own labels before summed ones
    for scheme in schemes:
        if scheme == codebook.name:
            return spec.labels[scheme], [codebook]
        if not (codebooks / f"{scheme}.yaml").is_file():
            continue  # a scheme of the corpus's own
        books = chain(Codebook.load(scheme, codebooks), codebooks)
        names = [book.name for book in books]
        if codebook.name in names:
            return spec.labels[scheme], [*books[: names.index(codebook.name)], codebook]
    raise NoLabelsError(
        f"corpus {spec.name} has no labels of codebook {codebook.name}: it has {', '.join(spec.labels)}"
    )


def _labels(raw: pd.DataFrame, column: str, spec: CorpusSpec, books: Sequence[Codebook]) -> list[str]:
    """Label names of the last codebook, summed up from the first."""
    mapping = spec.label_map.get(books[0].name, {})
    parsed: dict[str, str] = {}
    for value in raw[column].unique():
        try:
            name = books[0].parse(mapping.get(value, value))
            for below, above in pairwise(books):
                name = above.parse(below.labels[below.index(name)].parent)
        except CorpusError as error:
            row = raw["id"][raw[column] == value].iloc[0]
            raise CorpusError(f"corpus {spec.name}, row {row!r}: {error}") from error
        parsed[value] = name
    return [parsed[value] for value in raw[column]]


def _cached(folder: Path) -> pd.DataFrame | None:
    from datasets import load_from_disk

    if not folder.is_dir():
        return None
    try:
        dataset = load_from_disk(str(folder))
    except (OSError, ValueError):  # damaged: it is made anew
        shutil.rmtree(folder, ignore_errors=True)
        return None
    names = dataset.features["label"].names
    frame: pd.DataFrame = dataset.to_pandas()
    return frame.assign(label=[names[code] for code in frame["label"]])[COLUMNS].astype(object)


def _cache(frame: pd.DataFrame, codebook: Codebook, folder: Path) -> None:
    """Save as a dataset with a ClassLabel, whole or not at all."""
    from datasets import ClassLabel, Dataset, Features, Value, disable_progress_bars

    disable_progress_bars()
    features = Features({column: Value("string") for column in COLUMNS} | {"label": ClassLabel(names=codebook.names)})
    coded = frame.assign(label=[codebook.index(name) for name in frame["label"]])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-", ignore_cleanup_errors=True) as temporary:
            made = Path(temporary) / "dataset"
            Dataset.from_pandas(coded, features=features, preserve_index=False).save_to_disk(str(made))
            made.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another training was faster
            raise InputError(
                f"cannot write {folder}: {error.strerror or error}; free some space or set ESCALATION_HOME"
            ) from error
