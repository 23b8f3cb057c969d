"""An article's score as one web page that needs nothing else: no script, no font, no address."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from escalation.scoring import wording

if TYPE_CHECKING:
    from jinja2 import Template


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
    return _template().render(
        score=score,
        title=wording.printable(title),
        scored_by=wording.scored_by(score),
        sentences=[_sentence(sentence, marks.get(index, [])) for index, sentence in enumerate(score["sentences"])],
        drivers=[{**driver, "pushing": wording.pushing(driver)} for driver in score["drivers"]],
        step=wording.step,
        spoken=wording.spoken,
    )


def _sentence(sentence: Mapping[str, Any], marks: list[tuple[int, int, float]]) -> dict[str, Any]:
    """A sentence with its text in pieces, each with the points by which it pushed the score (0 for most)."""
    text = wording.printable(sentence["text"])
    pieces, begin = [], 0
    for start, end, points in marks:
        pieces += [(text[begin:start], 0.0), (text[start:end], points)]
        begin = end
    return {**sentence, "text": text, "pieces": [*pieces, (text[begin:], 0.0)]}


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("escalation.scoring", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")
