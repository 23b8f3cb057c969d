"""A sentence that knows its neighbours: a string like any other to whoever does not ask."""

from typing import Self


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
