"""The terminal view: everything in words and figures, at every width, whatever the text."""

import io
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from escalation.scoring.article import ArticleScorer
from escalation.scoring.terminal import render

Score = Callable[..., dict[str, Any]]
ARTICLE = """Tanks massed at the Orlava crossing on Sunday, and the marshal spoke to the mayor.

The council blamed the move and asked for [bold]talks[/bold] :smile: at once. The harvest festival went ahead.

Filed under:
"""


@pytest.fixture
def score(scorer: ArticleScorer) -> Score:
    return lambda text=ARTICLE: scorer.score([text])[0]


def shown(
    score: dict[str, Any], width: int = 120, title: str = "Border tension", encoding: str = "utf-8", **settings: object
) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    render(score, title, Console(file=stream, width=width, highlight=False, **settings))  # type: ignore[arg-type]
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_everything_is_said_in_words(score: Score) -> None:
    found = score()
    said = shown(found)
    for part in (
        "Border tension",
        found["level"],
        "interval",
        "threat",
        "act",
        "de-escalation",
        "show of force",
        "not counted",
    ):
        assert part in said
    assert f"{found['escalation']:.0f}" in said
    assert "Tanks massed at the Orlava crossing" in said
    assert "Tanks +" in said
    assert "models:/escalation@champion" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("width", [40, 60, 80, 89, 90, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_fits_every_width(score: Score, width: int, encoding: str) -> None:
    said = shown(score("Gunners shelled " + "Llanfair" * 30 + " on Sunday. " + ARTICLE), width, encoding=encoding)
    assert max(map(cell_len, said.splitlines())) <= width
    assert "festival" in said


def test_text_is_never_read_as_markup(score: Score) -> None:
    said = shown(score(), title="[red]title[/red] [/]", force_terminal=True, color_system="truecolor")
    assert "[bold]talks[/bold] :smile:" in said
    assert "[red]title[/red] [/]" in said


def test_text_cannot_steer_the_terminal(score: Score) -> None:
    said = shown(
        score("Tanks massed \x1b[2J\x1b]0;owned\x07 at the river on Sunday.\nIt \u202erained."), title="a\x1b[31mb"
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_words_that_pushed_are_emphasised(score: Score) -> None:
    said = shown(score(), force_terminal=True, color_system="standard")
    start = said.index("Tanks")
    assert said[:start].endswith("m")  # a style begins right before the word
    assert "\x1b[0m" in said[start : start + 12]


def test_no_colour_keeps_the_words(score: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    said = shown(score(), force_terminal=True)
    assert "\x1b[3" not in said.replace("\x1b[3m", "")  # no colour codes; 3 alone is italic
    assert "show of force" in said


def test_calm_text_and_warnings(score: Score) -> None:
    said = shown(score("The choir sang in the old hall on Sunday."))
    assert "warning: one sentence only" in said
    assert "no sentence drives" in said


def test_rendering_does_not_change_the_score(score: Score) -> None:
    found = score()
    before = deepcopy(found)
    shown(found)
    assert found == before
