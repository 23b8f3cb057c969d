"""A model that can be read at a glance, and the codebook that it answers."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.scoring.article import ArticleScorer

ROOT = Path(__file__).parents[3]
WORDS = {"truce": 0, "blamed": 2, "sanctions": 3, "ultimatum": 4, "tanks": 5, "shelled": 6}


class WordModel:
    """Eight parts of ten on the rung of each word that it knows, the rest on `none`; counts how it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked.append(list(texts))
        rows = np.zeros((len(texts), 7))
        for row, text in zip(rows, texts, strict=True):
            known = [WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in WORDS]
            for rung in known:
                row[rung] += 0.8 / len(known)
            row[1] += 1 - row.sum()
        return rows


@pytest.fixture(scope="session")
def ladder() -> Codebook:
    return Codebook.load("ladder", ROOT / "configs" / "codebook")


@pytest.fixture
def model() -> WordModel:
    return WordModel()


@pytest.fixture
def scorer(model: WordModel, ladder: Codebook) -> ArticleScorer:
    return ArticleScorer(model, ladder, {"uri": "models:/escalation@champion", "version": 3, "run": "x"})
