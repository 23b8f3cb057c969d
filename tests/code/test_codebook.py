"""Codebooks: what ships is consistent, labels parse, levels and scores follow the weights."""

import copy
import itertools

import numpy as np
import pytest
import yaml
from commands import ROOT

from escalation import project
from escalation.codebook import Codebook, answer, chain
from escalation.errors import ConfigError, CorpusError, ModelError

FOLDER = ROOT / "configs" / "codebook"
LADDER = yaml.safe_load((FOLDER / "ladder.yaml").read_text(encoding="utf-8"))
SCORES = {
    "NEUTRAL": 0, "AGREE": 2.5, "CONSULT": 2.5, "SUPPORT": 5, "COOPERATE": 9.5, "AID": 10, "YIELD": 5.5, "REQUEST": 0,
    "ACCUSE": -3, "REJECT": -2, "THREATEN": -3.5, "PROTEST": -5, "MOBILIZE": -5.5, "SANCTION": -6, "COERCE": -7, "ASSAULT": -9,
}  # fmt: skip


def test_ladder_is_the_published_scale() -> None:
    ladder = Codebook.load("ladder", FOLDER)
    expected = {
        "deescalation": (-1, 0), "none": (0, 0), "friction": (1, 20), "coercion": (2, 40), "threat_of_force": (3, 60),
        "show_of_force": (4, 80), "use_of_force": (5, 100),
    }  # fmt: skip
    assert {label.name: (label.code, label.weight) for label in ladder.labels} == expected
    assert ladder.ordinal
    assert list(ladder.de_escalation) == [100, 0, 0, 0, 0, 0, 0]
    assert list(ladder.channel("threat")) == [0, 0, 20, 0, 60, 0, 0]
    assert list(ladder.channel("act")) == [0, 0, 0, 40, 0, 80, 100]


def test_root_carries_the_published_scores_and_sums_up() -> None:
    root = Codebook.load("root", FOLDER)
    assert {label.name: label.weight for label in root.labels} == SCORES
    books = chain(root, FOLDER)
    assert [book.name for book in books] == ["root", "penta", "polarity"]
    for below, above in itertools.pairwise(books):
        for label in above.labels:
            children = [one.weight for one in below.labels if one.parent == label.name]
            assert label.weight == pytest.approx(np.mean(children), abs=1e-3)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(16), 5)
    penta, summed = answer(probabilities, books, "penta")
    assert penta.name == "penta"
    assert summed[:, 4] == pytest.approx(probabilities[:, 11:].sum(axis=1))
    assert answer(probabilities, books, "polarity")[1].sum(axis=1) == pytest.approx(1)
    with pytest.raises(ModelError, match="root, penta, polarity"):
        answer(probabilities, books, "ladder")


def test_mapping_goes_there_and_back() -> None:
    for name in ("ladder", "polarity", "penta", "root"):
        codebook = Codebook.load(name, FOLDER)
        assert Codebook.from_mapping(codebook.to_mapping()) == codebook


@pytest.mark.parametrize(
    ("value", "name"), [(5, "use_of_force"), ("-1", "deescalation"), ("4.0", "show_of_force"), ("NONE", "none")]
)
def test_names_and_codes_parse(value: object, name: str) -> None:
    assert Codebook.load("ladder", FOLDER).parse(value) == name


def test_unknown_label_lists_the_known() -> None:
    with pytest.raises(CorpusError, match=r"'panic'.*deescalation, none, friction"):
        Codebook.load("ladder", FOLDER).parse("panic")


@pytest.mark.parametrize(
    ("escalation", "level"),
    [(0, "low"), (14.9, "low"), (15, "guarded"), (54.9, "elevated"), (55, "high"), (100, "severe")],
)
def test_levels(escalation: float, level: str) -> None:
    assert Codebook.load("ladder", FOLDER).level(escalation) == level


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": LADDER["labels"][:1]}, "two labels"),
        ({"labels": [*LADDER["labels"], LADDER["labels"][0]]}, "share a name"),
        ({"weights": "points"}, "escalation, conflict_cooperation"),
        ({"levels": {"high": 50, "low": 0}}, "ascend"),
        ({"colour": "red"}, "colour"),
        ({"labels": [{**LADDER["labels"][0], "weight": 101}, LADDER["labels"][1]]}, "0 … 100"),
        ({"labels": [{**LADDER["labels"][0], "channel": "noise"}, LADDER["labels"][1]]}, "de_escalation"),
    ],
)
def test_broken_codebook_is_refused_with_what_is_valid(change: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Codebook.from_mapping({**copy.deepcopy(LADDER), **change})


def test_unknown_codebook_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="ladder, penta, polarity, root"):
        Codebook.load("steps", project.codebooks())


def test_parents_in_a_circle_are_refused(tmp_path) -> None:
    for name, parent in (("a", "b"), ("b", "a")):
        content = yaml.safe_dump({**LADDER, "name": name, "parent": parent}, sort_keys=False)
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="circle"):
        chain(Codebook.load("a", tmp_path), tmp_path)
