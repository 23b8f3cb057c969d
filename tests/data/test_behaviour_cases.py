"""Behaviour cases: enough of each test, unique, and none of them near a training sentence."""

import json
from collections import Counter

from commands import ROOT

from escalation.corpora.split import normalise, text_hash
from escalation.evaluation import behaviour

CASES, SWAP = behaviour.read(ROOT / "data" / "behaviour")


def test_counts_and_ids() -> None:
    assert len(CASES) >= 500
    assert len({case.id for case in CASES}) == len(CASES)
    tests = Counter(case.test for case in CASES)
    assert tests["direction"] >= 200
    assert min(tests["invariance"], tests["benign"]) >= 100
    kinds = Counter(case.kind for case in CASES)
    assert min(kinds[name] for name in ("negation", "expectation", "hypothetical", "historic")) >= 25
    assert len(set(SWAP["sentences"])) >= 40
    assert len(set(SWAP["names"])) >= 60
    assert all(sentence.count("{country}") == 1 for sentence in SWAP["sentences"])


def test_the_two_texts_of_a_case_differ() -> None:
    assert not [case.id for case in CASES if len(case.texts) == 2 and case.texts[0] == case.texts[1]]


def test_no_case_is_trained_on() -> None:
    """No case is a training sentence, nor shares eight words in a row with one."""
    rows = [
        json.loads(line)["text"]
        for path in sorted((ROOT / "data" / "authored").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    hashes = {text_hash(text) for text in rows}
    runs = {run for text in rows for run in eights(text)}
    for case in CASES:
        for text in case.texts:
            assert text_hash(text) not in hashes, case.id
            assert not eights(text) & runs, case.id


def eights(text: str) -> set[tuple[str, ...]]:
    words = normalise(text).split()
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}
