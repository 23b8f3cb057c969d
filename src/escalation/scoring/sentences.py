"""Text to sentences with their offsets: nupunkt finds the ends, the layout decides what it may not join."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

LONGEST = 1000  # characters; what is longer is no sentence any more and is cut between words
WRAPPED = 100  # characters; no hard-wrapped text has longer lines

_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile(r"(?:[-*+•·–—]|\d{1,3}[.)]|#{1,6})\s")
_GOES_ON = tuple(",;-–—(/&")
_PIECE = re.compile(rf"\S(?:.{{0,{LONGEST - 2}}}\S)?(?!\S)|\S{{1,{LONGEST}}}", re.DOTALL)

Line = tuple[int, int]


class Span(NamedTuple):
    """A sentence of a text: ``text == whole[start:end]``; `cut` when it is a piece of one that was too long."""

    text: str
    start: int
    end: int
    cut: bool = False


def split(text: str) -> list[Span]:
    """Sentences of a text in order, in time linear in its length.

    A blank line ends a sentence, and so does the end of a line that was not wrapped (a heading, a list entry, a paragraph
    a line); the lines of wrapped text are joined. Stretches without a letter belong to the sentence before them, and a
    sentence of more than 1,000 characters is cut between words.

    Returns
    -------
    list of Span
        Offsets are into `text`, without the white space around a sentence; empty when there is no letter.

    Examples
    --------
    >>> [span.text for span in split("Talks fail\\n\\nU.S. troops left. The town is quiet.")]
    ['Talks fail', 'U.S. troops left.', 'The town is quiet.']
    """
    import nupunkt

    ends = nupunkt.load("default")
    spans: list[Span] = []
    for start, stop in _blocks(text):
        found = ends.spans(text[start:stop], paragraph_breaks=False)
        for first, last in _with_letters(text, [(start + first, start + last) for first, last in found]):
            if last - first <= LONGEST:
                spans.append(Span(text[first:last], first, last))
            else:
                spans.extend(_pieces(text, first, last))
    return spans


def plain(text: str) -> str:
    """The text of a sentence as a model sees it: runs of white space, line ends among them, become one space."""
    return " ".join(text.split())


def _blocks(text: str) -> Iterator[Line]:
    """Stretches that no sentence crosses."""
    paragraphs = list(_paragraphs(text))
    longest = max((end - start for lines in paragraphs for start, end in lines), default=0)
    for lines in paragraphs:
        # three lines show how wide they are wrapped; of fewer the rest of the text must tell
        width = max(end - start for start, end in lines) if len(lines) > 2 else min(longest, WRAPPED)
        begin = 0
        for after, (one, other) in enumerate(pairwise(lines), start=1):
            if _ends(text[slice(*one)], text[slice(*other)], width):
                yield lines[begin][0], one[1]
                begin = after
        yield lines[begin][0], lines[-1][1]


def _paragraphs(text: str) -> Iterator[list[Line]]:
    """The lines, without the white space around them, of each paragraph."""
    lines: list[Line] = []
    position = 0
    for line in text.splitlines(keepends=True):
        content = line.strip()
        if content:
            start = position + line.index(content[0])
            lines.append((start, start + len(content)))
        elif lines:
            yield lines
            lines = []
        position += len(line)
    if lines:
        yield lines


def _ends(line: str, following: str, width: int) -> bool:
    """Whether a line break ends what the line says: an entry of a list, a line too long to be wrapped, or one with
    room for the next word."""
    if _BULLET.match(following):
        return True
    if following[0].islower() or line.endswith(_GOES_ON):
        return False
    word = following.split(maxsplit=1)[0]
    return len(line) > WRAPPED or len(line) + 1 + len(word) <= width


def _with_letters(text: str, spans: Sequence[Line]) -> list[Line]:
    """Spans with a letter each: one without goes with the span before it, or at the beginning with the one after."""
    kept: list[Line] = []
    waiting: int | None = None
    for start, end in spans:
        if _LETTER.search(text, start, end):
            kept.append((start if waiting is None else waiting, end))
            waiting = None
        elif kept:
            kept[-1] = (kept[-1][0], end)
        elif waiting is None:
            waiting = start
    return kept


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _PIECE.finditer(text, start, end):
        if _LETTER.search(match[0]):
            yield Span(match[0], match.start(), match.end(), cut=True)
