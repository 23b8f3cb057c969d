"""The gate: a check fails for its own reason, at its own limit, and a file with a mistake says which."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from escalation import project
from escalation.errors import ConfigError
from escalation.evaluation.gate import Evidence, Gate, failed, judge
from escalation.evaluation.paired import Difference

PATH = project.checkout() / "configs" / "gate.yaml"
GATE = Gate(
    worse=0.02,
    least_rows=50,
    resamples=500,
    ece=0.1,
    behaviour={"direction": 0.75, "negation": 0.7},
    behaviour_drop=0.05,
    swap_spread=5.0,
    milliseconds=1000,
)
GOOD = Evidence(
    metric="qwk",
    difference=Difference(0.6, 0.65, 0.05, 0.01, 0.09),
    compared_rows=500,
    champion="version 1 (champion)",
    uncompared="",
    ece=0.05,
    behaviour={"direction": 0.9, "negation": 0.8},
    champion_behaviour={"direction": 0.9, "negation": 0.8},
    swap_spread=2.0,
    trial_rows=None,
    loaded="",
    milliseconds=100,
)


def test_a_good_model_passes_every_check() -> None:
    checks = judge(GATE, GOOD)
    assert not failed(checks)
    assert len(checks) == 9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"difference": Difference(0.6, 0.59, -0.01, -0.03, 0.01)}, "held out, qwk"),
        ({"difference": Difference(0.6, 0.61, 0.01, -0.021, 0.04)}, "held out, qwk"),
        ({"difference": None, "uncompared": "it has no run"}, "it has no run"),
        ({"compared_rows": 49}, "held-out rows compared is 49"),
        ({"ece": 0.101}, "ECE"),
        ({"ece": None}, "not measured"),
        ({"behaviour": {"direction": 0.9, "negation": 0.69}}, "behaviour: negation is 69.0 %"),
        ({"behaviour": {"direction": 0.84, "negation": 0.8}}, "behaviour: direction is 84.0 %"),
        ({"behaviour": {"direction": 0.9}}, "negation is not measured"),
        ({"swap_spread": 5.1}, "entity swap"),
        ({"trial_rows": 200}, "rows=200"),
        ({"loaded": "ModuleNotFoundError: no module"}, "ModuleNotFoundError"),
        ({"milliseconds": 1001}, "1001 ms"),
    ],
)
def test_each_fault_fails_alone_and_names_itself(change: dict, said: str) -> None:
    faults = failed(judge(GATE, replace(GOOD, **change)))
    assert len(faults) == 1, faults
    assert said in faults[0]


@pytest.mark.parametrize(
    "change",
    [
        {"difference": Difference(0.6, 0.6, 0.0, -0.02, 0.02)},
        {"compared_rows": 50},
        {"ece": 0.1},
        {"behaviour": {"direction": 0.85, "negation": 0.75}},
        {"swap_spread": 5.0},
        {"milliseconds": 1000},
    ],
)
def test_the_limit_itself_passes(change: dict) -> None:
    assert not failed(judge(GATE, replace(GOOD, **change)))


def test_the_first_model_is_compared_with_nothing_but_keeps_the_limits() -> None:
    first = replace(GOOD, champion="", difference=None, compared_rows=0, champion_behaviour=None)
    assert not failed(judge(GATE, first))
    assert failed(judge(GATE, replace(first, ece=0.5)))


def test_codebooks_without_cases_are_not_asked_for_behaviour() -> None:
    names = [check.name for check in judge(GATE, replace(GOOD, behaviour=None, swap_spread=None))]
    assert not [name for name in names if "behaviour" in name or "swap" in name]


def test_the_gate_that_ships_can_be_read() -> None:
    gate = Gate.load(PATH)
    assert set(gate.behaviour) >= {"direction", "invariance", "benign", "negation"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ece": "low"}, "ece is 'low'"),
        ({"worse": -1}, "worse is -1"),
        ({"behaviour": 0.7}, "behaviour"),
        ({"behaviour": {"direction": None}}, "direction"),
        ({"mood": 1}, "mood"),
        ({"ece": True}, "ece"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, change: dict, said: str) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(PATH.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        Gate.load(path)


def test_a_missing_limit_file_or_broken_yaml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="restore"):
        Gate.load(tmp_path / "gate.yaml")
    (tmp_path / "gate.yaml").write_text("ece: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="YAML"):
        Gate.load(tmp_path / "gate.yaml")
    (tmp_path / "gate.yaml").write_text("ece: 0.1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="worse"):
        Gate.load(tmp_path / "gate.yaml")
