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
