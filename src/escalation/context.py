"""A sentence that knows its neighbours: a string like any other to whoever does not ask."""

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pandas as pd


class InContext(str):
    """A sentence as it stands in its article.

    Parameters
    ----------
    text : str
    before, after : str
        The sentences next to it; '' where there is none.

    Examples
    --------
    >>> InContext("They agreed.", before="Talks were held.").before
    'Talks were held.'
    """

    before: str
    after: str

    def __new__(cls, text: str, before: str = "", after: str = "") -> Self:  # noqa: D102
        made = super().__new__(cls, text)
        made.before, made.after = before, after
        return made

    def __getnewargs__(self) -> tuple[str, str, str]:  # type: ignore[override]  # copies keep the neighbours
        return str(self), self.before, self.after


def neighbours(text: str) -> tuple[str, str]:
    """The sentences before and after a text, '' where there is none or none is known."""
    return (text.before, text.after) if isinstance(text, InContext) else ("", "")


def texts(rows: "pd.DataFrame") -> list[str]:
    """The texts of rows with the columns `text` and, where neighbours are known, `before` and `after`."""
    if "before" not in rows:
        return list(rows["text"])
    each = zip(rows["text"], rows["before"], rows["after"], strict=True)
    return [InContext(text, before, after) if before or after else text for text, before, after in each]
