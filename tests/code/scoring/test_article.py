"""Whole articles: the fields of a score, what counts, what drives, and how often the model is asked."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from escalation.codebook import Codebook
from escalation.context import neighbours
from escalation.errors import InputError, ModelError
from escalation.scoring.article import ArticleScorer, is_fragment

TEXT = (
    "Generals set an ultimatum to the port\n\n"
    "Tanks massed at the Orlava crossing on Sunday. The minister blamed\u00a0the neighbours for it.\n\n"
    "The harvest festival went ahead in the rain. “They shelled us all night,” a baker said.\n\n"
    "Categorised under:\n"
)


def test_score_has_the_fields_of_the_design(scorer: ArticleScorer) -> None:
    score = scorer.score([TEXT])[0]
    assert list(score) == [
        "escalation", "de_escalation", "threat", "act", "level", "interval", "language", "warnings", "model",
        "sentences", "drivers",
    ]  # fmt: skip
    assert score == json.loads(json.dumps(score))
    assert score["model"] == {"uri": "models:/escalation@champion", "version": "3", "codebook": "ladder"}
    assert (score["language"], score["warnings"]) == ("en", [])
    assert score["threat"] + score["act"] == pytest.approx(score["escalation"], abs=0.02)
    assert [(one["label"], one["escalation"]) for one in score["sentences"]] == [
        ("threat_of_force", 48), ("show_of_force", 64), ("friction", 16), ("none", 0), ("use_of_force", 80), ("none", 0),
    ]  # fmt: skip
    assert score["escalation"] == round((sum(s**3 for s in (48, 64, 16, 0, 80)) / 5) ** (1 / 3), 2)
    assert score["level"] == "high"
    for one in score["sentences"]:
        assert TEXT[one["start"] : one["end"]] == one["text"]
        assert sum(one["probabilities"].values()) == pytest.approx(1)


def test_drivers_are_the_highest_sentences_and_name_their_words(scorer: ArticleScorer) -> None:
    score = scorer.score([TEXT])[0]
    assert [driver["sentence"] for driver in score["drivers"]] == [4, 1, 0]
    assert [driver["words"][0]["word"] for driver in score["drivers"]] == ["shelled", "Tanks", "ultimatum"]
    for driver in score["drivers"]:
        strongest = driver["words"][0]
        assert TEXT[strongest["start"] : strongest["end"]] == strongest["word"]
        assert strongest["contribution"] == driver["escalation"]
        assert all(word["contribution"] == 0 for word in driver["words"][1:])


def test_no_more_than_five_drivers(scorer: ArticleScorer) -> None:
    text = " ".join(f"They shelled village number {number} today." for number in range(8))
    assert [driver["sentence"] for driver in scorer.score([text])[0]["drivers"]] == [0, 1, 2, 3, 4]


def test_calm_article_has_no_driver(scorer: ArticleScorer) -> None:
    score = scorer.score(["The choir sang at noon. The minister blamed the weather for the delay."])[0]
    assert score["escalation"] > 0
    assert score["drivers"] == []
    assert score["level"] == "low"


@pytest.mark.parametrize("fragment", ["Tanks shelled", "Share this: tanks shelled:", "By Ann Ultimatum"])
def test_furniture_is_shown_but_does_not_count(scorer: ArticleScorer, fragment: str) -> None:
    score = scorer.score([f"The choir sang in the old hall.\n\n{fragment}"])[0]
    assert score["escalation"] == 0
    assert score["drivers"] == []
    assert score["sentences"][1]["escalation"] > 0
    assert [one["counted"] for one in score["sentences"]] == [True, False]


def test_short_sentence_counts_and_so_do_fragments_alone(scorer: ArticleScorer) -> None:
    assert scorer.score(["They shelled.\n\nThe choir sang in the hall."])[0]["escalation"] > 0
    assert scorer.score(["Tanks shelled"])[0]["escalation"] == 72


def test_repeated_sentences_count_once(scorer: ArticleScorer) -> None:
    once = "They shelled the market. The choir sang in the hall."
    twice = once + "\n\nTHEY SHELLED THE MARKET!\n\n“They shelled the market.”"
    one, other = scorer.score([once, twice])
    assert one["escalation"] == other["escalation"]
    assert [sentence["counted"] for sentence in other["sentences"]] == [True, True, False, False]


def test_repetition_is_told_in_every_script(scorer: ArticleScorer) -> None:
    counted = [
        one["counted"] for one in scorer.score(["Войска у самой границы. Переговоры идут весь день."])[0]["sentences"]
    ]
    assert counted == [True, True]


def test_model_is_asked_once_for_each_text_and_once_for_all_words(model: Any, ladder: Codebook) -> None:
    scorer = ArticleScorer(model, ladder, {})
    scorer.score([TEXT, TEXT, "The choir  sang.", "The choir\nsang."])
    assert len(model.asked) == 2
    assert len(model.asked[0]) == len(set(model.asked[0])) == 7
    assert "The minister blamed the neighbours for it." in model.asked[0]
    model.asked.clear()
    light = scorer.score([TEXT], drivers=False, sentences=False)[0]
    assert len(model.asked) == 1
    assert not {"sentences", "drivers"} & set(light)


def test_batch_scores_as_one_by_one(scorer: ArticleScorer) -> None:
    texts = [TEXT, "The choir sang.", "They shelled the town. A truce holds in the south."]
    assert scorer.score(texts) == [scorer.score([text])[0] for text in texts]
    assert scorer.score([]) == []


def test_other_language_is_scored_with_a_warning(scorer: ArticleScorer) -> None:
    score = scorer.score(
        ["Le ministre a déclaré mardi que les troupes avaient franchi la frontière. Les écoles restent fermées."]
    )[0]
    assert score["language"] == "fr"
    assert any("English" in warning for warning in score["warnings"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("and the troops marched on " * 4000, "1,000 characters"),
        ("The choir sang in the hall.", "one sentence"),
        ("The choir sang in the hall. ☒☒☒ ☒☒☒ ☒☒☒ ☒☒☒ They left.", "unusual"),
    ],
)
def test_warnings(scorer: ArticleScorer, text: str, said: str) -> None:
    warnings = scorer.score([text])[0]["warnings"]
    assert len([line for line in warnings if said in line]) == 1
    assert all("\n" not in line for line in warnings)


@pytest.mark.parametrize(
    ("texts", "said"),
    [("one string", "list"), (["good one", ""], "text 1"), (["12 34"], "letters"), ([None], "NoneType")],
)
def test_texts_that_cannot_be_scored(scorer: ArticleScorer, texts: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        scorer.score(texts)


@pytest.mark.parametrize("answer", [np.ones((1, 3)) / 3, np.full((1, 7), np.nan)])
def test_model_that_does_not_fit_is_refused(ladder: Codebook, answer: np.ndarray) -> None:
    class Misfit:
        def predict_proba(self, texts: list[str]) -> np.ndarray:
            return answer

    with pytest.raises(ModelError, match="ladder"):
        ArticleScorer(Misfit(), ladder, {}).score(["The choir sang."])


def test_event_codebook_scores_too() -> None:
    root = Codebook.load("root", Path(__file__).parents[3] / "configs" / "codebook")

    class Assault:
        def predict_proba(self, texts: list[str]) -> np.ndarray:
            return np.tile(np.eye(16)[15], (len(texts), 1))

    score = ArticleScorer(Assault(), root, {}).score(["They shelled the market."])[0]
    assert (score["escalation"], score["act"], score["threat"], score["level"]) == (90, 90, 0, "unrated")


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("Categorized in:", True),
        ("Read more about the crisis:", True),
        ("He said this to the men of the council:", False),
        ("By Ana Orla", True),
        ("Share this", True),
        ("They fled!", False),
        ("“Go home.”", False),
        ("Four people were shot", False),
    ],
)
def test_what_a_fragment_is(text: str, fragment: bool) -> None:
    assert is_fragment(text) is fragment


def test_sentences_are_read_between_their_neighbours(model: Any, ladder: Codebook) -> None:
    ArticleScorer(model, ladder, {}).score(["Dawn broke over it. They shelled it all night. Dawn broke over it."])
    first, drivers = model.asked
    assert [(text, *neighbours(text)) for text in first] == [
        ("Dawn broke over it.", "", "They shelled it all night."),
        ("They shelled it all night.", "Dawn broke over it.", "Dawn broke over it."),
        ("Dawn broke over it.", "They shelled it all night.", ""),
    ]
    assert {neighbours(text) for text in drivers} == {("Dawn broke over it.", "Dawn broke over it.")}


def test_neither_a_second_copy_nor_what_a_site_prints_below_moves_the_score(scorer: ArticleScorer) -> None:
    article = " ".join(f"They shelled village number {n} today. The choir sang song {n} at noon." for n in range(4))
    below = "Sign up for our morning newsletter today. Our archive is open to all subscribers. Readers may send us their news."
    alone, twice, furnished = scorer.score([article, f"{article}\n\n{article}", f"{article}\n\n{below}"])
    assert alone["escalation"] > 50
    assert twice["escalation"] == alone["escalation"]
    assert furnished["escalation"] == pytest.approx(alone["escalation"], abs=5)
