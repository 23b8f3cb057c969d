"""Scores whole articles: sentences, what the model says of them, the figures that they add up to, and what drives these."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.context import InContext
from escalation.errors import InputError
from escalation.scoring.aggregate import Aggregate, aggregate
from escalation.scoring.answers import probabilities
from escalation.scoring.drivers import Word, word_contributions
from escalation.scoring.familiar import Familiar
from escalation.scoring.language import UNKNOWN, language
from escalation.scoring.sentences import LONGEST, Span, plain, split

MOST_DRIVERS = 5
LEAST_POINTS = 20.0  # a sentence below is no driver, however calm the others
UNUSUAL = 0.2  # share of characters that no running text has

_SENTENCE_END = re.compile(r"[.!?…。！？।؟]['\"’”»)\]\s]*$")
_USUAL = re.compile(r"[\w\s.,;:!?…'\"‘’“”„«»()\[\]/%&$€£°+*#–—•-]+")
_NOT_WORDS = re.compile(r"[\W_]+")

Array = NDArray[np.float64]
Score = dict[str, Any]
Sentence = tuple[str, str, str]  # as the model reads it: its text, the one before and the one after


class ArticleScorer:
    """Scores articles with a model of sentences.

    Parameters
    ----------
    model : object with ``predict_proba(list of n str) -> (n, n_labels)``
        Calibrated probabilities, columns in codebook order, rows summing to 1.
    codebook : Codebook
        Gives the labels their points, the article its levels and the power of its mean.
    info : mapping
        ``uri`` and ``version`` of the model, repeated in every score.
    familiar : Familiar, optional
        What the model learnt from, so that articles unlike it get a warning.
    """

    def __init__(self, model: Any, codebook: Codebook, info: Mapping[str, Any], familiar: Familiar | None = None):
        self.model = model
        self.codebook = codebook
        self.familiar = familiar
        self.info = {"uri": info.get("uri", ""), "version": str(info.get("version", "")), "codebook": codebook.name}

    def score(self, texts: Sequence[str], drivers: bool = True, sentences: bool = True) -> list[Score]:
        """Score articles; all their sentences go through the model in one call, equal ones once.

        Parameters
        ----------
        texts : sequence of str
            One a whole article.
        drivers, sentences : bool
            Whether the scores have these fields; without the drivers the model is called once and not twice.

        Returns
        -------
        list of dict
            Plain data, one a text: ``escalation``, ``de_escalation``, ``threat``, ``act`` (0 … 100), ``level``,
            ``interval`` (90 %, see `aggregate`), ``language`` (ISO 639), ``warnings`` (lines), ``model``,
            ``sentences`` (``text``, ``start``, ``end``, ``label``, ``escalation``, ``probabilities`` by label, and ``counted``:
            false for fragments and repetitions, which no figure of the article holds) and ``drivers`` (up to five
            counted sentences of 20 points or more, the one with the largest share first: ``sentence``, its index,
            ``escalation``, and ``words``: ``word``, ``start``, ``end`` in the article, ``contribution`` in points, the
            strongest first).

        Raises
        ------
        InputError
            `texts` is one string, or one of them is no string or has no letters.
        ModelError
            The model's answer does not fit the codebook.
        """
        articles = [split(text) for text in _checked(texts)]
        if not articles:
            return []
        read = [_in_context(spans) for spans in articles]
        known, rows = _unique([sentence for article in read for sentence in article])
        answers = probabilities(self.model, self.codebook, known)[rows]
        bounds = np.cumsum([0, *(len(spans) for spans in articles)])
        found = [answers[start:end] for start, end in pairwise(bounds)]
        counted = [_counted(spans) for spans in articles]
        figures = [aggregate(part[used], self.codebook) for part, used in zip(found, counted, strict=True)]
        scores = [self._figures(*each) for each in zip(texts, articles, figures, strict=True)]
        if sentences:
            for score, spans, part, used in zip(scores, articles, found, counted, strict=True):
                score["sentences"] = self._sentences(spans, part, used)
        if drivers:
            for score, driven in zip(scores, self._drivers(articles, read, found, counted, figures), strict=True):
                score["drivers"] = driven
        return scores

    def _figures(self, text: str, spans: Sequence[Span], figures: Aggregate) -> Score:
        code = language(text)
        return {
            "escalation": round(figures.escalation, 2),
            "de_escalation": round(figures.de_escalation, 2),
            "threat": round(figures.threat, 2),
            "act": round(figures.act, 2),
            "level": self.codebook.level(round(figures.escalation, 2)),
            "interval": [round(figures.low, 2), round(figures.high, 2)],
            "language": code,
            "warnings": list(_warnings(text, spans, code, self.familiar)),
            "model": dict(self.info),
        }

    def _sentences(self, spans: Sequence[Span], answers: Array, counted: NDArray[np.intp]) -> list[dict[str, Any]]:
        names, used = self.codebook.names, set(counted.tolist())
        points = np.round(answers @ self.codebook.escalation, 2).tolist()
        labels = answers.argmax(axis=1).tolist()
        return [
            {
                "text": span.text,
                "start": span.start,
                "end": span.end,
                "label": names[label],
                "escalation": escalation,
                "probabilities": dict(zip(names, row, strict=True)),
                "counted": index in used,
            }
            for index, (span, label, escalation, row) in enumerate(
                zip(spans, labels, points, np.round(answers, 4).tolist(), strict=True)
            )
        ]

    def _drivers(
        self,
        articles: Sequence[Sequence[Span]],
        read: Sequence[Sequence[Sentence]],
        found: Sequence[Array],
        counted: Sequence[NDArray[np.intp]],
        figures: Sequence[Aggregate],
    ) -> Iterator[list[dict[str, Any]]]:
        """Drivers of each article; the words of all of them in one call of the model."""
        chosen: list[list[tuple[int, float]]] = []
        for answers, used, figure in zip(found, counted, figures, strict=True):
            points = answers[used] @ self.codebook.escalation
            order = np.argsort(-figure.shares, kind="stable")[:MOST_DRIVERS]
            chosen.append([(int(used[i]), float(points[i])) for i in order if points[i] >= LEAST_POINTS])
        driving = [
            InContext(spans[index].text, *sentences[index][1:])
            for spans, sentences, picked in zip(articles, read, chosen, strict=True)
            for index, _ in picked
        ]
        words = iter(word_contributions(self.model, self.codebook, driving))
        for article, picked in zip(articles, chosen, strict=True):
            yield [
                {
                    "sentence": index,
                    "escalation": round(points, 2),
                    "words": _words(next(words), article[index].start),
                }
                for index, points in picked
            ]


def _words(words: Sequence[Word], offset: int) -> list[dict[str, Any]]:
    """Words as plain data, the strongest first, with offsets in the article."""
    return [
        {
            "word": word.word,
            "start": offset + word.start,
            "end": offset + word.end,
            "contribution": round(word.contribution, 2),
        }
        for word in sorted(words, key=lambda word: -word.contribution)
    ]


def _checked(texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise InputError("texts is one string: pass a list of strings")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {row} is a {type(text).__name__}, not a string: leave it out")
        if not any(map(str.isalpha, text)):
            raise InputError(f"text {row} has no letters, so nothing to score: leave it out")
    return texts


def _in_context(spans: Sequence[Span]) -> list[Sentence]:
    """The sentences of an article between their neighbours."""
    texts = [plain(span.text) for span in spans]
    return list(zip(texts, ["", *texts], [*texts[1:], ""], strict=False))


def _unique(sentences: Sequence[Sentence]) -> tuple[list[InContext], NDArray[np.intp]]:
    """Each sentence between its neighbours once, in order of first appearance, and for every given one its row among them."""
    rows: dict[Sentence, int] = {}
    places = [rows.setdefault(sentence, len(rows)) for sentence in sentences]
    return [InContext(*row) for row in rows], np.array(places, dtype=np.intp)


def _counted(spans: Sequence[Span]) -> NDArray[np.intp]:
    """Rows of the sentences that count: whole ones, each once; when all are fragments, these."""
    rows = [row for row, span in enumerate(spans) if not is_fragment(span.text)] or range(len(spans))
    # words of any script, so that the same sentence in other capitals or quotes counts once
    first = {_NOT_WORDS.sub(" ", spans[row].text.casefold()).strip(): row for row in reversed(rows)}
    return np.array(sorted(first.values()), dtype=np.intp)


def is_fragment(text: str) -> bool:
    """Whether a text has no sentence's shape: site furniture, by-lines, captions.

    Fewer than 4 words without a mark that ends a sentence, or fewer than 6 words and a colon.

    Examples
    --------
    >>> [is_fragment(text) for text in ("Share this", "Filed under the topic:", "They opened fire.")]
    [True, True, False]
    """
    words = len(text.split())
    if text.endswith(":"):
        return words < 6
    return words < 4 and not _SENTENCE_END.search(text)


def _warnings(text: str, spans: Sequence[Span], code: str, familiar: Familiar | None) -> Iterator[str]:
    if code == UNKNOWN:
        yield "the language is not clear: the score means something for English text only"
    elif code != "en":
        yield f"the language is {code}, not English: the score means little"
    elif familiar and (new := familiar.new(text)):
        yield (
            f"{new:.0%} of the words are in no text that the model learnt from ({familiar.limit:.0%} would be much for news): "
            "it may be no news report, or about something else; the score means little"
        )
    if any(span.cut for span in spans):
        yield f"a sentence of more than {LONGEST:,} characters was cut into pieces: is its punctuation missing?"
    if len(spans) == 1:
        yield "one sentence only: so short a text says little about a situation"
    if len(_USUAL.sub("", text)) > UNUSUAL * len(text):
        yield f"more than {UNUSUAL:.0%} of the characters are unusual in running text: is it damaged, or a table?"
