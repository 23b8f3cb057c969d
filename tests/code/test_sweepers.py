"""What a word of the command line lets a search choose, and what of the words is kept for who goes on with a sweep."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from escalation.errors import ConfigError
from escalation.searching import Axis
from escalation.tracking.sweeps import Plan
from hydra_plugins.escalation_sweeps.sweepers import Grid, _axis


def parsed(*words: str):
    return OverridesParser.create().parse_overrides(list(words))


@pytest.mark.parametrize(
    ("word", "axis"),
    [
        ("x=range(1,6,2)", Axis(low=1, high=5, step=2)),
        ("x=range(6,1,-2)", Axis(low=2, high=6, step=2)),
        ("x=range(1.0,2.0,0.5)", Axis(choices=("1.0", "1.5"))),
        ("x=tag(log, interval(0.1, 10))", Axis(low=0.1, high=10.0, log=True)),
        ("x=a,b", Axis(choices=("a", "b"))),
    ],
)
def test_values_that_a_search_may_choose(word: str, axis: Axis) -> None:
    assert _axis(*parsed(word)) == axis


@pytest.mark.parametrize("word", ["range(5,1)", "range(1,5,0)", "range(1,5,-1)", "range(5.0,1.0)", "range(1.0,5.0,0)"])
def test_range_without_a_value(word: str) -> None:
    with pytest.raises(ConfigError, match="holds no value"):
        _axis(*parsed(f"x={word}"))
    with pytest.raises(ConfigError, match="holds no value"):
        Grid().jobs(parsed(f"x={word}"))


def test_words_that_change_nothing_that_is_learnt_are_not_kept(tmp_path: Path) -> None:
    words = [
        "rows=9",
        "+experiment=plv_tfidf",
        "rows=3",
        "seed=1,2",
        "++register=false",
        "name=a",
        "hydra/launcher=joblib",
    ]
    grid = Grid()
    grid.folder = tmp_path
    grid.plan(parsed(*words, "report=b", "export=c", "alias=d", "hydra.launcher.n_jobs=2"), ["seed"])
    assert Plan.of(tmp_path).fixed == ["+experiment=plv_tfidf", "rows=3"]
    grid.plan(parsed("rows=3", "+experiment=plv_tfidf", "seed=1,2,3"), ["seed"])  # in any order
    with pytest.raises(ConfigError, match="experiment=plv_tfidf, this has experiment=cameo_tfidf"):
        grid.plan(parsed("experiment=cameo_tfidf", "rows=3", "seed=1,2"), ["seed"])
