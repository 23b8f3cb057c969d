"""Pictures of a sweep, and which settings it says mattered."""

import pytest

from escalation.evaluation.importance import importance
from escalation.evaluation.sweep_plots import importances, parallel_coordinates

SETTINGS = [
    {"C": str(c), "classifier": name, "seed": str(seed)}
    for c in (0.1, 1, 10)
    for name in ("svc", "logreg")
    for seed in (1, 2)
]
FIGURES = [0.5 + 0.2 * (one["classifier"] == "svc") + 0.01 * float(one["C"]) for one in SETTINGS]


@pytest.mark.parametrize(("n", "how"), [(12, "functional ANOVA"), (6, "correlation ratio")])
def test_importance_finds_what_moved_the_figure(n: int, how: str) -> None:
    shares, measured = importance(SETTINGS[:n], FIGURES[:n])
    assert measured == how
    assert next(iter(shares)) == "classifier"
    assert shares["classifier"] > 0.5 > shares["seed"]


def test_nothing_moved() -> None:
    assert importance(SETTINGS[:2], [0.5, 0.5])[0] == {}


def test_of_values_that_each_came_once_nothing_is_told() -> None:
    settings = [{"rate": rate, "epochs": epochs} for rate, epochs in (("1e-5", "1"), ("2e-5", "3"), ("7e-5", "3"))]
    assert set(importance(settings, [0.1, 0.3, 0.4])[0]) == {"epochs"}


def test_pictures_name_every_setting() -> None:
    lines = parallel_coordinates(SETTINGS, FIGURES, "cv.qwk")
    (axes,) = lines.axes
    assert [one.get_text() for one in axes.get_xticklabels()] == ["C", "classifier", "seed", "cv.qwk"]
    assert {"svc", "logreg", "0.1", "10"} <= {one.get_text() for one in axes.texts}
    assert len(axes.lines) == len(SETTINGS) + 4
    bars = importances(*importance(SETTINGS, FIGURES), "cv.qwk", 12)
    assert {one.get_text() for one in bars.axes[0].get_yticklabels()} == {"C", "classifier", "seed"}
