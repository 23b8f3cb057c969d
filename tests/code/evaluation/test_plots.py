"""Every picture can be drawn for a scale and for many labels, also when some have no row."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from escalation import project
from escalation.codebook import Codebook
from escalation.evaluation import metrics, plots


@pytest.fixture(params=["ladder", "root"])
def case(request: pytest.FixtureRequest):
    codebook = Codebook.load(request.param, project.codebooks())
    draw = np.random.default_rng(0)
    truth = draw.integers(0, len(codebook.labels) - 2, 80)  # the last two labels have no row
    probabilities = draw.dirichlet(np.ones(len(codebook.labels)), 80)
    return codebook, [codebook.names[code] for code in truth], probabilities


def drawn(figure: Figure) -> list[str]:
    """Render, and give back every text in it."""
    target = io.BytesIO()
    figure.savefig(target, format="png")
    assert target.getvalue().startswith(b"\x89PNG")
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_confusion_prints_counts_and_leaves_out_what_never_occurs(case) -> None:
    codebook, y, probabilities = case
    evaluation = metrics.evaluate(y, probabilities, codebook)
    texts = drawn(plots.confusion(evaluation, codebook))
    assert sum(int(text) for text in texts if text.isdigit()) == 80
    assert any(codebook.names[0].replace("_", " ") == text for text in texts)


def test_bars_name_every_label_with_its_rows(case) -> None:
    codebook, y, probabilities = case
    evaluation = metrics.evaluate(y, probabilities, codebook)
    texts = drawn(plots.per_class_bars(evaluation, codebook))
    assert f"{codebook.names[0].replace('_', ' ')}  ({y.count(codebook.names[0])})" in texts


def test_reliability_prints_the_error_that_metrics_gives(case) -> None:
    codebook, y, probabilities = case
    figure = metrics.evaluate(y, probabilities, codebook).scalars["ece"]
    assert any(f"{figure:.3f}" in text for text in drawn(plots.reliability(y, probabilities, codebook)))


def test_precision_recall_has_a_panel_for_each_label_with_rows(case) -> None:
    codebook, y, probabilities = case
    figure = plots.precision_recall(y, probabilities, codebook)
    drawn(figure)
    assert sum(axes.get_visible() for axes in figure.axes) == len(set(y))


def test_scores_words_and_folds(case) -> None:
    codebook, y, probabilities = case
    assert any("points on average" in text for text in drawn(plots.score_distribution(y, probabilities, codebook)))
    words = {name: [("word__troops", 2.0), ("char__ roo", 1.0)] for name in codebook.names}
    texts = drawn(plots.top_words(words))
    assert "troops" in texts
    assert "␣roo" in texts
    folds = [metrics.evaluate(y, probabilities, codebook, resamples=0).scalars] * 3
    assert any("±" in text for text in drawn(plots.folds(folds, codebook)))
