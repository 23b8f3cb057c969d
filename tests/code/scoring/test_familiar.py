"""Texts unlike those learnt from are told by their words."""

from pathlib import Path

import numpy as np
import pytest

from escalation.codebook import Codebook
from escalation.scoring.article import ArticleScorer
from escalation.scoring.familiar import LEAST, Familiar

NEWS = [
    f"Officials of {place} said that troops had {deed} the {thing} on {day} and that talks would go on."
    for place in ("Orlava", "Tarsin", "Beldona", "Kermat")
    for deed in ("shelled", "left", "guarded", "crossed")
    for thing in ("bridge", "harbour", "frontier", "village")
    for day in ("Monday", "Friday")
]
RECIPE = (
    "Whisk the eggs with caster sugar until pale and fluffy, then fold in sifted flour, cinnamon and grated lemon zest. "
    "Simmer the apricots with vinegar, vanilla and honey; sprinkle almonds over the batter and bake until a skewer "
    "comes out clean. Let the cake cool on its rack before dusting with icing sugar."
)


@pytest.fixture
def familiar() -> Familiar:
    return Familiar.of(NEWS, [f"g{number % 16}" for number in range(len(NEWS))])


def test_a_recipe_is_strange_and_news_is_not(familiar: Familiar) -> None:
    new = familiar.new(RECIPE)
    assert new is not None
    assert new > 0.8 > familiar.limit
    assert familiar.new(" ".join(NEWS[::7])) is None


def test_too_few_words_say_nothing(familiar: Familiar) -> None:
    assert len(RECIPE.split()[:20]) < LEAST
    assert familiar.new(" ".join(RECIPE.split()[:20])) is None


def test_it_comes_back_from_a_file(familiar: Familiar, tmp_path: Path) -> None:
    familiar.save(tmp_path)
    back = Familiar.load(tmp_path)
    np.testing.assert_array_equal(back.known, familiar.known)
    assert back.limit == pytest.approx(familiar.limit, abs=1e-4)


def test_an_article_unlike_the_training_texts_gets_a_warning(
    familiar: Familiar, model: object, ladder: Codebook
) -> None:
    scorer = ArticleScorer(model, ladder, {}, familiar)
    strange, usual = scorer.score([RECIPE, " ".join(NEWS[:8])])
    assert ["no text that the model learnt from" in line for line in strange["warnings"]] == [True]
    assert usual["warnings"] == []
