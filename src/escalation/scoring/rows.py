"""Rows of a table to scores: every row gets one, or a line that says why it has none."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from escalation.errors import InputError, ModelError
from escalation.scoring.article import ArticleScorer
from escalation.scoring.documents import parse
from escalation.scoring.encodings import decode
from escalation.scoring.tables.reading import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 100  # articles that go through the model in one call
CHARACTERS = 1_000_000  # of them, about

_HALVES = re.compile("[\ud800-\udfff]")


def records(chunk: Chunk) -> "tuple[list[dict[str, Any]] | pa.Table, list[str | None]]":
    """The rows of a chunk, and what is wrong with each; a row that could not be read is empty."""
    if not isinstance(chunk.rows, list):
        return chunk.rows, [None] * len(chunk)
    found: list[dict[str, Any]] = []
    faults: list[str | None] = []
    for number, content, fault in chunk.rows:
        row: dict[str, Any] = {}
        if fault is None and isinstance(content, bytes):
            try:
                row = _object(content, f"{chunk.source.name} line {number}")
            except InputError as error:
                fault = str(error)
        elif content is not None:
            row = dict(zip(chunk.header, content, strict=True))
        found.append(row)
        faults.append(fault)
    return found, faults


def places(chunk: Chunk) -> list[str]:
    """What to call each row of a chunk in a message."""
    if isinstance(chunk.rows, list):
        kind = "row" if chunk.source.kind == "parquet" else "line"
        return [f"{chunk.source.name} {kind} {number}" for number, _, _ in chunk.rows]
    return [f"{chunk.source.name} row {number}" for number in range(chunk.first, chunk.first + len(chunk))]


class RowScorer:
    """Scores of the values of a column.

    Parameters
    ----------
    scorer : ArticleScorer
    html : bool
        Whether they are pages of HTML; else one that begins like a page is taken as one.
    most : int
        Bytes of the longest that is taken.
    sentences : bool
        Whether the scores have them.
    """

    def __init__(self, scorer: ArticleScorer, html: bool, most: int, sentences: bool):
        self.scorer = scorer
        self.html = html
        self.most = most
        self.sentences = sentences

    def __call__(
        self,
        values: Sequence[Any],
        names: Sequence[str],
        faults: Sequence[str | None],
        report: Callable[[int], None] | None = None,
    ) -> list[Mapping[str, Any]]:
        """A score a value, with its `error`: None, or why there are no figures. Equal texts are scored once.

        Parameters
        ----------
        values : sequence
            Strings, or bytes; anything else is an error of its row.
        names : sequence of str
            What messages call each.
        faults : sequence of str or None
            What is wrong with a row already.
        report : callable, optional
            Called with each row before it is looked at, and then they are scored one by one.
        """
        errors = list(faults)
        rows: dict[str, list[int]] = {}
        alone: dict[str, Mapping[str, Any]] = {}
        for row, value in enumerate(values):
            if errors[row] is None:
                if report:
                    report(row)
                try:
                    text = self.text(value, names[row])
                    if report:
                        alone[text] = self._scored([text])[0]
                    rows.setdefault(text, []).append(row)
                except ModelError:
                    raise
                except Exception as error:  # a library that stumbles over one row must not cost the others
                    errors[row] = _said(error, names[row])
        empty = dict.fromkeys((*self._fields(), "error"))
        found: list[Mapping[str, Any]] = [{**empty, "error": error} for error in errors]
        for text, score in alone.items() if report else self._all(list(rows), names, rows):
            for row in rows[text]:
                found[row] = score
        return found

    def text(self, value: Any, name: str) -> str:
        """The text to score of a value.

        Raises
        ------
        InputError
            There is none.
        """
        if value is None:
            raise InputError(f"{name} has no text: the value is missing")
        if isinstance(value, (bytes, bytearray)):
            self._check(len(value), name)
            value = decode(bytes(value), name, html=self.html)
        if not isinstance(value, str):
            raise InputError(f"{name} has a {type(value).__name__} where the text should be")
        if len(value) * 4 > self.most:
            try:
                self._check(len(value.encode("utf-8")), name)
            except UnicodeEncodeError:
                self._check(len(value), name)
        if _HALVES.search(value):
            raise InputError(f"{name} holds halves of characters: its text was damaged where it was written as JSON")
        return parse(value, True if self.html else None, name)

    def _check(self, size: int, name: str) -> None:
        if size > self.most:
            raise InputError(f"{name} has a text of {size:,} bytes, over the limit of {self.most:,}: see --max-bytes")

    def _all(
        self, texts: list[str], names: Sequence[str], rows: Mapping[str, list[int]]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for some in _slices(texts):
            try:
                yield from zip(some, self._scored(some), strict=True)
            except ModelError:
                raise
            except Exception:
                for text in some:
                    try:
                        yield text, self._scored([text])[0]
                    except ModelError:
                        raise
                    except Exception as error:
                        empty = dict.fromkeys(self._fields())
                        yield text, {**empty, "error": _said(error, names[rows[text][0]])}

    def _scored(self, texts: list[str]) -> list[Mapping[str, Any]]:
        scores = self.scorer.score(texts, drivers=False, sentences=self.sentences)
        return [{**score, "error": None} for score in scores]

    def _fields(self) -> list[str]:
        from escalation.scoring.tables.writing import fields

        return [name for name in fields(self.sentences) if name != "error"]


def _object(line: bytes, name: str) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = decode(line, name)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {error or 'nested too deeply'}") from error
    if not isinstance(value, dict):
        raise InputError(f"{name} is no object of JSON but a {type(value).__name__}")
    return value


def _said(error: Exception, name: str) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f"{name} cannot be scored: {type(error).__name__} {' '.join(str(error).split())[:200]}"


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in order, some at a time."""
    some: list[str] = []
    size = 0
    for text in texts:
        some.append(text)
        size += len(text)
        if len(some) >= TOGETHER or size >= CHARACTERS:
            yield some
            some, size = [], 0
    if some:
        yield some
