"""A bar with the time left on standard error, when that is a terminal."""

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def steps(what: str, total: int, shown: bool = True) -> Iterator[Callable[[], None]]:
    """Show that long work goes on; call what it gives after each of `total` steps."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@contextlib.contextmanager
def share(what: str, size: float, shown: bool = True) -> Iterator[Callable[[float, int], None]]:
    """Show how much of an input is done; call what it gives with the part of `size` that is, and how many it held."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[count]:,} " + what),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[pace]:,.0f} a second"),
    )
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task(what, total=size or 1, count=0, pace=0.0)

        def advance(part: float, count: int) -> None:
            state = bar.tasks[task]
            counted = state.fields["count"] + count
            pace = counted / state.elapsed if state.elapsed else 0.0
            bar.update(task, advance=part, count=counted, pace=pace)

        yield advance
