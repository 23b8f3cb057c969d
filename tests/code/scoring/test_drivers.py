"""Occlusion: what a word adds is what is missing without it."""

from typing import Any

import pytest

from escalation.codebook import Codebook
from escalation.context import InContext, neighbours
from escalation.scoring.drivers import MOST_WORDS, word_contributions


def test_contributions_are_the_drops(model: Any, ladder: Codebook) -> None:
    sentence = "After the ultimatum tanks rolled in, despite U.S. pleas."
    words = word_contributions(model, ladder, [sentence])[0]
    assert [word.word for word in words] == [
        "After",
        "the",
        "ultimatum",
        "tanks",
        "rolled",
        "in",
        "despite",
        "U.S",
        "pleas",
    ]
    assert all(sentence[word.start : word.end] == word.word for word in words)
    by_word = {word.word: word.contribution for word in words}
    # both words: half of 0.8 on each of 60 and 80 points; without one, 0.8 on the other
    assert by_word["ultimatum"] == pytest.approx(0.4 * 60 + 0.4 * 80 - 0.8 * 80)
    assert by_word["tanks"] == pytest.approx(0.4 * 60 + 0.4 * 80 - 0.8 * 60)
    assert by_word["rolled"] == 0
    assert by_word["tanks"] > 0 > by_word["ultimatum"]


def test_all_sentences_go_in_one_call(model: Any, ladder: Codebook) -> None:
    one, none, other = word_contributions(model, ladder, ["They shelled it.", "…", "Tanks came."])
    assert len(model.asked) == 1
    assert "They it." in model.asked[0]
    assert none == []
    assert max(one, key=lambda word: word.contribution).word == "shelled"
    assert max(other, key=lambda word: word.contribution).word == "Tanks"


def test_long_sentences_are_tried_up_to_a_limit(model: Any, ladder: Codebook) -> None:
    assert len(word_contributions(model, ladder, ["tanks " * 300])[0]) == MOST_WORDS
    assert word_contributions(model, ladder, []) == []


def test_the_neighbours_stay_beside_a_sentence_without_one_of_its_words(model: Any, ladder: Codebook) -> None:
    word_contributions(model, ladder, [InContext("Tanks came.", "Dawn broke.", "Nobody spoke.")])
    assert {neighbours(text) for text in model.asked[0]} == {("Dawn broke.", "Nobody spoke.")}
