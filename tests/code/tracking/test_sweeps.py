"""A sweep's plan: who may go on with its folder."""

import json
from pathlib import Path

import pytest

from escalation.errors import ConfigError
from escalation.tracking.sweeps import PLAN, Plan

WORDS = ["experiment=plv_tfidf", "rows=200"]


def plan(fixed: list[str] | None = WORDS) -> Plan:
    return Plan("a sweep", ["seed"], fixed=fixed)


def test_same_words_go_on(tmp_path: Path) -> None:
    plan().keep(tmp_path)
    Plan("called otherwise", ["seed"], fixed=WORDS).keep(tmp_path)
    assert Plan.of(tmp_path) == plan()


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        (["experiment=cameo_tfidf", "rows=200"], "experiment=plv_tfidf, this has experiment=cameo_tfidf"),
        (["experiment=plv_tfidf"], "rows=200, this has no such word"),
        ([*WORDS, "folds=2"], "no such word, this has folds=2"),
    ],
)
def test_other_words_are_refused_in_one_line(tmp_path: Path, fixed: list[str], said: str) -> None:
    plan().keep(tmp_path)
    with pytest.raises(ConfigError) as refused:
        plan(fixed).keep(tmp_path)
    line = str(refused.value)
    assert said in line
    assert "same words" in line
    assert "hydra.sweep.dir" in line
    assert "\n" not in line
    assert Plan.of(tmp_path) == plan()


def test_plan_that_was_kept_before_words_were_goes_on(tmp_path: Path) -> None:
    older = {"title": "a sweep", "swept": ["seed"], "metric": None, "direction": "maximize"}
    (tmp_path / PLAN).write_text(json.dumps(older), encoding="utf-8")
    plan().keep(tmp_path)
    assert Plan.of(tmp_path).fixed is None
