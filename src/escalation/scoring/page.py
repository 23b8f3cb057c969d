"""An article's score as one web page that needs nothing else: no script, no font, no address."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

from escalation import templates
from escalation.scoring import wording

MOST_BARS = 160  # in the strip of an article
PARAGRAPH = 2  # characters between two sentences from which a blank line stands between them
GAP = 0.7  # points left free between two bands of the gauge


def page(score: Mapping[str, Any], title: str) -> str:
    """HTML page of an article's score.

    Parameters
    ----------
    score : mapping
        As `ArticleScorer.score` makes it, with sentences and drivers.
    title : str
        What the article is called. It and the text are escaped.
    """
    marks = wording.pushed(score)
    sentences = [_sentence(sentence, marks.get(index, [])) for index, sentence in enumerate(score["sentences"])]
    return templates.page("escalation.scoring").render(
        score=score,
        title=wording.printable(title),
        style=(files("escalation.scoring") / "report.css").read_text(encoding="utf-8"),
        scored_by=wording.scored_by(score),
        sentences=sentences,
        paragraphs=_paragraphs(sentences),
        bands=_bands(),
        gap=GAP,
        course=_course(sentences),
        highest=_highest(sentences, range(len(sentences))),
        drivers=[{**driver, "pushing": wording.pushing(driver)} for driver in score["drivers"]],
        step=wording.step,
        spoken=wording.spoken,
        printable=wording.printable,
    )


def _sentence(sentence: Mapping[str, Any], marks: list[tuple[int, int, float]]) -> dict[str, Any]:
    """A sentence with its text in pieces, each with the points by which it pushed the score (0 for most)."""
    text = wording.printable(sentence["text"])
    pieces, begin = [], 0
    for start, end, points in marks:
        pieces += [(text[begin:start], 0.0), (text[start:end], points)]
        begin = end
    calming = wording.calming(sentence)
    return {
        **sentence,
        "text": text,
        "pieces": [*pieces, (text[begin:], 0.0)],
        "calming": calming,
        "points": calming or sentence["escalation"],
        "said": wording.said(sentence),
    }


def _paragraphs(sentences: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Indices of the sentences of each paragraph."""
    found: list[list[int]] = []
    for index, sentence in enumerate(sentences):
        if index == 0 or sentence["start"] - sentences[index - 1]["end"] >= PARAGRAPH:
            found.append([])
        found[-1].append(index)
    return found


def _bands() -> list[tuple[float, float]]:
    """Where each step of colour begins and ends on the gauge."""
    edges = (0.0, *wording.STEPS, 100.0)
    return [(start, end - (GAP if end < 100 else 0)) for start, end in pairwise(edges)]


def _course(sentences: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indices of the sentences that stand for an article's course: all, or of a long one the highest of each stretch."""
    bars = min(len(sentences), MOST_BARS)
    edges = [edge * len(sentences) // bars for edge in range(bars + 1)]
    return [_highest(sentences, range(start, end)) for start, end in pairwise(edges)]


def _highest(sentences: Sequence[Mapping[str, Any]], among: Iterable[int]) -> int:
    return max(among, key=lambda index: float(sentences[index]["escalation"]))
