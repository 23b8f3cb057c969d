"""A process that holds the model and scores batches of articles. The service starts several; each knows one pipe."""

import contextlib
import multiprocessing
import os
import re
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

from escalation.errors import EscalationError, InputError

_ADDRESS = re.compile(r"\s*(?:https?://|www\.)\S+\s*", re.IGNORECASE)
WARM_UP = "Talks in the capital were put off without a new date. The harvest festival went ahead in the rain."


class Source(Protocol):
    """Where a model is, as something that can be sent to another process."""

    @property
    def uri(self) -> str:
        """As the user named it."""

    @property
    def version(self) -> str:
        """Of the registered model; '' when it is none."""

    def load(self, threads: int = 0) -> Any:
        """The model, with a method `scorer`, the list `codebooks` and the dict `info`."""


class Article(NamedTuple):
    """An article to score, and which fields its score has."""

    content: str
    html: bool
    drivers: bool
    sentences: bool


class WorkerStoppedError(Exception):
    """The process of a worker has ended before it answered."""


class Worker:
    """A scoring process as the service sees it.

    Parameters
    ----------
    source : Source
    threads : int
        That the model may use.

    Raises
    ------
    EscalationError
        The model cannot be loaded.
    WorkerStoppedError
        The process ended.
    """

    def __init__(self, source: Source, threads: int):
        context = multiprocessing.get_context("spawn")  # the service has threads, which no fork survives
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, source, threads), daemon=True)
        self._process.start()
        other.close()  # so that the end of the process is the end of the pipe
        self.model: dict[str, Any] = self._answer()

    def score(self, articles: Sequence[Article]) -> list[bytes | InputError]:
        """The score of each article as JSON, or why it has none; it blocks until the process answers."""
        with contextlib.suppress(OSError):  # the answer will tell
            self._pipe.send(articles)
        return self._answer()  # type: ignore[no-any-return]

    def kill(self) -> None:
        """End the process now, whatever it does; who waits for its answer gets `WorkerStoppedError`."""
        self._process.kill()

    def stop(self) -> None:
        """End an idle process; it has nothing to put away, which would take it seconds."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _answer(self) -> Any:
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerStoppedError("a scoring process has ended") from error
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _work(pipe: Connection, source: Source, threads: int) -> None:
    """Load the model, say what it is, and score until the pipe ends."""
    # the service alone decides when its workers end: a stop of the whole group must not lose what they are at
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    with contextlib.suppress(EOFError, OSError):  # the service has closed the pipe, or is gone
        try:
            exported = source.load(threads)
            scorer = exported.scorer()
            scorer.score([WARM_UP])  # loads what is loaded late: sentence splitter, language model
        except EscalationError as error:
            pipe.send(error)
            return
        pipe.send(_described(exported))
        while True:
            articles = pipe.recv()
            try:
                answer: Any = _scores(scorer, articles)
            except Exception as error:
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            pipe.send(answer)


def _described(exported: Any) -> dict[str, Any]:
    """What the service tells of a model: where it comes from, what it learnt from, and how it did on rows held out."""
    kept = {key: exported.info.get(key, "") for key in ("uri", "version", "codebook", "run", "experiment")}
    learnt = {"corpora": exported.info.get("corpora", {}), "metrics": exported.info.get("held_out", {})}
    return {**kept, **learnt, "codebooks": [book.to_mapping() for book in exported.codebooks]}


def _scores(scorer: Any, articles: Sequence[Article]) -> list[bytes | InputError]:
    """Scores as JSON; articles that want the same fields share one call of the model."""
    import orjson

    from escalation.scoring import documents

    answers: list[bytes | InputError] = [InputError("")] * len(articles)
    alike: dict[tuple[bool, bool], list[tuple[int, str]]] = {}
    for row, (content, html, drivers, sentences) in enumerate(articles):
        try:
            if _ADDRESS.fullmatch(content):
                raise InputError("a web address, which is not fetched: send the article itself")
            text = documents.parse(content, html)
        except InputError as error:
            answers[row] = error
        else:
            alike.setdefault((drivers, sentences), []).append((row, text))
    for (drivers, sentences), rows in alike.items():
        scores = scorer.score([text for _, text in rows], drivers=drivers, sentences=sentences)
        for (row, _), score in zip(rows, scores, strict=True):
            answers[row] = orjson.dumps(score)
    return answers
