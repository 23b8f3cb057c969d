"""Cross-validate, fit, and measure on held-out rows: what a model is worth, before anything is logged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from escalation.codebook import Codebook, answer
from escalation.context import texts
from escalation.corpora.corpus import Corpus
from escalation.corpora.split import fingerprint, hold_out, splits, text_hash, traces, unseen
from escalation.evaluation import metrics
from escalation.evaluation.metrics import Evaluation
from escalation.progress import steps
from escalation.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What one training found.

    Parameters
    ----------
    model : classifier over texts
        Fitted on the training part.
    folds : list of dict
        Headline metrics of each fold; empty without cross-validation.
    cross_validated, held_out : dict of codebook name to Evaluation
        Under the model's codebook and each above it, held_out also under those of further heads.
    predictions : DataFrame
        `id, part, label` and a probability a label, for every row by a model that had not seen its group.
    held_out_digest : str
        Fingerprint of the held-out rows.
    trained_on : DataFrame
        `sha256` of the text and `document` of every row that the model learnt from.
    """

    model: Any
    folds: list[dict[str, float]]
    cross_validated: dict[str, Evaluation]
    held_out: dict[str, Evaluation]
    predictions: pd.DataFrame
    held_out_digest: str
    trained_on: pd.DataFrame

    @property
    def held_out_rows(self) -> pd.DataFrame:
        """Predictions of the held-out rows, or of all rows where none are held out."""
        last = self.predictions["part"].iloc[-1]
        rows: pd.DataFrame = self.predictions[self.predictions["part"] == last]
        return rows


def measure(
    model: Any,
    rows: pd.DataFrame,
    chains: Sequence[Sequence[Codebook]],
    settings: Settings,
    unlabelled: Sequence[str] = (),
    progress: bool = True,
    told: Callable[[int, Mapping[str, float]], None] = lambda *_: None,
) -> Measured:
    """Cross-validate on the training part, fit on all of it, and measure on the held-out part last.

    Parameters
    ----------
    model : classifier over texts
        Not fitted.
    rows : DataFrame
        `id, text, label, group`, and for a model with several heads a column a codebook. Rows without a `label` teach
        the other heads; they are measured on nothing.
    chains : list of list of Codebook
        For each head its own codebook, then those above it.
    unlabelled : list of str
        Texts, with their neighbours where they are known, for a model that has a teacher.
    told : callable
        Hears the number and the figures of each fold once it is measured.
    """
    from sklearn.base import clone

    codebooks = chains[0]
    further = rows[rows["label"] == ""]
    rows = rows[rows["label"] != ""].reset_index(drop=True)
    train, test = parted(rows, settings)
    parts = list(splits(train, settings.folds, settings.seed)) if settings.folds else []
    left_out = np.zeros((len(train), len(codebooks[0].labels)))
    folds = []
    with steps("training", len(parts) + 1, progress) as advance:
        for fit_rows, left_rows in parts:
            left = pd.concat([train.iloc[left_rows], test])
            fitted = fit_on(clone(model), _with(train.iloc[fit_rows], further, left), settings.weights, unlabelled)
            left_out[left_rows] = fitted.predict_proba(texts(train.iloc[left_rows]))
            fold = _evaluated(train.iloc[left_rows], left_out[left_rows], codebooks[:1], settings, resamples=0)
            folds.append(fold[codebooks[0].name].scalars)
            told(len(folds) - 1, folds[-1])
            advance()
        learnt = _with(train, further, test)
        model = fit_on(clone(model), learnt, settings.weights, unlabelled)
        advance()
    cross_validated = _evaluated(train, left_out, codebooks, settings) if parts else {}
    if len(test):
        unseen = model.predict_proba(texts(test))
        held_out = _evaluated(test, unseen, codebooks, settings)
        for chain in chains[1:]:
            known = test[test[chain[0].name] != ""].assign(label=test[chain[0].name])
            if len(known):
                answers = model.head(chain[0].name).predict_proba(texts(known))
                held_out |= _evaluated(known, answers, chain, settings)
    else:
        test, unseen, held_out = train, left_out, cross_validated
    predictions = pd.concat(
        ([_table(train, left_out, codebooks[0], "cross-validation")] if parts else [])
        + ([_table(test, unseen, codebooks[0], "held-out")] if settings.holdout else []),
        ignore_index=True,
    )
    return Measured(model, folds, cross_validated, held_out, predictions, fingerprint(test), traces(learnt, unlabelled))


def parted(rows: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training part and held-out part; only corpora in `holdout_from`, where it names some, have rows in the latter."""
    if not settings.holdout:
        return rows, rows[:0]
    if not settings.holdout_from:
        return hold_out(rows, settings.holdout, settings.holdout_seed)
    choose = rows["source"].isin(settings.holdout_from)
    train, test = hold_out(rows[choose].reset_index(drop=True), settings.holdout, settings.holdout_seed)
    return _with(train, rows[~choose], test), test


def yielding(rows: pd.DataFrame, tests: Sequence[Corpus]) -> pd.DataFrame:
    """The rows without those that teach other heads alone, with texts or documents that the model is measured on."""
    known = {text_hash(text) for corpus in tests for text in corpus.frame["text"]}
    documents = {group for corpus in tests for group in corpus.frame["group"] if group}
    measured = rows["text"].map(text_hash).isin(known) | rows["document"].isin(documents)
    return rows[~((rows["label"] == "") & measured)].reset_index(drop=True)


def transfer(model: Any, corpus: Corpus, trained: pd.DataFrame, codebook: Codebook, settings: Settings) -> Evaluation:
    """Figures on another corpus, without the rows whose text or document the model was trained on.

    Raises
    ------
    CorpusError
        No row is left.
    """
    known = traces(trained)
    rows = unseen(corpus.frame, set(known["sha256"]), set(known["document"]))
    groups = [group or identity for group, identity in zip(rows["group"], rows["id"], strict=True)]
    probabilities = model.predict_proba(texts(rows))
    return metrics.evaluate(rows["label"].tolist(), probabilities, codebook, groups, settings.resamples, settings.seed)


def _with(rows: pd.DataFrame, further: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The rows and those for the other heads, without what shares a group with the rows left out."""
    return pd.concat([rows, further[~further["group"].isin(left_out["group"])]], ignore_index=True)


def fit_on(model: Any, rows: pd.DataFrame, weights: Mapping[str, int], unlabelled: Sequence[str]) -> Any:
    """Fit, a row counting as much as its corpus: a model with heads takes weights, for others the row stands more often."""
    if hasattr(model, "head"):
        return model.fit(*lesson(rows, weights), unlabelled)
    rows = rows.loc[rows.index.repeat(_counts(rows, weights))]
    return model.fit(texts(rows), rows["label"].tolist(), rows["group"].tolist())


def lesson(rows: pd.DataFrame, weights: Mapping[str, int]) -> tuple[list[str], pd.DataFrame, list[str], list[int]]:
    """Texts, labels, groups and weights, as `MultiHead.fit` takes them."""
    return texts(rows), rows, rows["group"].tolist(), _counts(rows, weights).tolist()


def _counts(rows: pd.DataFrame, weights: Mapping[str, int]) -> "pd.Series[int]":
    return rows["source"].map(lambda name: weights.get(name, 1))


def _evaluated(
    rows: pd.DataFrame,
    probabilities: Array,
    codebooks: Sequence[Codebook],
    settings: Settings,
    resamples: int | None = None,
) -> dict[str, Evaluation]:
    """Evaluations under the model's codebook and those above it."""
    found, labels = {}, rows["label"].tolist()
    for below, book in zip([None, *codebooks], codebooks, strict=False):
        if below is not None:
            labels = [str(below.labels[below.index(name)].parent) for name in labels]
        found[book.name] = metrics.evaluate(
            labels,
            answer(probabilities, codebooks, book.name)[1],
            book,
            groups=rows["group"].tolist(),
            resamples=settings.resamples if resamples is None else resamples,
            seed=settings.seed,
        )
    return found


def _table(rows: pd.DataFrame, probabilities: Array, codebook: Codebook, part: str) -> pd.DataFrame:
    table = rows[["id", "source", "group", "label"]].assign(part=part).reset_index(drop=True)
    return pd.concat([table, pd.DataFrame(probabilities, columns=codebook.names)], axis=1)
