"""The page: self-contained, escaped, complete."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from escalation.codebook import Codebook
from escalation.scoring import wording
from escalation.scoring.article import ArticleScorer
from escalation.scoring.page import page

Score = Callable[..., dict[str, Any]]
ARTICLE = """Tanks massed at the Orlava crossing on Sunday, and the marshal spoke to the mayor.

The council blamed the <b>move</b> & asked for talks at once. The harvest festival went ahead.

Filed under:
"""
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """The text of a page, its tags, and whether they are well nested."""

    def __init__(self, source: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture
def score(scorer: ArticleScorer) -> Score:
    return lambda text=ARTICLE: scorer.score([text])[0]


def test_everything_is_said_in_words(score: Score) -> None:
    found = score()
    read = Reader(page(found, "Border tension"))
    assert read.open == []
    for part in (
        "Border tension",
        found["level"],
        "threat",
        "act",
        "de-escalation",
        "show of force",
        "Tanks +",
        "not counted",
    ):
        assert part in read.text
    low, high = found["interval"]
    assert f"{low:.0f} – {high:.0f}" in read.text
    for sentence in found["sentences"]:
        assert sentence["text"] in read.text
        assert f"{sentence['escalation']:.0f} points" in read.text
    assert read.text.count("show of force") >= len(found["sentences"])  # every distribution names every label


def test_nothing_is_loaded_and_nothing_runs(score: Score) -> None:
    source = page(score(), "Border tension")
    read = Reader(source)
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "src"]
    assert all(value.startswith("#") for name, value in read.attributes if name == "href")
    assert not re.search(r"https?://|@import|url\(", source)


def test_text_and_title_are_escaped(score: Score) -> None:
    read = Reader(
        page(score('Tanks massed. <script>alert("x")</script> They "shelled" it \x1b[2J.'), '<img src=x onerror="x">')
    )
    assert not {"script", "img"} & set(read.tags)
    assert '<script>alert("x")</script>' in read.text
    assert '<img src=x onerror="x">' in read.text


def test_links_of_drivers_lead_to_their_sentences(score: Score) -> None:
    found = score()
    attributes = Reader(page(found, "t")).attributes
    places = {value for name, value in attributes if name == "id"}
    links = [value.removeprefix("#") for name, value in attributes if name == "href"]
    assert links == [f"s{driver['sentence'] + 1}" for driver in found["drivers"]]
    assert set(links) <= places


def test_pushing_words_are_marked_and_the_text_stays_whole(score: Score) -> None:
    source = page(score(), "t")
    assert re.search(r"<mark[^>]*>Tanks</mark>", source)
    assert "<mark" not in page(score("The choir sang in the old hall. It was good."), "t")


def test_colours_change_where_the_levels_do_in_every_view(ladder: Codebook) -> None:
    levels = [least for least in ladder.levels.values() if least]
    assert list(wording.STEPS) == levels
    script = (files("escalation") / "serving" / "page" / "wording.js").read_text(encoding="utf-8")
    assert json.loads(re.search(r"STEPS = (\[.*?\])", script)[1]) == levels
