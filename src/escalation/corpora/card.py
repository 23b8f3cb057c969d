"""A corpus's card: what its rows are, counted after every check, so that a change that reaches no row leaves it as it is."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from escalation.codebook import Codebook
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import NoLabelsError, load
from escalation.corpora.split import guarded, held_out_hashes
from escalation.errors import CorpusError


def card(spec: CorpusSpec, codebooks: Path, holdout: Path) -> dict[str, Any]:
    """Read a corpus under every codebook that it has labels for, which checks and caches it; what is in it.

    Parameters
    ----------
    codebooks, holdout : Path
        Folders of the codebooks and of the held-out lists.

    Returns
    -------
    dict
        `corpus`; `sha256` of its files; `rows` left by the contamination guard and `dropped_by_guard`; `documents` (0: rows
        stand alone); `words`, the median and the largest number in a text; and for each codebook the `labels` with their
        counts and the `rows_sha256` of all that training sees. What its YAML says (licence, citation) is not repeated.

    Raises
    ------
    CorpusError
        The files are not here, altered, or break the rules; or there are labels of no codebook.
    """
    forbidden = held_out_hashes(holdout)
    found: dict[str, Any] = {}
    for path in sorted(codebooks.glob("*.yaml")):
        book = Codebook.load(path.stem, codebooks)
        with contextlib.suppress(NoLabelsError):
            corpus = load(spec, book, codebooks)
            rows, dropped = guarded(corpus.frame, forbidden)
            counts = rows["label"].value_counts()
            found = found or {**_common(spec.name, corpus.sha256, rows, dropped), "codebooks": {}}
            found["codebooks"][book.name] = {
                "rows_sha256": hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest(),
                "labels": {name: int(counts[name]) for name in book.names if name in counts},
            }
    if not found:
        raise CorpusError(
            f"corpus {spec.name} has labels of no codebook in {codebooks}: it has {', '.join(spec.labels)}"
        )
    return found


def _common(name: str, sha256: str, rows: pd.DataFrame, dropped: int) -> dict[str, Any]:
    words = rows["text"].map(lambda text: len(text.split()))
    documents = rows["group"][rows["group"] != ""].nunique()
    return {
        "corpus": name,
        "sha256": sha256,
        "rows": len(rows),
        "dropped_by_guard": dropped,
        "documents": int(documents),
        "words": {"median": float(words.median()), "longest": int(words.max())},
    }
