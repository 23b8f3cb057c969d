"""A labelled file of any source measured against a model, as figures to print or to hand on."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.context import texts
from escalation.corpora import readers
from escalation.corpora.corpus import Corpus
from escalation.corpora.split import unseen
from escalation.errors import CorpusError
from escalation.evaluation import metrics
from escalation.evaluation.metrics import Evaluation

Answer = Callable[[Sequence[str]], tuple[Codebook, NDArray[np.float64]]]


def evaluate_file(
    path: Path,
    answers: Answer,
    text_column: str = "text",
    label_column: str = "label",
    label_map: Mapping[str, str] | None = None,
    restrict: bool = False,
) -> dict[str, Any]:
    """Score every row and compare.

    Parameters
    ----------
    path : Path
        csv, tsv, jsonl or parquet; its labels are names or codes of the codebook, or keys of `label_map`.
    answers : function
        Texts to the codebook asked for and probabilities of shape (n, n_labels).
    restrict : bool
        Choose only among the labels that occur in the file.

    Returns
    -------
    dict
        `codebook`, `n`, the metrics, their `intervals`, `per_class`, `confusion`, `seconds` and `texts_per_second`.

    Raises
    ------
    CorpusError
        The file cannot be read, lacks a column, or has an empty text or an unknown label; the message names the row.
    """
    frame = readers.table(path, labels=[label_column], text=text_column)
    if frame.empty:
        raise CorpusError(f"{path} has no rows: give a file with labelled rows")
    empty = np.flatnonzero(frame["text"].str.strip() == "")
    if len(empty):
        raise CorpusError(f"{path}: row {frame['id'].iloc[empty[0]]} has an empty text; fill it in or drop the row")
    began = time.perf_counter()
    codebook, probabilities = answers(frame["text"].tolist())
    seconds = time.perf_counter() - began
    labels = _parsed(frame, label_column, codebook, label_map or {}, path)
    evaluation = metrics.evaluate(labels, probabilities, codebook, groups=frame["text"].tolist(), restrict=restrict)
    return _told(evaluation, codebook, restrict, seconds)


def evaluate_corpus(
    corpus: Corpus,
    answers: Answer,
    learnt: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
    restrict: bool = False,
) -> dict[str, Any]:
    """The same of a corpus of the catalogue, whose documents are resampled whole; and `left_out`, the rows not scored.

    Parameters
    ----------
    learnt : (hashes, documents)
        What the model learnt from (`escalation.corpora.split.read_traces`): rows with such a text or document are left out.

    Raises
    ------
    CorpusError
        The model learnt from every row.
    """
    hashes, documents = learnt
    rows = unseen(corpus.frame, hashes, documents)
    if rows.empty:
        raise CorpusError(f"the model learnt from every row of {corpus.name}: choose another corpus")
    began = time.perf_counter()
    codebook, probabilities = answers(texts(rows))
    seconds = time.perf_counter() - began
    groups = [group or identity for group, identity in zip(rows["group"], rows["id"], strict=True)]
    evaluation = metrics.evaluate(rows["label"].tolist(), probabilities, codebook, groups=groups, restrict=restrict)
    return {"left_out": len(corpus.frame) - len(rows), **_told(evaluation, codebook, restrict, seconds)}


def lasting(found: Mapping[str, Any]) -> dict[str, Any]:
    """The figures without the times, which differ from one run to the next."""
    return {key: value for key, value in found.items() if key not in ("seconds", "texts_per_second")}


def _told(evaluation: Evaluation, codebook: Codebook, restrict: bool, seconds: float) -> dict[str, Any]:
    return {
        "codebook": codebook.name,
        "n": evaluation.n,
        "restricted": restrict,
        **{name: round(value, 6) for name, value in evaluation.scalars.items()},
        "intervals": evaluation.intervals,
        "per_class": evaluation.per_class,
        "labels": evaluation.labels,
        "confusion": evaluation.confusion,
        "seconds": round(seconds, 3),
        "texts_per_second": round(evaluation.n / max(seconds, 1e-9), 1),
    }


def report(found: Mapping[str, Any]) -> str:
    """The same for a person to read, with the `model` that was asked where it is told."""
    lines = [
        f"{found['n']} rows under codebook {found['codebook']}"
        + (" (labels of the file only)" if found["restricted"] else "")
        + (f", {found['left_out']} left out that the model learnt from" if "left_out" in found else "")
    ]
    if "model" in found:
        version = found["model"]["version"]  # a folder has none
        lines.append(f"  {'model':<12} {found['model']['uri']}" + (f", version {version}" if version else ""))
    for name in ("qwk", "mae", "off_by_two", "macro_f1", "accuracy", "ece", "majority"):
        if name in found:
            low_high = found["intervals"].get(name)
            interval = f"  [{low_high[0]:.3f}, {low_high[1]:.3f}]" if low_high else ""
            lines.append(f"  {name:<12} {found[name]:.3f}{interval}")
    lines.append(f"  {'label':<22} {'precision':>9} {'recall':>7} {'f1':>6} {'rows':>6}")
    for label, one in found["per_class"].items():
        lines.append(
            f"  {label:<22} {one['precision']:>9.3f} {one['recall']:>7.3f} {one['f1']:>6.3f} {one['support']:>6}"
        )
    lines.append(f"  {found['seconds']:.2f} s, {found['texts_per_second']:,.0f} texts a second")
    return "\n".join(lines)


def _parsed(
    frame: pd.DataFrame, column: str, codebook: Codebook, label_map: Mapping[str, str], path: Path
) -> list[str]:
    labels = []
    for row, value in zip(frame["id"], frame[column], strict=True):
        try:
            labels.append(codebook.parse(label_map.get(str(value), value)))
        except CorpusError as error:
            raise CorpusError(
                f"{path}, row {row}: {error}; choose with --label-column, or translate with --map VALUE=LABEL"
            ) from error
    return labels
