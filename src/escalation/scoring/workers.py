"""Work spread over processes that each begin once: none is lost with a process, and none outlives its parent."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from escalation.errors import EscalationError, InputError

Report = Callable[["int | None"], None]
Work = Callable[[Any, "Mapping[int, str]", "Report | None"], Any]

_CONTEXT = get_context("spawn")  # a fork of a process with threads may hang


def scattered(tasks: Iterator[Any], start: Callable[[], Work], count: int) -> Iterator[Any]:
    """Results in the order in which they come.

    Where a process dies (killed, out of memory, a crash in a library) its task is given to another, which reports the row
    that it is at; the row at which that one dies too is left out of the task, with a line that says so.

    Parameters
    ----------
    tasks : iterator
        One is taken ahead.
    start : callable
        Called once in every process; gives what does the work, called with a task, the rows of it to leave out with what
        is said of each, and, when they are to be reported, what reports them. It pickles.
    count : int
        Processes.

    Raises
    ------
    EscalationError
        What the work raised; or a process died again where there is no row to blame.
    """
    idle: list[_Worker] = []
    busy: dict[Connection, _Worker] = {}
    try:
        upcoming = next(tasks, None)
        while busy or upcoming is not None:
            while upcoming is not None and (idle or len(busy) < count):
                worker = idle.pop() if idle else _Worker(start)
                worker.give(upcoming)
                busy[worker.connection] = worker
                upcoming = next(tasks, None)
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]  # wait gives back what it was given
                try:
                    kind, value = worker.connection.recv()
                except (EOFError, OSError):
                    del busy[worker.connection]
                    heir = worker.replaced(start)
                    busy[heir.connection] = heir
                    continue
                if kind == "at":
                    worker.at = value
                elif kind == "raised":
                    raise value
                else:
                    del busy[worker.connection]
                    idle.append(worker)
                    yield value
    finally:
        for worker in (*idle, *busy.values()):
            worker.end()


class _Worker:
    """A process and what it does."""

    def __init__(self, start: Callable[[], Work]):
        self.connection, other = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(other, start), daemon=True)
        self.process.start()
        other.close()  # so that the death of either side ends the other's waiting
        self.task: Any = None
        self.lost: dict[int, str] = {}
        self.careful = False
        self.at: int | None = None

    def give(self, task: Any, careful: bool = False) -> None:
        self.task, self.careful, self.at = task, careful, None
        if not careful:
            self.lost = {}
        with contextlib.suppress(OSError):  # it is dead, which the next reading finds
            self.connection.send((task, self.lost, careful))

    def replaced(self, start: Callable[[], Work]) -> "_Worker":
        """Another in its place, with the same task."""
        self.process.join()
        code = self.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        heir = _Worker(start)
        heir.lost = self.lost
        if self.careful:
            if self.at is None:
                heir.end()
                raise InputError(
                    f"a worker process ended twice ({how}): is there too little memory? Try fewer --workers"
                )
            heir.lost[self.at] = f"the process that scored it died ({how})"
        heir.give(self.task, careful=True)
        return heir

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()


def _serve(connection: Connection, start: Callable[[], Work]) -> None:
    """What a process does until its parent ends the line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and ends its workers
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        work = start()
        while True:
            task, lost, careful = connection.recv()
            report = (lambda row: connection.send(("at", row))) if careful else None
            connection.send(("done", work(task, lost, report)))
    except EscalationError as error:
        connection.send(("raised", error))
    except (EOFError, BrokenPipeError):
        pass


def _end_with_parent() -> None:
    """End at once when the parent is killed: who goes on with its work must not meet one that still writes."""
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)
