"""How the views put a score: the words, the rounding and the steps of colour that the terminal and the page share."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

STEPS = (15.0, 40.0, 55.0, 75.0)  # points at which the colour changes
NOTABLE = 1.0  # points from which a word is worth naming
MOST_NAMED = 5  # words a driver

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def step(points: float) -> int:
    """Which of the five steps of colour, 0 … 4, a figure of 0 … 100 points has."""
    return sum(points >= least for least in STEPS)


def spoken(label: str) -> str:
    """A label's name as words.

    Examples
    --------
    >>> spoken("use_of_force")
    'use of force'
    """
    return label.replace("_", " ").lower().replace("deescalation", "de-escalation")


def calming(sentence: Mapping[str, Any]) -> float:
    """Points of de-escalation of a sentence that says above all that hostility goes down, else 0."""
    points = 100.0 * float(sentence["probabilities"].get("deescalation", 0))
    return points if sentence["label"] == "deescalation" and points > sentence["escalation"] else 0.0


def said(sentence: Mapping[str, Any]) -> str:
    """What is said of a sentence beside its text."""
    counted = "" if sentence["counted"] else ", not counted"
    return f"{sentence['escalation']:.0f} points, {spoken(sentence['label'])}{counted}"


def printable(text: str) -> str:
    """The text with a space for every character that could steer a terminal or turn the direction of writing."""
    return _UNPRINTABLE.sub(" ", text)


def pushing(driver: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The words of a driver that pushed its score up notably, the strongest first."""
    notable = [word for word in driver["words"] if word["contribution"] >= NOTABLE]
    return sorted(notable, key=lambda word: -word["contribution"])[:MOST_NAMED]


def pushed(score: Mapping[str, Any]) -> dict[int, list[tuple[int, int, float]]]:
    """For each driving sentence, by its index, where in it the pushing words are (start, end, points), in text order."""
    found: dict[int, list[tuple[int, int, float]]] = {}
    for driver in score.get("drivers", ()):
        begin = score["sentences"][driver["sentence"]]["start"]
        found[driver["sentence"]] = sorted(
            (word["start"] - begin, word["end"] - begin, word["contribution"]) for word in pushing(driver)
        )
    return found


def scored_by(score: Mapping[str, Any]) -> str:
    """The model in a few words."""
    model = score["model"]
    version = f" (version {model['version']})" if model.get("version") else ""
    return f"{model.get('uri') or 'model'}{version}, codebook {model.get('codebook', '?')}"
