"""Behaviour cases: what passes, what fails, and how failures are told."""

import json
from pathlib import Path

import numpy as np
import pytest

from escalation import project
from escalation.errors import CorpusError
from escalation.evaluation import behaviour
from escalation.evaluation.behaviour import Case

CASES = [
    Case("d1", "direction", "negation", ("they attack", "they rest")),
    Case("d2", "direction", "negation", ("they rest", "they attack")),
    Case("d3", "direction", "rungs", ("they rest", "all rest")),
    Case("i1", "invariance", "country", ("attack in Peru", "attack in Chad")),
    Case("i2", "invariance", "case", ("attack", "rest")),
    Case("b1", "benign", "metaphor", ("the choir rests",)),
    Case("b2", "benign", "metaphor", ("the striker will attack",)),
]
SWAP = {"sentences": ["attack in {country}", "rest in {country}"], "names": ["Peru", "Chad", "Mali"]}


def scores(texts):
    """50 points for an attack, 8 more in Chad."""
    return np.array([50.0 * ("attack" in text) + 8.0 * ("Chad" in text) for text in texts])


def test_rates_kinds_and_failures() -> None:
    found = behaviour.behave(CASES, SWAP, scores)
    assert found.rates == pytest.approx({"direction": 1 / 3, "invariance": 1 / 2, "benign": 1 / 2})
    assert found.kinds["direction: negation"] == (1, 2)
    assert found.kinds["direction: rungs"] == (0, 1)  # equal scores are no order
    assert [failure["id"] for failure in found.failures] == ["b2", "d2", "d3", "i2"]
    assert found.failures[0]["scores"] == [50.0]


def test_entity_swap_names_the_worst_pair() -> None:
    swap = behaviour.behave(CASES, SWAP, scores).swap
    assert swap["worst_spread"] == pytest.approx(8)
    assert swap["mean_spread"] == pytest.approx(np.std([0, 8, 0]))
    assert swap["worst"]["names"][0] == "Chad"
    assert behaviour.entity_swap({"sentences": [], "names": []}, scores) == {}


def test_limits_themselves() -> None:
    assert behaviour.shortfall("invariance", [30, 40]) <= 0 < behaviour.shortfall("invariance", [30, 40.1])
    assert behaviour.shortfall("benign", [20]) <= 0 < behaviour.shortfall("benign", [20.1])
    assert behaviour.shortfall("direction", [20, 20]) > 0


def test_report_and_flat() -> None:
    found = behaviour.behave(CASES, SWAP, scores)
    text = behaviour.report(found)
    for part in ("direction: 33.3 % pass", "negation", "fails b2 (metaphor)  50: the striker will attack", "Chad 58"):
        assert part in text
    assert set(behaviour.flat(found)) == {
        "behaviour.direction",
        "behaviour.invariance",
        "behaviour.benign",
        "behaviour.swap_mean_spread",
        "behaviour.swap_worst_spread",
    }


def test_read_refuses_what_is_no_case(tmp_path: Path) -> None:
    (tmp_path / "entity_swap.json").write_text(json.dumps(SWAP), encoding="utf-8")
    with pytest.raises(CorpusError, match="restore"):
        behaviour.read(tmp_path)
    good = {"id": "a", "test": "benign", "kind": "sport", "text": "Goal!", "note": ""}
    (tmp_path / "a.jsonl").write_text(json.dumps(good) + "\n", encoding="utf-8")
    cases, swap = behaviour.read(tmp_path)
    assert cases == [Case("a", "benign", "sport", ("Goal!",))]
    assert swap == SWAP
    for bad in (
        {**good, "test": "mood"},
        {**good, "text": None},
        {"id": "a", "test": "direction", "kind": "x", "high": "A"},
    ):
        (tmp_path / "a.jsonl").write_text(json.dumps(bad) + "\n", encoding="utf-8")
        with pytest.raises(CorpusError, match="line 1"):
            behaviour.read(tmp_path)


def test_a_report_can_be_read_back() -> None:
    found = behaviour.behave(CASES, SWAP, scores)
    told = behaviour.told(behaviour.report(found, most=1000))
    assert told.kinds == found.kinds
    assert set(told.failures) == {failure["id"] for failure in found.failures}
    assert told.failures["b2"] == ("metaphor", "50: the striker will attack")
    assert told.share("negation") == 0.5
    assert told.share("klingon") is None


def test_every_case_that_ships_can_be_read_back() -> None:
    """A text with a line break, or a kind with a space, would be lost."""
    cases, swap = behaviour.read(project.checkout() / "data" / "behaviour")
    found = behaviour.behave(cases, swap, lambda texts: np.arange(len(texts))[::-1] % 7 * 14.0)
    told = behaviour.told(behaviour.report(found, most=1000))
    assert told.kinds == found.kinds
    assert set(told.failures) == {failure["id"] for failure in found.failures}
