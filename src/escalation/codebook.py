"""A codebook: ordered labels with definitions and weights, and what a label distribution scores under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from escalation.errors import ConfigError, CorpusError, ModelError

CHANNELS = ("none", "de_escalation", "threat", "act")
WEIGHTS = ("escalation", "conflict_cooperation")
# of the mean of an article's highest sentences, and how many these are, unless a codebook has its own
POWER, TOP = 3, 6

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Label:
    """One label: its published code, its weight and the part of the score that it feeds."""

    name: str
    code: int
    weight: float
    channel: str
    definition: str
    parent: str | None = None


@dataclass(frozen=True)
class Codebook:
    """Ordered labels and how they are weighed.

    Parameters
    ----------
    name, question : str
        What it is called and what it asks of a sentence.
    labels : tuple of Label
        In codebook order, the order of every probability column.
    ordinal : bool
        Whether the order is a scale, so that near misses count less.
    weights : {"escalation", "conflict_cooperation"}
        The unit of the weights: 0 … 100 points of escalation, or -10 … +10 from conflict to cooperation
        (PLOVER's scores), of which the negative part times -10 is escalation, the positive part times 10 de-escalation.
    parent : str or None
        The codebook one level up, whose labels are the parents of these.
    levels : mapping of str to float
        The least escalation of each level of an article, ascending.
    aggregation : mapping of str to float
        How the sentences of an article add up: the ``power`` (1 … 16) of the power mean of the ``top`` (1 … 1000) highest. Power
        1 is the plain mean; the higher, the more the highest of them weigh.
    """

    name: str
    question: str
    labels: tuple[Label, ...]
    ordinal: bool = False
    weights: str = "escalation"
    parent: str | None = None
    levels: Mapping[str, float] = field(default_factory=dict)
    aggregation: Mapping[str, float] = field(default_factory=lambda: {"power": POWER, "top": TOP})

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Codebook:
        """Build from plain data (a YAML file's content).

        Raises
        ------
        ConfigError
            A field is missing, unknown or out of its range; the message names it.
        """
        where = f"codebook {mapping.get('name', '?')}"
        try:
            labels = tuple(Label(**entry) for entry in mapping["labels"])
            fields = {key: value for key, value in mapping.items() if key != "labels"}
            levels, aggregation = (dict(fields.get(key) or {}) for key in ("levels", "aggregation"))
            codebook = cls(
                **{
                    **fields,
                    "labels": labels,
                    "levels": levels,
                    "aggregation": {"power": POWER, "top": TOP, **aggregation},
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise ConfigError(f"{where}: {error}; see configs/codebook/ladder.yaml for the fields") from error
        for kind, values in (("name", codebook.names), ("code", [label.code for label in labels])):
            if len(set(values)) != len(values):
                raise ConfigError(f"{where}: two labels share a {kind}; make each {kind} unique")
        if len(labels) < 2:
            raise ConfigError(f"{where}: needs at least two labels")
        if codebook.weights not in WEIGHTS:
            raise ConfigError(f"{where}: weights is {codebook.weights!r}, must be one of {', '.join(WEIGHTS)}")
        low, high = (0, 100) if codebook.weights == "escalation" else (-10, 10)
        for label in labels:
            if label.channel not in CHANNELS:
                raise ConfigError(
                    f"{where}: channel of {label.name} is {label.channel!r}, must be one of {', '.join(CHANNELS)}"
                )
            if not low <= label.weight <= high:
                raise ConfigError(f"{where}: weight of {label.name} is {label.weight}, must be within {low} … {high}")
        if list(codebook.levels.values()) != sorted(codebook.levels.values()):
            raise ConfigError(f"{where}: levels must ascend")
        power: Any = codebook.aggregation["power"]
        highest: Any = codebook.aggregation["top"]
        if (
            set(codebook.aggregation) != {"power", "top"}
            or type(power) not in (int, float)
            or type(highest) is not int
            or not (1 <= power <= 16 and 1 <= highest <= 1000)
        ):
            raise ConfigError(
                f"{where}: aggregation is {codebook.aggregation}, must be a power from 1 to 16 and how many sentences are "
                f"taken at most, 1 to 1000: {{power: {POWER}, top: {TOP}}}"
            )
        return codebook

    @classmethod
    def load(cls, name: str, folder: Path) -> Codebook:
        """Read ``folder/name.yaml``; an unknown name lists those that there are."""
        path = folder / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(other.stem for other in folder.glob("*.yaml"))) or "none"
            raise ConfigError(f"no codebook {name!r}: choose one of {known}")
        return cls.from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))

    def to_mapping(self) -> dict[str, Any]:
        """Plain data that `from_mapping` takes back."""
        mapping = asdict(self)
        nested = {"levels": dict(self.levels), "aggregation": dict(self.aggregation)}
        return {**mapping, "labels": [dict(label) for label in mapping["labels"]], **nested}

    @property
    def names(self) -> list[str]:
        """Label names in order."""
        return [label.name for label in self.labels]

    @property
    def power(self) -> float:
        """Power of the mean by which an article's sentences add up."""
        return float(self.aggregation["power"])

    @property
    def top(self) -> int:
        """How many sentences of an article, the highest, add up."""
        return int(self.aggregation["top"])

    def index(self, name: str) -> int:
        """Position of a label."""
        return self.names.index(name)

    def parse(self, value: object) -> str:
        """Label name for a name (any case) or a published code.

        Raises
        ------
        CorpusError
            Not a label; the message lists those that are.

        Examples
        --------
        >>> polarity = Codebook("polarity", "?", (Label("neutral", 0, 0, "none", ""), Label("conflict", 2, -4, "act", "")))
        >>> polarity.parse("2"), polarity.parse("Neutral")
        ('conflict', 'neutral')
        """
        text = str(value).strip()
        number = text[:-2] if text.endswith(".0") else text  # pandas turns a code column with gaps into floats
        for label in self.labels:
            if text.casefold() == label.name.casefold() or number == str(label.code):
                return label.name
        raise CorpusError(f"{value!r} is no label of codebook {self.name}: {', '.join(self.names)}")

    @cached_property
    def escalation(self) -> Array:
        """Points of escalation (0 … 100) of each label, shape (n_labels,)."""
        weights = np.array([label.weight for label in self.labels], dtype=float)
        return weights if self.weights == "escalation" else np.maximum(0.0, -10.0 * weights)

    @property
    def de_escalation(self) -> Array:
        """Points of de-escalation (0 … 100) of each label, shape (n_labels,)."""
        if self.weights == "escalation":
            return np.array([100.0 * (label.channel == "de_escalation") for label in self.labels])
        return np.maximum(0.0, 10.0 * np.array([label.weight for label in self.labels], dtype=float))

    @cached_property
    def columns(self) -> Array:
        """What scores are sums of, side by side, so that one product gives all, shape (n_labels, 5): the points of
        escalation, their squares, those from words, those from deeds, and the points of de-escalation."""
        words, deeds = self.channel("threat"), self.channel("act")
        return np.column_stack([self.escalation, self.escalation**2, words, deeds, self.de_escalation])

    def channel(self, name: str) -> Array:
        """Escalation points of the labels of one channel (``threat`` or ``act``), zero elsewhere, shape (n_labels,)."""
        return np.where([label.channel == name for label in self.labels], self.escalation, 0.0)

    def level(self, escalation: float) -> str:
        """Name of the highest level that a score of an article reaches."""
        reached = [name for name, least in self.levels.items() if escalation >= least]
        return reached[-1] if reached else "unrated"

    def rolled_up(self, probabilities: Array, above: Codebook) -> Array:
        """Sum probabilities of these labels into those of the codebook one level up, shape (n, len(above.labels))."""
        if self.parent != above.name:
            raise ModelError(f"codebook {self.name} does not stand under {above.name} but under {self.parent}")
        matrix = np.zeros((len(self.labels), len(above.labels)))
        for row, label in enumerate(self.labels):
            matrix[row, above.index(str(label.parent))] = 1.0
        return probabilities @ matrix


def chain(codebook: Codebook, folder: Path) -> list[Codebook]:
    """The codebook and those above it, from the bottom up."""
    found = [codebook]
    while (above := found[-1].parent) is not None:
        if above in [seen.name for seen in found]:
            raise ConfigError(f"codebook {codebook.name}: its parents go in a circle")
        found.append(Codebook.load(above, folder))
    return found


def check_known(codebooks: Sequence[Codebook], wanted: str) -> None:
    """Refuse a codebook that a model does not answer.

    Raises
    ------
    ModelError
        The message lists what it knows.
    """
    known = [codebook.name for codebook in codebooks]
    if wanted not in known:
        raise ModelError(f"this model does not answer codebook {wanted!r}: it knows {', '.join(known)}")


def answer(probabilities: Array, codebooks: Sequence[Codebook], wanted: str) -> tuple[Codebook, Array]:
    """Probabilities under the codebook `wanted`, summed up from the lowest of `codebooks` (bottom first).

    Raises
    ------
    ModelError
        The model does not know `wanted`; the message lists what it knows.
    """
    check_known(codebooks, wanted)
    book, *above = codebooks
    while book.name != wanted:
        probabilities, book = book.rolled_up(probabilities, above[0]), above.pop(0)
    return book, probabilities
