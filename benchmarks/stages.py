"""Where the time of an article goes: processor time of each stage of a part, run alone on one core."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from escalation.scoring import aggregate, batch, language, rows, sentences
from escalation.scoring.tables import pieces

ROUNDS = 3
# the names of the table: what an article is made of, what the model sees, what it says, files, and what an article's figures are
PARSE, FEATURES, HEAD, IO, FIGURES = "parse and split", "features", "head", "io", "figures of the article"


def stages(located: Any, path: Path, folder: Path) -> dict[str, Any]:
    """Microseconds of processor time an article, the least of three rounds.

    Returns
    -------
    dict
        ``whole``: a worker's work on a part, from rows to the written file; ``stages``: list of ``group``, ``stage`` and
        ``us``. What the stages leave of the whole is a stage too.
    """
    plan = batch.plan(batch.Job(str(path), str(folder), format="parquet"))
    work = batch.Work(plan, batch.lone(located)).begin()
    assert work.scorer
    scorer = work.scorer.scorer
    if not hasattr(getattr(scorer.model, "model", None), "tokens"):
        raise SystemExit(
            "the table of stages tells features and head of an ONNX model apart: name a static student by --model"
        )
    network = scorer.model.model

    def opened() -> list[Any]:
        return list(pieces.in_turn(pieces.cut(plan.sources), plan.job.rows, plan.job.most, plan.wanted))

    chunks, read = opened(), _timed(opened)
    count = sum(map(len, chunks))
    parsed = [rows.records(chunk)[0] for chunk in chunks]
    raw = [row["text"] for part in parsed for row in part]
    cleaned = [work.scorer.text(text, "a row") for text in raw]
    spans = [sentences.split(text) for text in cleaned]
    said = [[sentences.plain(span.text) for span in article] for article in spans]
    # as the model is asked: so many articles a call
    asked = [[text for article in some for text in article] for some in _some(said, rows.TOGETHER)]
    answers = np.concatenate([scorer.model.predict_proba(texts) for texts in asked])
    bounds = np.cumsum([0, *map(len, said)]).tolist()
    scores = [{**score, "error": None} for some in _some(cleaned, rows.TOGETHER) for score in _scored(scorer, some)]
    each: Sequence[tuple[str, str, Callable[[], Any]]] = [
        (IO, "JSON", lambda: [rows.records(chunk) for chunk in chunks]),
        (PARSE, "text cleaning", lambda: [work.scorer.text(text, "a row") for text in raw]),  # type: ignore[union-attr]
        (PARSE, "sentence splitter", lambda: [sentences.split(text) for text in cleaned]),
        (PARSE, "white space", lambda: [sentences.plain(span.text) for article in spans for span in article]),
        (FEATURES, "words and pairs to numbers", lambda: [network.tokens(texts) for texts in asked]),
        (HEAD, "vectors and layers", lambda: [scorer.model.predict_proba(texts) for texts in asked]),
        (FIGURES, "language", lambda: [language.language(text) for text in cleaned]),
        (FIGURES, "words never seen", lambda: [scorer.familiar.new(text) for text in cleaned if scorer.familiar]),
        (
            FIGURES,
            "aggregation",
            lambda: [aggregate.aggregate(answers[a:b], scorer.codebook) for a, b in pairwise(bounds)],
        ),
        (
            IO,
            "writing",
            lambda: [
                work.encoded(part, some) for part, some in zip(parsed, _some(scores, len(parsed[0])), strict=True)
            ],
        ),
    ]
    found = {stage: _timed(run) for _, stage, run in each}
    found["vectors and layers"] -= found["words and pairs to numbers"]  # the model's own time has both
    whole = _timed(lambda: [work(chunk, {}) for chunk in chunks])
    table = [{"group": group, "stage": stage, "us": found[stage] * 1e6 / count} for group, stage, _ in each]
    table.append({"group": IO, "stage": "reading", "us": read * 1e6 / count})
    rest = max(whole - sum(found.values()), 0.0)
    table.append({"group": FIGURES, "stage": "fragments, repetitions, warnings and the rest", "us": rest * 1e6 / count})
    return {"articles": count, "whole": (whole + read) * 1e6 / count, "stages": table}


def _scored(scorer: Any, texts: Sequence[str]) -> list[dict[str, Any]]:
    return list(scorer.score(texts, drivers=False, sentences=False))


def _some(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _timed(run: Callable[[], Any]) -> float:
    """Seconds of processor time, the least of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        rounds.append(time.process_time() - began)
    return min(rounds)
