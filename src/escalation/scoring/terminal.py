"""An article's score on a terminal: figures, every sentence with its bar, the drivers, the warnings."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from escalation.scoring.wording import printable, pushed, pushing, scored_by, spoken, step

COLOURS = ("green", "cyan", "yellow", "dark_orange", "red")  # by step
CALM = "green"
WIDE = 90  # columns from which a sentence and its figures fit side by side
BAR = 8  # columns of a sentence's bar
GAUGE = 60  # columns of the gauge, on a terminal that has so many

_EIGHTHS = " ▏▎▍▌▋▊▉"


def render(score: Mapping[str, Any], title: str, console: Console) -> None:
    """Print the score of an article.

    Parameters
    ----------
    score : mapping
        As `ArticleScorer.score` makes it, with sentences and drivers.
    title : str
        What the article is called. Neither it nor the text is read as markup.
    console : rich.console.Console
        Its width decides the layout; without colour all is said in words and figures.
    """
    console.print(Text(_shown(title, console), style="bold"))
    console.print(_headline(score))
    console.print(_gauge(score, console))
    console.print(_parts(score, console))
    for warning in score["warnings"]:
        console.print(Text.assemble(("warning: ", "bold yellow"), _shown(warning, console)))
    console.print()
    _print_sentences(score, console)
    console.print()
    console.print(_drivers(score, console))
    console.print(Text(_shown(f"language {score['language']}, {scored_by(score)}", console), style="dim"))


def _headline(score: Mapping[str, Any]) -> Text:
    low, high = score["interval"]
    return Text.assemble(
        "escalation ",
        (f" {score['escalation']:.0f} {score['level']} ", f"bold reverse {_colour(score['escalation'])}"),
        f"  of 100, 90 % interval {low:.0f} to {high:.0f}",
    )


def _gauge(score: Mapping[str, Any], console: Console) -> Text:
    """The scale from 0 to 100 with the interval thick and the score as a dot."""
    line, thick, dot = "-=O" if _ascii(console) else "─━●"
    width = min(GAUGE, console.width - 6)
    low, at, high = (
        round(points / 100 * (width - 1))
        for points in (score["interval"][0], score["escalation"], score["interval"][1])
    )
    colour = _colour(score["escalation"])
    scale = Text("0 ", style="dim")
    for column in range(width):
        if column == at:
            scale.append(dot, style=f"bold {colour}")
        elif low <= column <= high:
            scale.append(thick, style=colour)
        else:
            scale.append(line, style="dim")
    return scale.append(" 100", style="dim")


def _parts(score: Mapping[str, Any], console: Console) -> Table:
    table = Table.grid(padding=(0, 1))
    tone = _colour(score["escalation"])
    for label, name, colour in (
        ("threat", "threat", tone),
        ("act", "act", tone),
        ("de-escalation", "de_escalation", CALM),
    ):
        table.add_row(label, _bar(score[name], 20, console, colour), Text(f"{score[name]:.0f}", justify="right"))
    return table


def _print_sentences(score: Mapping[str, Any], console: Console) -> None:
    marks = pushed(score)
    table = Table.grid(padding=(0, 1))
    for _ in ("number", "points"):
        table.add_column(justify="right", no_wrap=True)
    for _ in ("bar", "label"):
        table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for index, sentence in enumerate(score["sentences"]):
        text = _marked(sentence, marks.get(index, ()), console)
        number, points = Text(f"{index + 1}", style="dim"), Text(f"{sentence['escalation']:.0f}", style="bold")
        bar, label = _bar(sentence["escalation"], BAR, console), Text(spoken(sentence["label"]))
        if console.width >= WIDE:
            table.add_row(number, points, bar, label, text)
        else:
            console.print(number, points, bar, label)
            console.print(Padding(text, (0, 0, 0, 2)))
    if console.width >= WIDE:
        console.print(table)


def _marked(sentence: Mapping[str, Any], marks: Sequence[tuple[int, int, float]], console: Console) -> Text:
    """A sentence with the words that pushed its score emphasised; one that does not count is dim and says so."""
    text = Text(_shown(sentence["text"], console))
    for start, end, _ in marks:
        text.stylize(f"bold underline {_colour(sentence['escalation'])}", start, end)
    if not sentence.get("counted", True):
        text.stylize("dim")
        text.append(" (not counted)", style="dim italic")
    return text


def _drivers(score: Mapping[str, Any], console: Console) -> Text:
    if not score["drivers"]:
        return Text("no sentence drives the score")
    text = Text("what drives the score, and the words that pushed it", style="bold")
    for driver in score["drivers"]:
        words = ", ".join(f"{word['word']} +{word['contribution']:.0f}" for word in pushing(driver))
        text.append(f"\n  sentence {driver['sentence'] + 1}", style="not bold")
        text.append(f", {driver['escalation']:.0f} points: ", style="not bold")
        text.append(_shown(words, console) or "no single word", style="not bold")
    return text


def _bar(points: float, width: int, console: Console, colour: str | None = None) -> Text:
    """A bar of `width` columns, full at 100 points."""
    style = colour or _colour(points)
    if _ascii(console):
        return Text(("#" * round(points / 100 * width)).ljust(width), style=style)
    whole, eighths = divmod(round(points / 100 * width * 8), 8)
    return Text(("█" * whole + _EIGHTHS[eighths].strip()).ljust(width), style=style)


def _colour(points: float) -> str:
    return COLOURS[step(points)]


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _shown(text: str, console: Console) -> str:
    """What the terminal can print of a text, character for character."""
    return printable(text).encode(console.encoding, "replace").decode(console.encoding)
