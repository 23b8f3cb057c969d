"""What must not be told apart or trained on: normalised texts, groups, the held-out part, the contamination guard."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from escalation.errors import CorpusError

Rows = NDArray[np.intp]
HASH = 16  # hex digits of a text's hash that a run keeps: enough to know the text again


def normalise(text: str) -> str:
    """NFKC, casefold, every run of characters outside [0-9a-z] one space, stripped; marks of source and target left out.

    Examples
    --------
    >>> normalise("  “Troops” moved…\\n into the D.M.Z. ")
    'troops moved into the d m z'
    >>> normalise("<s>Troops</s> moved into <t>the D.M.Z.</t>")
    'troops moved into the d m z'
    """
    text = re.sub(r"</?[st]>", "", text)
    return re.sub(r"[^0-9a-z]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def text_hash(text: str) -> str:
    """Hex sha256 of the normalised text."""
    return hashlib.sha256(normalise(text).encode("utf-8")).hexdigest()


def traces(frame: pd.DataFrame, further: Sequence[str] = ()) -> pd.DataFrame:
    """What to remember rows by without their text: `sha256` (its first digits) and `document`; `further` texts have none."""
    hashes = [text_hash(text)[:HASH] for text in (*frame["text"], *further)]
    documents = [*frame["document"], *[""] * len(further)]
    found = pd.DataFrame({"sha256": hashes, "document": documents}, dtype=str)
    return found.drop_duplicates().reset_index(drop=True)


def read_traces(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Hashes of the texts, and documents, in a csv of `traces`."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return frozenset(table["sha256"]), frozenset(table["document"]) - {""}


def unseen(
    frame: pd.DataFrame, hashes: Collection[str], documents: Collection[str], document: str = "group"
) -> pd.DataFrame:
    """The rows that a model did not learn from, as `read_traces` tells it: neither their text nor their document.

    Parameters
    ----------
    document : str
        Column that names it; '' is none.
    """
    named = (frame[document] != "") & frame[document].isin(documents)
    return frame[~(frame["text"].map(lambda text: text_hash(text)[:HASH]).isin(hashes) | named)]


def held_out_hashes(folder: Path) -> frozenset[str]:
    """All hashes of ``folder/*.sha256``, one a line.

    Raises
    ------
    CorpusError
        There is no list: training without the guard would be contaminated.
    """
    lists = sorted(folder.glob("*.sha256"))
    if not lists:
        raise CorpusError(f"no held-out lists in {folder}: restore data/holdout from git")
    return frozenset(line.strip() for path in lists for line in path.read_text().splitlines() if line.strip())


def guarded(frame: pd.DataFrame, forbidden: frozenset[str]) -> tuple[pd.DataFrame, int]:
    """Keep the rows whose text is in no held-out list, and count those dropped; a neighbour in one is not shown."""
    keep = [text_hash(text) not in forbidden for text in frame["text"]]
    beside = {side: _shown(frame[side], forbidden) for side in ("before", "after") if side in frame}
    return frame.assign(**beside)[keep].reset_index(drop=True), len(keep) - sum(keep)


def _shown(column: pd.Series, forbidden: frozenset[str]) -> list[str]:
    return ["" if text and text_hash(text) in forbidden else text for text in column]


def grouped(frame: pd.DataFrame) -> pd.DataFrame:
    """Join groups that share a normalised text, so that neither a document nor a text stands on both sides of a split.

    Rows, documents and texts are the nodes of one graph, each row tied to its document and its text: linear in rows.

    Parameters
    ----------
    frame : DataFrame
        With `id`, `source`, `group` ('' where a row stands alone) and `text`.

    Returns
    -------
    DataFrame
        The same rows; `group` is the source and id of the first row of the group.
    """
    n = len(frame)
    own = pd.Series([f"#{row}" for row in range(n)], index=frame.index, dtype=object)
    document = (frame["source"] + ":" + frame["group"]).where(frame["group"] != "", own)
    component = tied(document, frame["text"].map(text_hash))
    names = (frame["source"] + ":" + frame["id"]).reset_index(drop=True)
    return frame.assign(group=names.groupby(component).transform("first").to_numpy())


def tied(first: pd.Series, second: pd.Series) -> Rows:
    """Numbers of the groups of n rows that have either name in common, or are tied by others that do; shape (n,)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(first)
    ends = np.concatenate([n + pd.factorize(first)[0], 2 * n + pd.factorize(second)[0]])
    ties = coo_matrix((np.ones(2 * n, dtype=np.int8), (np.tile(np.arange(n), 2), ends)), shape=(3 * n, 3 * n))
    component: Rows = connected_components(ties, directed=False)[1][:n]
    return component


def shrunken(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """At most `rows` rows of each source, whole groups of it: first one with each label, then any that fit.

    Parameters
    ----------
    frame : DataFrame
        With `source`, `group` and `label`.

    Raises
    ------
    CorpusError
        Every group of a source has more rows than that.
    """
    rng, kept = np.random.default_rng(seed), []
    for source, part in frame.groupby("source", sort=False):
        drawn = _drawn(part, rows, rng)
        if not drawn:
            raise CorpusError(f"corpus {source}: every document or story has more than {rows} rows: raise rows")
        kept.append(part[part["group"].isin(drawn)])
    return pd.concat(kept, ignore_index=True)


def _drawn(part: pd.DataFrame, rows: int, rng: np.random.Generator) -> set[str]:
    """Draw groups of one source with at most `rows` rows together."""
    groups = [(str(name), rows_of["label"]) for name, rows_of in part.groupby("group", sort=False)]
    groups = [groups[k] for k in rng.permutation(len(groups))]
    sizes = {name: len(labels) for name, labels in groups}
    holders: dict[str, list[str]] = {}
    for name, labels in groups:
        for label in labels.unique():
            holders.setdefault(label, []).append(name)
    drawn: set[str] = set()
    for label in sorted(holders, key=lambda one: (len(holders[one]), one)):  # the rarest first
        smallest = min(holders[label], key=sizes.__getitem__)
        if drawn.isdisjoint(holders[label]) and sizes[smallest] <= rows:
            drawn.add(smallest)
            rows -= sizes[smallest]
    for name, size in sizes.items():
        if name not in drawn and size <= rows:
            drawn.add(name)
            rows -= size
    return drawn


def splits(frame: pd.DataFrame, parts: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Group-aware stratified (train, test) row positions, `parts` times.

    Raises
    ------
    CorpusError
        Fewer groups than parts, or no label with a row for each part.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups, rows = frame["group"].nunique(), frame["label"].value_counts().max() if len(frame) else 0
    if min(groups, rows) < parts:
        what = f"{groups} groups" if groups < parts else f"at most {rows} rows of a label"
        raise CorpusError(f"{what} cannot make {parts} folds: add rows or lower folds")
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    yield from folds.split(frame["text"], frame["label"], frame["group"])


def hold_out(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training part and held-out part (about `share` of the rows), group-aware and stratified.

    `seed` is not the training's seed: runs that differ in it alone are compared on the same held-out rows.
    """
    train, test = next(splits(frame, max(2, round(1 / share)), seed))
    return frame.iloc[train].reset_index(drop=True), frame.iloc[test].reset_index(drop=True)


def fingerprint(frame: pd.DataFrame) -> str:
    """Hex sha256 over the sorted (text hash, label) pairs: the same rows give the same figure in any order."""
    pairs = sorted(f"{text_hash(text)} {label}" for text, label in zip(frame["text"], frame["label"], strict=True))
    return hashlib.sha256("\n".join(pairs).encode()).hexdigest()
