"""Rows as a table in the terminal."""

from collections.abc import Sequence


def print_table(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> None:
    """Show the columns of the rows; a pipe or a file gets them unfolded."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no width to fold to
    console.print(table)
