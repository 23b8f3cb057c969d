"""Which words of a sentence pushed its score: leave each out and see what is missing."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from escalation.codebook import Codebook
from escalation.context import InContext, neighbours
from escalation.scoring.answers import probabilities
from escalation.scoring.sentences import plain

MOST_WORDS = 80  # words a sentence that are tried

_WORD = re.compile(r"[^\W_]+(?:['’.\-‐‑][^\W_]+)*")


class Word(NamedTuple):
    """A word, its offsets in the sentence, and the points of escalation that it adds to it."""

    word: str
    start: int
    end: int
    contribution: float


def word_contributions(model: Any, codebook: Codebook, sentences: Sequence[str]) -> list[list[Word]]:
    """Occlusion: the drop of a sentence's escalation when a word is left out, for every word, in one call of the model.

    After Zeiler and Fergus (2014), Visualizing and Understanding Convolutional Networks, and, for words, Li, Monroe and
    Jurafsky (2016), Understanding Neural Networks through Representation Erasure. It shows what this model went by, not
    what is true, and of two words that say the same neither may stand out.

    Parameters
    ----------
    model : object with ``predict_proba``
        Columns in codebook order.
    codebook : Codebook
    sentences : sequence of str
        Their neighbours, where they are `InContext`, stay beside them.

    Returns
    -------
    list of list of Word
        For each sentence its first 80 words in their order; points, positive when the word pushed the score up.

    Raises
    ------
    ModelError
        The model's answer does not fit the codebook.
    """
    found = [list(_WORD.finditer(sentence))[:MOST_WORDS] for sentence in sentences]
    texts = [InContext(plain(sentence), *neighbours(sentence)) for sentence in sentences]
    for sentence, words in zip(sentences, found, strict=True):
        without = (plain(sentence[: word.start()] + sentence[word.end() :]) for word in words)
        texts += [InContext(text, *neighbours(sentence)) for text in without]
    if not sentences:
        return []
    points = probabilities(model, codebook, texts) @ codebook.escalation
    ends = len(sentences) + np.cumsum([len(words) for words in found])
    return [
        [
            Word(word[0], word.start(), word.end(), float(full - without))
            for word, without in zip(words, points[end - len(words) : end], strict=True)
        ]
        for words, full, end in zip(found, points, ends, strict=False)
    ]
