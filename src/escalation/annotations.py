"""Stand-off annotations: our labels for sentences of public corpora, kept as hashes and joined with the text when it is here."""

import json
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from escalation import project
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import Corpus, read
from escalation.corpora.split import guarded, held_out_hashes, text_hash
from escalation.errors import CorpusError
from escalation.scoring.sentences import plain, split

FIELDS = ("corpus", "sha256", "ladder", "second", "note")
LENGTHS = (5, 80)  # words of a sentence that is drawn: shorter ones are furniture, longer ones lists


def annotated(path: Path, labels: Sequence[str]) -> pd.DataFrame:
    """Read annotations (a reader of `escalation.corpora`): the sentences of the corpora that they name, with our labels.

    Parameters
    ----------
    path : Path
        JSON Lines with `corpus`, `sha256` of the normalised text, `ladder`, `second` (the other annotator's label or
        null) and `note`.

    Returns
    -------
    DataFrame
        `id, text, document, date, before, after` and `labels`, in the order of the file.

    Raises
    ------
    CorpusError
        A line cannot be read, a corpus is not here, or a hash is not in it (the corpus differs from the one annotated).
    """
    entries = [
        _entry(path, number, line) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    ]
    found: dict[tuple[str, str], dict[Hashable, Any]] = {}
    for name in sorted({str(entry["corpus"]) for entry in entries}):
        frame = sentences(CorpusSpec.load(name, project.checkout() / "configs" / "corpus"))
        found |= {(name, row["sha256"]): row for row in frame.to_dict("records")}
    missing = [entry for entry in entries if (entry["corpus"], entry["sha256"]) not in found]
    if missing:
        first = missing[0]
        raise CorpusError(
            f"{path}: {len(missing)} of {len(entries)} annotations fit no sentence, the first {first['sha256'][:12]} of "
            f"{first['corpus']}: fetch that corpus again"
        )
    rows = []
    for entry in entries:
        row = found[(entry["corpus"], entry["sha256"])]
        own = {label: str(entry[label]) for label in labels}
        rows.append(
            {
                "id": f"{entry['corpus']}:{entry['sha256'][:16]}",
                "text": row["text"],
                "document": row["document"],
                "date": "",
                "before": row["before"],
                "after": row["after"],
                **own,
            }
        )
    return pd.DataFrame(rows, columns=["id", "text", "document", "date", "before", "after", *labels], dtype=object)


def sentences(spec: CorpusSpec) -> pd.DataFrame:
    """Every row of a corpus as it is, and every sentence of the rows that hold several, each text once.

    The neighbours of a sentence are those in its row: who labelled it saw these, and no others.

    Returns
    -------
    DataFrame
        `corpus, row` (the row's id), `document, position` (-1: a whole row), `text, sha256, before, after`.
    """
    seen: set[str] = set()
    rows = []
    for one in read(spec)[["id", "text", "document"]].to_dict("records"):
        document = f"{spec.name}:{one['document'] or one['id']}"
        for position, text, before, after in _parts(one["text"]):
            digest = text_hash(text)
            if digest not in seen:
                seen.add(digest)
                rows.append((spec.name, one["id"], document, position, text, digest, before, after))
    columns = ["corpus", "row", "document", "position", "text", "sha256", "before", "after"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def unlabelled(
    specs: Sequence[CorpusSpec], left_out: Sequence[Corpus] = (), most: int | None = None, seed: int = 1
) -> list[str]:
    """Sentences of corpora for a teacher to label, in random order: 5 to 80 words, none held out, each once.

    They come without their neighbours, which would more than double what teacher and student have to read.

    Parameters
    ----------
    left_out : list of Corpus
        What models are measured on: none of its sentences or documents is among those that come back.
    most : int, optional
        At most so many.
    seed : int
        Of their order.
    """
    forbidden = held_out_hashes(project.checkout() / "data" / "holdout")
    documents: set[str] = set()
    for corpus in left_out:
        forbidden |= set(corpus.frame["text"].map(text_hash))
        documents |= set(corpus.frame["group"])
    found: dict[str, str] = {}
    for spec in specs:
        frame = sentences(spec)
        fit = frame["text"].str.split().map(len).between(*LENGTHS)
        kept = guarded(frame[fit & ~frame["document"].isin(documents)], forbidden)[0]
        found |= dict(zip(kept["sha256"], kept["text"], strict=True))
    known = list(found.values())
    return [known[row] for row in np.random.default_rng(seed).permutation(len(known))[:most]]


def draw(frame: pd.DataFrame, count: int, seed: int, whole_rows: bool, most: int = 2) -> pd.DataFrame:
    """A random sample to annotate: no held-out sentence, 5 to 80 words, at most `most` of a document.

    Parameters
    ----------
    frame : DataFrame
        What `sentences` gives, or a part of it.
    whole_rows : bool
        Whether the rows are the sentences, or documents of which single sentences are drawn.
    """
    forbidden = held_out_hashes(project.checkout() / "data" / "holdout")
    words = frame["text"].map(lambda text: len(text.split()))
    right_length = words.between(*LENGTHS)
    fit = frame[right_length & ~frame["sha256"].isin(forbidden) & ((frame["position"] == -1) == whole_rows)]
    shuffled = fit.iloc[np.random.default_rng(seed).permutation(len(fit))]
    spread = shuffled[shuffled.groupby("document").cumcount() < most]
    if len(spread) < count:
        raise CorpusError(f"only {len(spread)} sentences can be drawn, {count} are wanted")
    return spread.head(count).reset_index(drop=True)


def _parts(text: str) -> Iterator[tuple[int, str, str, str]]:
    whole = plain(text)
    yield -1, whole, "", ""
    spans = [plain(span.text) for span in split(text)]
    if len(spans) > 1:
        for position, own in enumerate(spans):
            before = spans[position - 1] if position else ""
            after = spans[position + 1] if position + 1 < len(spans) else ""
            yield position, own, before, after


def _entry(path: Path, number: int, line: str) -> dict[str, str]:
    try:
        entry: dict[str, str] = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}, line {number}: no valid JSON ({error.msg})") from error
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        raise CorpusError(f"{path}, line {number}: needs exactly the fields {', '.join(FIELDS)}")
    return entry
