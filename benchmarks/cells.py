"""One cell of the benchmark: a system, a task and a seed, in a process of its own, so that its memory can be told.

`python benchmarks/cells.py SYSTEM TASK SEED OUT` writes the figures as JSON to OUT. Folds already done are not done again.
"""

import json
import math
import resource
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from systems import BASE, DISTILLED, INTEGERS, TAUGHT, config, kept_as

from escalation import configuration, exported, files, project, training
from escalation.codebook import Codebook, answer, chain
from escalation.context import texts
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import Corpus, joined, load, load_several
from escalation.corpora.split import splits
from escalation.evaluation import metrics
from escalation.measuring import fit_on, lesson, parted, transfer, yielding
from escalation.models import onnx, teachers
from escalation.models.multihead import MultiHead
from escalation.scoring.familiar import Familiar
from escalation.settings import Settings

Array = NDArray[np.float64]
CORPORA = project.checkout() / "configs" / "corpus"
HOLDOUT = project.checkout() / "data" / "holdout"
FOLDS = 5
# For each task the corpora learnt at once, each with the codebook of its labels.
EVENTS = {"events": {"plv": "root", "cameo": "penta"}, "aw": {"aw": "polarity", "aw_marked": "polarity"}}


class Cell:
    """Where a cell keeps what it made, and how its system is configured.

    Parameters
    ----------
    system, task : str
    seed : int
    """

    def __init__(self, system: str, task: str, seed: int):
        self.system, self.task, self.seed = system, task, seed
        self.config = config(system, task, seed)
        self.heads = isinstance(configuration.model(self.config), MultiHead)

    def path(self, what: str, suffix: str, system: str = "") -> Path:
        """A file or folder of this cell, or of another system's in its place."""
        name = kept_as(system or self.system, self.task, self.seed, what)
        return project.home() / "data" / "benchmark" / f"{name}{suffix}"

    def further(self, train: pd.DataFrame, left: pd.DataFrame) -> list[str]:
        """Unlabelled sentences for a teacher and its students: none that the cell is measured on, and none of its documents."""
        if self.system not in (BASE, *TAUGHT):
            return []
        hidden = Corpus("left out", chain_of("ladder")[0], left, "")
        known = set(train["text"])
        drawn = configuration.unlabelled(config(DISTILLED, self.task, self.seed), [hidden])  # the same for all three
        return [text for text in drawn if text not in known]

    def fitted(self, chains: Sequence[Sequence[Codebook]], rows: pd.DataFrame, further: list[str]) -> tuple[Any, float]:
        """The model fitted on the rows, and its seconds, NaN if an earlier run had begun the fit.

        BASE says then what its students ask, in time that is not counted.
        """
        model = configuration.model(self.config)
        if self.heads:
            model.set_params(progress=False)
        model = training.check(model, chains, Settings(seed=self.seed))
        weights = {name: count for name, count in self.config.weights.items() if name in set(rows["source"])}
        learnt = lesson(rows, weights)
        asked = [*learnt[0], *further]
        if self.system in TAUGHT:
            teachers.answers([model.teacher], chains, asked, learnt)
        begun_before = any((project.home() / "data" / "checkpoints").glob("*"))
        began = time.perf_counter()
        model = fit_on(model, rows, weights, further if self.system in TAUGHT else [])
        seconds = math.nan if begun_before else time.perf_counter() - began
        if self.system == BASE:
            teachers.keep(model, asked, learnt)
        return model, seconds


def chain_of(name: str) -> list[Codebook]:
    """A codebook and those above it."""
    return chain(Codebook.load(name, project.codebooks()), project.codebooks())


def read(name: str, chains: Sequence[Sequence[Codebook]]) -> Corpus:
    """A corpus under the codebooks of the heads."""
    spec = CorpusSpec.load(name, CORPORA)
    if len(chains) > 1:
        return load_several(spec, chains, project.codebooks())
    return load(spec, chains[0][0], project.codebooks())


def ladder(cell: Cell) -> dict[str, Any]:
    """The ladder on real news, on authored rows held out and on the behaviour cases; what is fitted is exported."""
    settings = Settings(seed=cell.seed, holdout_from=["authored"])
    own = chain_of("ladder")
    chains = [own, *map(chain_of, cell.config.heads)]
    names = list(cell.config.corpora) if cell.heads else ["authored", "real_train", "real_more"]
    test = read("real_test", [own])
    rows = yielding(joined([read(name, chains) for name in names], HOLDOUT)[1], [test])
    train, held = parted(rows, settings)
    further = cell.further(train, pd.concat([held, test.frame]))
    model, seconds = cell.fitted(chains, train, further)
    target = cell.path("model", "")
    familiar = Familiar.of(train["text"].tolist(), train["group"].tolist())
    exported.save(target, model, chains, {"experiment": cell.system}, familiar)
    if cell.heads:
        onnx.export(model, target)  # the integers are a system of their own
    heads = {cell.system: model}
    if cell.system == DISTILLED:
        small = cell.path("model", "", INTEGERS)
        heads[INTEGERS] = integers(model, small).head("ladder")
        files.write_text(small / exported.CARD, (target / exported.CARD).read_text(encoding="utf-8"))
    found = {}
    for name, head in heads.items():
        news = transfer(head, test, train, own[0], settings)
        said = head.predict_proba(texts(held))
        authored = metrics.evaluate(held["label"].tolist(), said, own[0], resamples=0)
        behaved = training.behaviour_of(head, own[0])
        assert behaved is not None
        found[name] = {
            "news": {**news.scalars, "intervals": news.intervals},
            "authored": authored.scalars,
            "behaviour": {**behaved.rates, "swap": behaved.swap["mean_spread"]},
            "seconds": told(seconds),
            "rows": len(train),
        }
    return found


def events(cell: Cell) -> dict[str, Any]:
    """Cross-validated figures on the corpora of a task, choosing among the labels that occur, as published figures do."""
    rows = joined([labelled(name, book) for name, book in EVENTS[cell.task].items()], HOLDOUT)[1]
    said: dict[str, list[Array]] = {cell.system: []}
    order, seconds = [], 0.0
    for number, (kept, left) in enumerate(splits(rows, FOLDS, cell.seed)):
        done = cell.path(f"fold{number}", ".npz")
        if not done.is_file():
            answers, took = fold(cell, rows.iloc[kept].reset_index(drop=True), rows.iloc[left])
            with files.replacing(done) as temporary, temporary.open("wb") as stream:
                np.savez(stream, seconds=took, **answers)
        with np.load(done) as loaded:
            seconds += float(loaded["seconds"])
            for name in set(loaded.files) - {"seconds"}:
                said.setdefault(name, []).append(loaded[name])
        order += list(left)
    rows = rows.iloc[order].reset_index(drop=True)
    return {name: measured(cell, rows, np.concatenate(parts), seconds) for name, parts in said.items()}


def fold(cell: Cell, train: pd.DataFrame, left: pd.DataFrame) -> tuple[dict[str, Array], float]:
    """Probabilities under `root`, or the corpus's own codebook in the first columns, for the rows left out; seconds to fit."""
    if cell.heads:
        model, seconds = cell.fitted([chain_of("root")], train, cell.further(train, left))
        found = {cell.system: model.predict_proba(texts(left))}
        if cell.system == DISTILLED:
            found[INTEGERS] = integers(model, cell.path("integers", "")).head("root").predict_proba(texts(left))
        return found, seconds
    seconds, found = 0.0, np.zeros((len(left), len(Codebook.load("root", project.codebooks()).labels)))
    for name, book in EVENTS[cell.task].items():  # one at a time: such a model has one codebook
        model, took = cell.fitted([chain_of(book)], train[train["source"] == name], [])
        seconds += took
        here = (left["source"] == name).to_numpy()
        own = model.predict_proba(texts(left[here]))
        found[here, : own.shape[1]] = own
    return {cell.system: found}, seconds


def measured(cell: Cell, rows: pd.DataFrame, said: Array, seconds: float) -> dict[str, Any]:
    """Figures by corpus and codebook."""
    found: dict[str, Any] = {"seconds": told(seconds)}
    for name, own in EVENTS[cell.task].items():
        here = (rows["source"] == name).to_numpy()
        labels, chain_ = rows["label"][here].tolist(), chain_of(own)
        known = chain_of("root") if cell.heads else chain_
        for below, book in zip([None, *chain_], chain_, strict=False):
            if below is not None:
                labels = [str(below.labels[below.index(label)].parent) for label in labels]
            given = answer(said[here][:, : len(known[0].labels)], known, book.name)[1]
            one = metrics.evaluate(labels, given, book, resamples=0, restrict=True)
            found[f"{name}.{book.name}"] = one.scalars
    return found


def told(seconds: float) -> float | None:
    """Seconds as JSON knows them."""
    return None if math.isnan(seconds) else round(seconds, 1)


def labelled(name: str, book: str) -> Corpus:
    """A corpus with its labels also in a column named like their codebook, where models with heads look for them."""
    corpus = read(name, [chain_of(book)])
    return replace(corpus, frame=corpus.frame.assign(**{book: corpus.frame["label"]}))


def integers(model: Any, target: Path) -> onnx.OnnxEncoder:
    """The quantised form, read back."""
    onnx.export(model, target, integers=True)
    return onnx.OnnxEncoder(target)


def main() -> None:
    """Measure one cell."""
    warnings.filterwarnings("ignore")
    system, task, seed, out = sys.argv[1:]
    found = (ladder if task == "ladder" else events)(Cell(system, task, int(seed)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    files.write_text(Path(out), json.dumps({name: {**one, "memory": round(memory)} for name, one in found.items()}))


if __name__ == "__main__":
    main()
