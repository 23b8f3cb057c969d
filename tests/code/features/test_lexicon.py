"""Lexicon features: what counts as a match, what is negated, and what the shipped lists must hold to."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
import yaml
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from escalation.errors import ConfigError, InputError
from escalation.features.lexicon import LexiconFeatures, read_lexicon, shipped_lexicons

ROOT = Path(__file__).parents[3]
TRUSTED = ["escalation.features.lexicon.LexiconFeatures"]
SMALL = {
    "labels": {
        "calm": ["peace talks", "cease fire*"],
        "row": ["condemn*", "peace talks collaps*"],
        "force": ["attack*", "fire*"],
    },
    "cues": {"negation": ["not", "ruled out"], "ending": ["stopped"]},
    "interactions": [["ending", "force"]],
}


def write(folder: Path, **changes: object) -> str:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}), encoding="utf-8")
    return str(path)


@pytest.fixture
def own(tmp_path: Path) -> str:
    return write(tmp_path)


def row(features: LexiconFeatures, text: str) -> dict[str, float]:
    """The columns of one text that are not zero, log1p undone on the counts."""
    values = features.transform([text]).toarray()[0]
    n_counts = 2 * len(features.lists_)
    values[:n_counts] = np.expm1(values[:n_counts])
    return {name: round(value) for name, value in zip(features.feature_names_, values, strict=True) if value}


def covers(wide: str, narrow: str) -> bool:
    """Whether whatever the narrow entry finds, the wide one finds, word for word."""
    pairs = list(zip(wide.split(), narrow.split(), strict=False))
    same_length = len(wide.split()) == len(narrow.split())
    return same_length and all(n == w or (w.endswith("*") and n.startswith(w[:-1])) for w, n in pairs)


@pytest.mark.parametrize("text", ["He condemns it", "CONDEMNATION", "they condemn, again", "condemned's"])
def test_wildcard_stands_for_any_ending(own: str, text: str) -> None:
    assert row(LexiconFeatures(own).fit([]), text) == {"row": 1}


@pytest.mark.parametrize("text", ["uncondemned", "conde mn", "stop"])
def test_words_match_from_their_beginning(own: str, text: str) -> None:
    assert row(LexiconFeatures(own).fit([]), text) == {"no label": 1}


@pytest.mark.parametrize("text", ["a cease fire holds", "a cease-fire", "CEASE-FIRES"])
def test_phrase_matches_over_hyphens_and_takes_its_words(own: str, text: str) -> None:
    assert row(LexiconFeatures(own).fit([]), text) == {"calm": 1}


def test_longest_entry_wins_among_labels(own: str) -> None:
    assert row(LexiconFeatures(own).fit([]), "Peace talks collapsed.") == {"row": 1}
    assert row(LexiconFeatures(own).fit([]), "Peace talks continued") == {"calm": 1}


def test_phrase_cut_off_by_the_end_is_no_match(own: str) -> None:
    assert row(LexiconFeatures(own).fit([]), "the cease") == {"no label": 1}


def test_several_matches_are_counted(own: str) -> None:
    assert row(LexiconFeatures(own).fit([]), "attack, attacks and attackers") == {"force": 3}


@pytest.mark.parametrize(
    ("text", "window", "column"),
    [
        ("not attack", 1, "force (negated)"),
        ("not a b c attack", 4, "force (negated)"),
        ("not a b c d attack", 4, "force"),
        ("ruled out an attack", 2, "force (negated)"),
        ("not attack", 0, "force"),
        ("attack not", 4, "force"),
    ],
)
def test_negation_window(own: str, text: str, window: int, column: str) -> None:
    assert row(LexiconFeatures(own, window=window).fit([]), text) == {column: 1, "negation": 1}


def test_contractions_negate_with_either_apostrophe() -> None:
    features = LexiconFeatures().fit([])
    for text in ("they didn't attack", "they didn\u2019t attack"):
        assert row(features, text)["use_of_force (negated)"] == 1


def test_interaction_needs_both_and_neither_negated(own: str) -> None:
    features = LexiconFeatures(own, window=1).fit([])
    assert "ending & force" in row(features, "attacks stopped")
    assert "ending & force" not in row(features, "attacks have not stopped")
    assert "ending & force" not in row(features, "attacks go on")


def test_without_normalising_only_lower_case_matches(own: str) -> None:
    features = LexiconFeatures(own, normalise=False).fit([])
    assert row(features, "Attack") == {"no label": 1}
    assert row(features, "attack") == {"force": 1}


def test_empty_texts() -> None:
    features = LexiconFeatures().fit([])
    assert row(features, "") == row(features, " …!") == {"no label": 1}
    assert features.transform([]).shape == (0, len(features.feature_names_))


def test_lexicon_without_cues_negates_nothing(tmp_path: Path) -> None:
    features = LexiconFeatures(write(tmp_path, cues=None, interactions=None)).fit([])
    assert row(features, "not attack") == {"force": 1}


@pytest.mark.parametrize("name", ["ladder", "root"])
def test_names_match_columns(name: str) -> None:
    features = LexiconFeatures(name).fit([])
    matrix = features.transform(["Troops attacked.", "Rain."])
    names = features.get_feature_names_out()
    assert (matrix.format, matrix.dtype, matrix.shape) == ("csr", np.float64, (2, len(names)))
    assert len(set(names)) == len(names)


def test_unfitted_and_wrong_input(own: str) -> None:
    with pytest.raises(NotFittedError):
        LexiconFeatures(own).transform(["a"])
    with pytest.raises(InputError, match="list of strings"):
        LexiconFeatures(own).fit([]).transform("attack")
    with pytest.raises(InputError, match="text 1 is a float"):
        LexiconFeatures(own).fit([]).transform(["attack", float("nan")])


def test_unknown_lexicon_lists_those_that_ship() -> None:
    with pytest.raises(ConfigError, match="'laddder': choose one of ladder, root"):
        LexiconFeatures("laddder").fit([])


@pytest.mark.parametrize("parameters", [{"window": -1}, {"window": 1.5}, {"lexicon": 3}, {"normalise": "yes"}])
def test_wrong_parameter(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError):
        LexiconFeatures(**parameters).fit([])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": {"a": [False]}}, "put it in quotes"),
        ({"labels": {"a": ["Attack"]}}, "lower-case"),
        ({"labels": {"a": ["air-strike"]}}, "hyphens"),
        ({"labels": {"a": ["*tack"]}}, "at its end"),
        ({"labels": {"a": ["b", "b"]}}, "twice"),
        ({"labels": {"a": []}}, "one or more"),
        ({"labels": ["a"]}, "must map"),
        ({"labels": {}}, "needs `labels`"),
        ({"cues": {"force": ["b"]}}, "both a label and a cue"),
        ({"interactions": [["ending", "forse"]]}, "pair of its lists"),
        ({"weights": 1}, "unknown weights"),
    ],
)
def test_broken_lexicon(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LexiconFeatures(write(tmp_path, **changes)).fit([])


def test_invalid_yaml(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("labels: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="no valid YAML"):
        LexiconFeatures(str(tmp_path / "own.yaml")).fit([])


def test_skops_round_trip_needs_no_file(own: str) -> None:
    texts = ["They did not attack", "peace talks", ""]
    features = LexiconFeatures(own, window=2).fit([])
    before = features.transform(texts)
    saved = skops.io.dumps(features)
    Path(own).unlink()
    loaded = skops.io.loads(saved, trusted=TRUSTED)
    assert skops.io.get_untrusted_types(data=saved) == TRUSTED
    assert (loaded.transform(texts) != before).nnz == 0
    assert list(loaded.get_feature_names_out()) == features.feature_names_


def test_constructor_only_stores() -> None:
    features = clone(LexiconFeatures("nowhere", 2, False))
    assert vars(features) == {"lexicon": "nowhere", "window": 2, "normalise": False}


def test_imports_are_light() -> None:
    names = "[name for name in sys.modules if name.startswith('escalation.')]"
    code = f"import json, sys, escalation.features.lexicon; print(json.dumps({names}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(json.loads(found)) == {"escalation.errors", "escalation.features", "escalation.features.lexicon"}


@pytest.mark.parametrize("name", ["ladder", "root"])
class TestShipped:
    def test_labels_are_those_of_the_codebook(self, name: str) -> None:
        codebook = yaml.safe_load((ROOT / "configs" / "codebook" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert list(read_lexicon(name).labels) == [label["name"] for label in codebook["labels"]]

    def test_lists_are_of_a_size(self, name: str) -> None:
        least, most = {"ladder": (25, 45), "root": (10, 20)}[name]
        assert all(least <= len(entries) <= most for entries in read_lexicon(name).labels.values())

    def test_cues_are_there(self, name: str) -> None:
        expected = {"negation", "anticipation", "hypothetical", "history", "sport_and_business", "ending"}
        harmless = {"medicine_and_nature", "crime_and_accident", "technology_and_arts"} if name == "ladder" else set()
        assert set(read_lexicon(name).cues) == expected | harmless

    def test_no_entry_is_in_two_labels(self, name: str) -> None:
        entries = [entry for entries in read_lexicon(name).labels.values() for entry in entries]
        assert sorted(entries) == sorted(set(entries))

    def test_no_entry_makes_another_of_its_list_needless(self, name: str) -> None:
        lexicon = read_lexicon(name)
        for entries in (*lexicon.labels.values(), *lexicon.cues.values()):
            assert not [(wide, one) for wide in entries for one in entries if wide != one and covers(wide, one)]

    def test_every_entry_finds_itself(self, name: str) -> None:
        features = LexiconFeatures(name).fit([])
        for title, entries in features.lists_.items():
            for entry in entries:
                found = row(features, entry.replace("*", "").upper())
                assert found.get(title, 0) + found.get(f"{title} (negated)", 0) >= 1, (title, entry)


def test_two_ship() -> None:
    assert shipped_lexicons() == ["ladder", "root"]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("Both sides agreed to a cease-fire.", "deescalation"),
        ("Click here to subscribe to our newsletter.", "none"),
        ("The ministry condemned the remarks as hostile.", "friction"),
        ("Parliament voted to expel the diplomats and extend sanctions.", "coercion"),
        ("The general set an ultimatum and has not ruled out an advance.", "threat_of_force"),
        ("Reservists were mobilised and warships left port.", "show_of_force"),
        ("Reservists were mobilized and warships left port.", "show_of_force"),
        ("Gunmen ambushed a patrol, killing three.", "use_of_force"),
        ("Officials believe an invasion is imminent.", "anticipation & use_of_force"),
        ("The shelling stopped at noon.", "ending & use_of_force"),
        ("A museum recalls the battle.", "history & use_of_force"),
        ("The striker fought on all season.", "sport_and_business & use_of_force"),
        ("The president said he would not attack.", "use_of_force (negated)"),
    ],
)
def test_reads_news(text: str, column: str) -> None:
    assert column in row(LexiconFeatures().fit([]), text)
