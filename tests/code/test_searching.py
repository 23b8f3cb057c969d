"""A study in a file: what it draws, who may go on with it, and when a trial is pruned."""

from pathlib import Path

import pytest

from escalation.errors import ConfigError, Pruned
from escalation.searching import UNPRUNED, Axis, Study, Trial

SPACE = {"a": Axis(choices=("x", "y")), "b": Axis(low=0.1, high=10.0, log=True), "c": Axis(low=1, high=9, step=2)}


def opened(folder: Path, trials: int = 4, direction: str = "maximize", space: dict[str, Axis] = SPACE) -> Study:
    return Study(folder, space, direction, trials, seed=1, startup=2)


def test_two_terminals_share_the_number_of_trials_and_draw_different_ones(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    one, two = first.batch(3), second.batch(3)
    assert sorted([*one, *two]) == [0, 1, 2, 3]
    assert len({value["b"] for value in [*one.values(), *two.values()]}) == 4
    assert all(value["c"] in (1, 3, 5, 7, 9) and value["a"] in "xy" for value in one.values())
    assert first.batch(1) == second.batch(1) == {}


def test_trial_that_was_cut_off_is_started_again_with_the_same_values(tmp_path: Path) -> None:
    gone = opened(tmp_path)
    cut = gone.batch(2)
    assert opened(tmp_path).batch(2).keys().isdisjoint(cut)  # it is held
    Trial(tmp_path, 1).finish(0.5)
    gone.end({})  # as the system does when a process ends
    other = opened(tmp_path)
    assert other.batch(1) == {0: cut[0]}
    assert opened(tmp_path).counts() == {"complete": 1, "running": 3}


def test_search_that_goes_on_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    whole, halves = opened(tmp_path / "whole"), [opened(tmp_path / "halves") for _ in range(2)]
    for number in range(4):
        drawn = [whole.batch(1), halves[number // 2].batch(1)]
        assert drawn[0] == drawn[1]
        for folder in ("whole", "halves"):
            Trial(tmp_path / folder, number).finish(float(number))


def test_trial_below_the_median_is_pruned_and_one_above_is_not(tmp_path: Path) -> None:
    study = opened(tmp_path, UNPRUNED + 2)
    for number in study.batch(UNPRUNED):
        trial = Trial(tmp_path, number)
        for step in range(2):
            trial.report(step, 0.5 + number / 100)
        trial.finish(0.5)
    good, bad = (Trial(tmp_path, number) for number in study.batch(2))
    good.report(0, 0.7)
    good.report(0, 0.7)  # told again, as a trial does that was cut off
    with pytest.raises(Pruned, match="fold 1"):
        bad.report(0, 0.2)
    study.end({good.number: "it failed"})
    assert study.counts() == {"complete": UNPRUNED, "fail": 1, "pruned": 1}


def test_folder_of_another_search(tmp_path: Path) -> None:
    opened(tmp_path).batch(1)
    for other in ({"direction": "minimize"}, {"space": {**SPACE, "a": Axis(choices=("x", "z"))}}):
        with pytest.raises(ConfigError, match="other values"):
            opened(tmp_path, **other)
    assert opened(tmp_path, trials=9).batch(9).keys() == set(range(9))  # more of the same, and what nobody holds
