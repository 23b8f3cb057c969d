"""Two runs compared on the same held-out rows: everything that a reader asks, as plain data."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from escalation.comparison.wording import NAMES
from escalation.errors import ModelError
from escalation.evaluation import metrics, paired
from escalation.evaluation.paired import LOWER_IS_BETTER, Paired
from escalation.tracking import card
from escalation.tracking.logged import KEY, Logged, aligned, tied

COSTS = {
    "seconds": "training, s",
    "peak_memory_mb": "peak memory of training, MB",
    "model_mb": "model, MB",
    "example_ms": "docs/example.txt, ms of processor time",
    "sentences_per_second": "sentences a second of processor time",
}
TESTS = ("direction", "invariance", "benign")
SWAPS = {"swap_mean_spread": "entity swap, mean spread", "swap_worst_spread": "entity swap, worst spread"}


def compare(first: Logged, second: Logged, resamples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """What the second run does differently from the first.

    Parameters
    ----------
    first, second : Logged
        Finished runs of one codebook with the same held-out rows.
    resamples : int
        Of the paired bootstrap.

    Returns
    -------
    dict
        `codebook, metric, n, groups, held_out, unseen, resamples, verdict, besides`, `runs` (first, second), `figures` (each
        with both values, the difference and its 95 % interval), `mcnemar`, `distances`, `per_class`, `flips` (counts, and the
        rows with both answers and their text), `texts_missing`, `behaviour` (None for codebooks without cases) and `cost`.

    Raises
    ------
    ModelError
        A run did not finish, or they cannot be compared.
    """
    for run in (first, second):
        run.require_finished()
    if first.id == second.id:
        raise ModelError(f"{first} is both: name two runs")
    one, two = aligned(first, second)
    book = first.codebook
    tables = first.probabilities(one), second.probabilities(two)
    found = paired.compare(one["label"].tolist(), *tables, book, tied(one, two), resamples, seed)
    metric = metrics.headline(book)
    flips, missing = _flips(first, second, one, two)
    counts = {kind: sum(row["kind"] == kind for row in flips) for kind in ("mended", "broken", "moved")}
    behaviour = _behaviour(first, second)
    return {
        "codebook": book.name,
        "metric": metric,
        "n": found.n,
        "groups": found.groups,
        "held_out": first.held_out,
        "unseen": "cross-validated" if first.held_none_out else "held-out",
        "resamples": resamples,
        "verdict": _verdict(found, metric, first, second),
        "besides": _besides(counts, behaviour),
        "runs": {"first": _identity(first), "second": _identity(second)},
        "figures": list(_figures(found)),
        "mcnemar": found.mcnemar,
        "distances": found.distances,
        "per_class": list(_per_class(found)),
        "flips": {"counts": counts, "rows": flips},
        "texts_missing": missing,
        "behaviour": behaviour,
        "cost": [
            {"name": told, "first": first.metrics.get(name), "second": second.metrics.get(name)}
            for name, told in COSTS.items()
        ],
    }


def _identity(run: Logged) -> dict[str, str]:
    tags = run.tags
    commit = tags.get("git.commit", "none")[:10]
    return {
        "id": run.id,
        "name": run.name,
        "experiment": tags.get("experiment", ""),
        "model": card.model(run.parameters),
        "corpora": tags.get("corpora", ""),
        "seed": run.parameters.get("seed", ""),
        "commit": commit + (" with changes" if tags.get("git.dirty") == "true" else ""),
        "started": f"{datetime.fromtimestamp(run.run.info.start_time / 1000, UTC):%Y-%m-%d %H:%M} UTC",
        "registered": tags.get("registered", ""),
    }


def _verdict(found: Paired, metric: str, first: Logged, second: Logged) -> str:
    one = found.differences[metric]
    if one.low is None:
        few = f"{found.groups} documents and stories are too few for an interval"
        return f"{second.name} cannot be told from {first.name}: {NAMES[metric]} {one.difference:+.3f}, {few}"
    told = f"{NAMES[metric]} {one.difference:+.3f}, 95 % interval {one.low:+.3f} to {one.high:+.3f}"
    if not one.decided:
        return f"{second.name} cannot be told from {first.name}: {told}, which includes zero"
    order = "better" if one.difference > 0 else "worse"
    return f"{second.name} is {order} than {first.name}: {told}"


def _besides(counts: Mapping[str, int], behaviour: Mapping[str, Any] | None) -> str:
    """What else to know before choosing, in one line."""
    told = f"{counts['mended']} rows mended, {counts['broken']} broken"
    if behaviour:
        cases = len(behaviour["mended"]), len(behaviour["broken"])
        told += f"; {cases[0]} behaviour cases mended, {cases[1]} broken"
        shares = [one for one in behaviour["rates"] if one["first"] is not None and one["second"] is not None]
        told += "".join(f", {one['name']} {100 * one['first']:.0f} to {100 * one['second']:.0f} %" for one in shares)
    return told


def _figures(found: Paired) -> Iterator[dict[str, Any]]:
    for name, one in found.differences.items():
        gain = -one.difference if name in LOWER_IS_BETTER else one.difference
        yield {
            "name": name,
            "first": one.first,
            "second": one.second,
            "difference": one.difference,
            "interval": None if one.low is None else [one.low, one.high],
            "decided": one.decided,
            "better": "" if gain == 0 else "second" if gain > 0 else "first",
        }


def _per_class(found: Paired) -> Iterator[dict[str, Any]]:
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "predicted": 0}
    for label in found.first.labels:
        pair = [one.per_class.get(label) for one in (found.first, found.second)]
        if any(pair):
            one, two = ({**nothing, **(figures or {})} for figures in pair)
            yield {
                "label": label,
                "support": max(one["support"], two["support"]),
                "first": {name: one[name] for name in ("precision", "recall", "f1")},
                "second": {name: two[name] for name in ("precision", "recall", "f1")},
                "f1_change": two["f1"] - one["f1"],
            }


def _flips(
    first: Logged, second: Logged, one: pd.DataFrame, two: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows whose label differs, the largest change in rungs (or in certainty) first; and the corpora without text."""
    names = np.array(first.codebook.names)
    tables = first.probabilities(one), second.probabilities(two)
    chosen = [table.argmax(axis=1) for table in tables]
    differ = np.flatnonzero(chosen[0] != chosen[1])
    rows = one.loc[differ, [*KEY, "label"]].reset_index(drop=True)
    texts, missing = first.texts() if len(rows) else (None, [])
    if texts is not None:
        rows = rows.merge(texts[[*KEY, "text"]], on=KEY, how="left", validate="one_to_one")
    position = {name: column for column, name in enumerate(names)}
    flips = []
    for row, entry in zip(differ, rows.to_dict("records"), strict=True):
        answers = [int(columns[row]) for columns in chosen]
        truth = position[entry["label"]]
        off = [abs(answer - truth) for answer in answers]
        kind = "mended" if off[1] == 0 else "broken" if off[0] == 0 else "moved"
        text = entry.get("text")
        flips.append(
            {
                "source": entry["source"],
                "id": entry["id"],
                "text": text if isinstance(text, str) else None,
                "label": entry["label"],
                "first": str(names[answers[0]]),
                "second": str(names[answers[1]]),
                "first_probability": round(float(tables[0][row, answers[0]]), 3),
                "second_probability": round(float(tables[1][row, answers[1]]), 3),
                "kind": kind,
                "rungs": off[1] - off[0] if first.codebook.ordinal else None,
            }
        )
    flips.sort(key=lambda row: (-abs(row["rungs"] or 0), -row["first_probability"] - row["second_probability"]))
    lacking = {row["source"] for row in flips if row["text"] is None}
    return flips, [told for told in missing if told.partition(":")[0] in lacking]


def _behaviour(first: Logged, second: Logged) -> dict[str, Any] | None:
    told = first.behaviour, second.behaviour
    if told[0] is None or told[1] is None:
        return None
    one, two = told[0], told[1]
    kinds = [
        {"name": key, "cases": total, "first": good, "second": two.kinds[key][0]}
        for key, (good, total) in one.kinds.items()
        if two.kinds.get(key, (0, 0))[1] == total
    ]
    return {
        "rates": [_both(first.metrics, second.metrics, test, test) for test in TESTS],
        "swap": [_both(first.metrics, second.metrics, name, told) for name, told in SWAPS.items()],
        "kinds": kinds,
        "mended": [_case(key, one.failures[key]) for key in one.failures if key not in two.failures],
        "broken": [_case(key, two.failures[key]) for key in two.failures if key not in one.failures],
    }


def _both(first: Mapping[str, float], second: Mapping[str, float], name: str, told: str) -> dict[str, Any]:
    return {"name": told, "first": first.get(f"behaviour.{name}"), "second": second.get(f"behaviour.{name}")}


def _case(identity: str, failure: tuple[str, str]) -> dict[str, str]:
    kind, texts = failure
    return {"id": identity, "kind": kind, "texts": texts}
