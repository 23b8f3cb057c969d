"""Does a model behave? Cases whose right answer is an order, a stillness or a low score, never trained on.

After Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.errors import CorpusError

STILL = 10.0  # points that a score may move where nothing that matters has changed
LOW = 20.0  # points that a benign text stays under: those of `friction`
FIELDS = {"direction": ("high", "low"), "invariance": ("text", "variant"), "benign": ("text",)}

Scores = Callable[[Sequence[str]], NDArray[np.float64]]


@dataclass(frozen=True)
class Case:
    """One case.

    Parameters
    ----------
    id, test, kind : str
        `test` is direction (the first text must score above the second), invariance (the two must score within 10
        points) or benign (the text must score under 20); `kind` says what it is about (negation, country, metaphor …).
    texts : tuple of str
        In the order of `FIELDS`.
    """

    id: str
    test: str
    kind: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Behaviour:
    """What a model does with the cases.

    Parameters
    ----------
    rates : dict of test to share passed
    kinds : dict of "test: kind" to (passed, cases)
    failures : list of dict
        `id, test, kind, texts, scores`, the worst first within a test.
    swap : dict
        Of the entity swap: `mean_spread` and `worst_spread` in points, and the `worst` sentence with the two names.
    """

    rates: dict[str, float]
    kinds: dict[str, tuple[int, int]]
    failures: list[dict[str, Any]] = field(default_factory=list)
    swap: dict[str, Any] = field(default_factory=dict)


def read(folder: Path) -> tuple[list[Case], dict[str, list[str]]]:
    """Cases of ``folder/*.jsonl``, and the sentences and names of ``folder/entity_swap.json``.

    Raises
    ------
    CorpusError
        A line is no case; the message names it.
    """
    cases = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            entry = json.loads(line)
            wanted = FIELDS.get(entry.get("test"), ())
            if not wanted or not all(isinstance(entry.get(name), str) for name in ("id", "kind", *wanted)):
                raise CorpusError(
                    f"{path}, line {number}: a case needs id, kind, a test of {', '.join(FIELDS)} and its texts"
                )
            cases.append(Case(entry["id"], entry["test"], entry["kind"], tuple(entry[name] for name in wanted)))
    if not cases:
        raise CorpusError(f"no behaviour cases in {folder}: restore data/behaviour from git")
    swap = json.loads((folder / "entity_swap.json").read_text(encoding="utf-8"))
    return cases, {"sentences": swap["sentences"], "names": swap["names"]}


def behave(cases: Sequence[Case], swap: Mapping[str, Sequence[str]], scores: Scores) -> Behaviour:
    """Score every text once and judge.

    Parameters
    ----------
    scores : function
        n texts to their escalation in points, shape (n,).
    """
    texts = list(dict.fromkeys(text for case in cases for text in case.texts))
    points = dict(zip(texts, scores(texts).tolist(), strict=True))
    kinds: dict[str, tuple[int, int]] = {}
    failures, passed = [], {test: [0, 0] for test in FIELDS}
    for case in cases:
        values = [points[text] for text in case.texts]
        short = shortfall(case.test, values)
        good = short <= 0
        passed[case.test][0] += good
        passed[case.test][1] += 1
        key = f"{case.test}: {case.kind}"
        before = kinds.get(key, (0, 0))
        kinds[key] = (before[0] + good, before[1] + 1)
        if not good:
            scored = [round(value, 1) for value in values]
            told = {"id": case.id, "test": case.test, "kind": case.kind, "texts": list(case.texts), "scores": scored}
            failures.append((short, told))
    failures.sort(key=lambda one: (one[1]["test"], -one[0]))
    rates = {test: good / total for test, (good, total) in passed.items() if total}
    return Behaviour(
        rates, dict(sorted(kinds.items())), [failure for _, failure in failures], entity_swap(swap, scores)
    )


def shortfall(test: str, values: Sequence[float]) -> float:
    """By how many points a case fails; 0 or less when it passes."""
    if test == "direction":
        return values[1] - values[0] + 1e-9  # equal scores are no order
    if test == "invariance":
        return abs(values[0] - values[1]) - STILL
    return values[0] - LOW


def entity_swap(swap: Mapping[str, Sequence[str]], scores: Scores) -> dict[str, Any]:
    """How far the score of a sentence moves with the country named in it.

    Returns
    -------
    dict
        `mean_spread` (mean over sentences of the standard deviation over names), `worst_spread` (largest difference
        between two names in one sentence) and `worst`: that sentence, the two names, and their scores.
    """
    sentences, names = swap["sentences"], swap["names"]
    if not sentences or not names:
        return {}
    texts = [sentence.replace("{country}", name) for sentence in sentences for name in names]
    table = scores(texts).reshape(len(sentences), len(names))
    ranges = table.max(axis=1) - table.min(axis=1)
    row = int(ranges.argmax())
    high, low = int(table[row].argmax()), int(table[row].argmin())
    return {
        "mean_spread": float(table.std(axis=1).mean()),
        "worst_spread": float(ranges[row]),
        "worst": {
            "sentence": sentences[row],
            "names": [names[high], names[low]],
            "scores": [round(float(table[row, high]), 1), round(float(table[row, low]), 1)],
        },
    }


def flat(found: Behaviour) -> dict[str, float]:
    """One number a name, as MLflow logs them."""
    values = {f"behaviour.{test}": rate for test, rate in found.rates.items()}
    return values | {
        f"behaviour.swap_{name}": found.swap[name] for name in ("mean_spread", "worst_spread") if name in found.swap
    }


def report(found: Behaviour, most: int = 10) -> str:
    """The same for a person to read, with up to `most` failures of each test."""
    lines = []
    for test, rate in found.rates.items():
        lines.append(f"{test}: {100 * rate:.1f} % pass")
        for key, (good, total) in found.kinds.items():
            if key.startswith(f"{test}: "):
                lines.append(f"  {key.removeprefix(f'{test}: '):<16} {good:>3} of {total}")
        for failure in [one for one in found.failures if one["test"] == test][:most]:
            texts = " | ".join(
                f"{score:.0f}: {text}" for text, score in zip(failure["texts"], failure["scores"], strict=True)
            )
            lines.append(f"  fails {failure['id']} ({failure['kind']})  {texts}")
    if found.swap:
        worst = found.swap["worst"]
        lines.append(
            f"entity swap: spread {found.swap['mean_spread']:.1f} points on average, {found.swap['worst_spread']:.1f} at worst: "
            f"{worst['names'][0]} {worst['scores'][0]:.0f}, {worst['names'][1]} {worst['scores'][1]:.0f} in “{worst['sentence']}”"
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class Told:
    """What a report tells, read back.

    Parameters
    ----------
    kinds : dict of "test: kind" to (passed, cases)
    failures : dict of case id to (kind, texts with their scores)
    """

    kinds: dict[str, tuple[int, int]]
    failures: dict[str, tuple[str, str]]

    def share(self, kind: str) -> float | None:
        """Share of the cases of a kind that pass, over all tests; None when there are none."""
        found = [pair for key, pair in self.kinds.items() if key.partition(": ")[2] == kind]
        total = sum(cases for _, cases in found)
        return sum(passed for passed, _ in found) / total if total else None


def told(text: str) -> Told:
    """Read back what `report` wrote, so that a run needs to keep one form of it."""
    kinds, failures, test = {}, {}, ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\w+): [\d.]+ % pass", line):
            test = heading[1]
        elif kind := re.fullmatch(r"  (\S+) +(\d+) of (\d+)", line):
            kinds[f"{test}: {kind[1]}"] = (int(kind[2]), int(kind[3]))
        elif failure := re.fullmatch(r"  fails (\S+) \((\S+)\)  (.*)", line):
            failures[failure[1]] = (failure[2], failure[3])
    return Told(kinds, failures)
