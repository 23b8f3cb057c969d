import json
import shutil

import pandas as pd
import pytest

from escalation import project
from escalation.codebook import Codebook, chain
from escalation.corpora.card import card
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import COLUMNS, Corpus, check, joined, load, load_several, read
from escalation.corpora.split import text_hash
from escalation.errors import ConfigError, CorpusError, InputError

FOLDER = project.checkout() / "configs" / "corpus"
HOLDOUT = project.checkout() / "data" / "holdout"
BOOKS = project.codebooks()
GOOD = "text,label\nTroops moved,show_of_force\nTalks failed,friction\n"


def book(name):
    return Codebook.load(name, BOOKS)


def public(name, mirror, monkeypatch):
    monkeypatch.setenv("ESCALATION_MIRROR", str(mirror))
    return CorpusSpec.load(name, FOLDER)


# --- loading


def test_a_corpus_of_ones_own(local):
    corpus = load(local(GOOD), book("ladder"), BOOKS)
    rest = {"group": "", "source": "mine", "date": "", "before": "", "after": ""}
    assert corpus.frame.to_dict("records") == [
        {"id": "1", "text": "Troops moved", "label": "show_of_force", **rest},
        {"id": "2", "text": "Talks failed", "label": "friction", **rest},
    ]
    assert len(corpus.sha256) == 64


def test_the_second_load_is_from_the_cache_and_the_same(local, home):
    spec = local(GOOD)
    first = load(spec, book("ladder"), BOOKS)
    (folder,) = (home / "data" / "processed").iterdir()
    made = folder.stat().st_mtime_ns
    second = load(spec, book("ladder"), BOOKS)
    assert list((home / "data" / "processed").iterdir()) == [folder]
    assert folder.stat().st_mtime_ns == made
    pd.testing.assert_frame_equal(first.frame, second.frame)
    assert first.sha256 == second.sha256


def test_what_the_cache_holds_is_not_read_again(local, home):
    from datasets import load_from_disk

    spec = local(GOOD)
    load(spec, book("ladder"), BOOKS)
    (folder,) = (home / "data" / "processed").iterdir()
    load_from_disk(str(folder)).select([1]).save_to_disk(str(home / "one"))
    shutil.rmtree(folder)
    (home / "one").rename(folder)
    assert load(spec, book("ladder"), BOOKS).frame["text"].tolist() == ["Talks failed"]


def test_a_changed_file_or_spec_is_read_anew(local):
    assert load(local(GOOD), book("ladder"), BOOKS).frame["label"].tolist() == ["show_of_force", "friction"]
    assert load(local(GOOD + "War,5\n"), book("ladder"), BOOKS).frame.shape[0] == 3
    spec = local(GOOD, label_map={"ladder": {"friction": "none"}})
    assert load(spec, book("ladder"), BOOKS).frame["label"].tolist() == ["show_of_force", "none"]


def test_the_cache_is_a_dataset_with_class_labels(local, home):
    from datasets import load_from_disk

    load(local(GOOD), book("ladder"), BOOKS)
    (folder,) = (home / "data" / "processed").iterdir()
    assert load_from_disk(str(folder)).features["label"].names == book("ladder").names


def test_a_damaged_cache_is_made_anew(local, home):
    first = load(local(GOOD), book("ladder"), BOOKS)
    (folder,) = (home / "data" / "processed").iterdir()
    damaged = next(folder.glob("*.arrow"))
    damaged.write_bytes(damaged.read_bytes()[:50])
    pd.testing.assert_frame_equal(load(local(GOOD), book("ladder"), BOOKS).frame, first.frame)
    assert damaged.stat().st_size > 50


def test_a_cache_that_cannot_be_written(local, home):
    home.mkdir()
    (home / "data").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot write .*ESCALATION_HOME"):
        load(local(GOOD), book("ladder"), BOOKS)


def test_labels_are_summed_up_the_tree(local):
    spec = local("text,label\na,YIELD\nb,THREATEN\nc,neutral\n", labels={"root": "label"})
    assert load(spec, book("root"), BOOKS).frame["label"].tolist() == ["YIELD", "THREATEN", "NEUTRAL"]
    penta = load(spec, book("penta"), BOOKS).frame["label"].tolist()
    assert penta == ["material_cooperation", "verbal_conflict", "neutral"]
    assert load(spec, book("polarity"), BOOKS).frame["label"].tolist() == ["cooperation", "conflict", "neutral"]


def test_labels_of_the_codebook_itself_come_before_sums(local):
    spec = local("text,r,p\na,AID,4\nb,ACCUSE,3\n", labels={"root": "r", "penta": "p"})
    assert load(spec, book("penta"), BOOKS).frame["label"].tolist() == ["material_conflict", "verbal_conflict"]


def test_labels_are_never_guessed_down_the_tree(local):
    with pytest.raises(CorpusError, match="corpus mine has no labels of codebook root: it has penta"):
        load(local(GOOD, labels={"penta": "label"}), book("root"), BOOKS)


def test_a_scheme_of_its_own_can_be_read_but_not_loaded(local):
    spec = local(GOOD, labels={"mood": "label"})
    with pytest.raises(CorpusError, match="no labels of codebook ladder: it has mood"):
        load(spec, book("ladder"), BOOKS)
    assert read(spec)["label"].tolist() == ["show_of_force", "friction"]


def test_ids_are_unique_over_files(local, tmp_path):
    (tmp_path / "two.csv").write_text(GOOD)
    spec = local(GOOD, name="one.csv", path=str(tmp_path / "*.csv"))
    assert read(spec)["id"].tolist() == ["one:1", "one:2", "two:1", "two:2"]


def test_ids_of_published_files_name_the_part(published, tmp_path, monkeypatch):
    monkeypatch.setenv("ESCALATION_MIRROR", str(tmp_path))
    spec = published(train="a\t1\n", dev="b\t2\n", test="c\t3\n")
    assert read(spec)["id"].tolist() == ["train:1"]
    both = CorpusSpec.from_mapping(spec.to_mapping() | {"splits": ["train", "test"]})
    assert read(both)["id"].tolist() == ["train:1", "test:1"]


# --- what a corpus must be


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,topic\na,none\n", ["no column label", "text, topic"]),
        ("text,label\na,none\nb,war\n", ["mine, row '2'", "'war'", "deescalation, none, friction, coercion"]),
        ("text,label\na,none\nb,\n", ["row '2'", "''"]),
        ("text,label\na,none\nb,none\n", ["only the label 'none'"]),
        ("text,label\na,none\n … ,friction\n", ["row '2' has an empty text"]),
        ("text,label\nWar looms,none\nb,none\n“War” looms!,friction\n", ["rows '1' and '3'", "none and friction"]),
        ("text,label\n", ["has no rows"]),
    ],
)
def test_a_broken_corpus_names_its_rows(local, content, said):
    with pytest.raises(CorpusError) as raised:
        load(local(content), book("ladder"), BOOKS)
    for part in said:
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_repeated_id(local):
    spec = local("key,text,label\nk1,a,none\nk1,b,friction\n", columns={"id": "key"})
    with pytest.raises(CorpusError, match="id 'k1' stands twice"):
        load(spec, book("ladder"), BOOKS)


def test_two_labels_for_a_text_are_allowed_where_they_are_about_others(local):
    content = "text,label\na,none\na,friction\n"
    with pytest.raises(CorpusError, match="rows '1' and '2' have the same text"):
        load(local(content), book("ladder"), BOOKS)
    assert len(load(local(content, relational=True), book("ladder"), BOOKS).frame) == 2


def test_the_same_text_with_one_label_may_stand_twice():
    frame = pd.DataFrame({"id": ["1", "2", "3"], "text": ["a", "A!", "b"], "label": ["x", "x", "y"]})
    check(frame, "mine")


@pytest.mark.parametrize("reader", ["escalation.corpora.readers.tabel", "nowhere.table", "no reader"])
def test_an_unknown_reader(local, reader):
    with pytest.raises(ConfigError, match="corpus mine: no reader"):
        read(local(GOOD, reader=reader))


def test_an_argument_that_the_reader_does_not_take(local):
    with pytest.raises(ConfigError, match=r"`columns` does not fit .*txt"):
        read(local(GOOD, columns={"txt": "text"}))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text": ["a"]}, "text is ['a'], must be a column name"),
        ({"quoted": "no"}, "quoted is 'no'"),
        ({"names": 3}, "names is 3"),
    ],
)
def test_an_argument_of_a_wrong_type(local, columns, said):
    with pytest.raises(ConfigError) as raised:
        read(local(GOOD, columns=columns))
    assert said in str(raised.value)


# --- several corpora, the guard


def test_corpora_are_joined_behind_the_guard(local):
    first = load(local("text,label\nTroops moved,4\nTalks failed,1\nHeld out,0\n"), book("ladder"), BOOKS)
    second = Corpus("other", first.codebook, first.frame.iloc[:2].assign(source="other"), "0")
    lists = project.home() / "holdout"
    lists.mkdir(parents=True)
    (lists / "some.sha256").write_text(text_hash("held OUT.") + "\n")
    kept, rows = joined([first, second], lists)
    assert [(corpus.name, len(corpus.frame), corpus.dropped) for corpus in kept] == [("mine", 2, 1), ("other", 2, 0)]
    assert rows["group"].tolist() == ["mine:1", "mine:2", "mine:1", "mine:2"]
    assert list(rows.columns) == [*COLUMNS, "document"]  # the group as the corpus itself names it


def test_nothing_is_trained_without_the_lists(local, tmp_path):
    with pytest.raises(CorpusError, match="restore data/holdout from git"):
        joined([load(local(GOOD), book("ladder"), BOOKS)], tmp_path)


def test_the_guard_may_leave_too_little(local, tmp_path):
    (tmp_path / "some.sha256").write_text(text_hash("Troops moved"))
    with pytest.raises(CorpusError, match="fewer than two labels are left"):
        joined([load(local(GOOD), book("ladder"), BOOKS)], tmp_path)


@pytest.mark.parametrize(
    ("name", "level", "rows", "dropped"),
    [("cameo", "penta", 1349, 355), ("plv", "penta", 1050, 0), ("plv", "root", 1050, 0), ("aw", "polarity", 802, 0)],
)
def test_what_the_guard_drops_of_the_published_files(mirror, monkeypatch, name, level, rows, dropped):
    corpus = load(public(name, mirror, monkeypatch), book(level), BOOKS)
    assert len(corpus.frame) == rows
    kept, left = joined([corpus], HOLDOUT)
    assert kept[0].dropped == dropped
    assert len(left) == rows - dropped


def test_aw_is_binary(mirror, monkeypatch):
    spec = public("aw", mirror, monkeypatch)
    assert load(spec, book("polarity"), BOOKS).frame["label"].value_counts().to_dict() == {
        "conflict": 598,
        "cooperation": 204,
    }
    with pytest.raises(CorpusError, match="it has polarity"):
        load(spec, book("penta"), BOOKS)


@pytest.mark.parametrize("name", ["unscon", "muc4", "india_police_sents", "bbc"])
def test_other_schemes_say_what_they_have_before_they_are_fetched(name):
    with pytest.raises(CorpusError, match="has no labels of codebook penta: it has"):
        load(CorpusSpec.load(name, FOLDER), book("penta"), BOOKS)


def test_the_authored_corpus_groups_by_scenario(tmp_path):
    rows = [
        {
            "id": "x-1",
            "text": "Tanks crossed.",
            "ladder": "use_of_force",
            "root": "ASSAULT",
            "group": "s1",
            "position": 0,
        },
        {"id": "x-2", "text": "They left.", "ladder": "deescalation", "root": "YIELD", "group": "s1", "position": 1},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    mapping = CorpusSpec.load("authored", FOLDER).to_mapping() | {"path": str(tmp_path)}
    frame = load(CorpusSpec.from_mapping(mapping), book("ladder"), BOOKS).frame
    assert frame["id"].tolist() == ["x-1", "x-2"]
    assert frame["group"].tolist() == ["s1", "s1"]
    assert frame["label"].tolist() == ["use_of_force", "deescalation"]
    assert frame["before"].tolist() == ["", "Tanks crossed."]


# --- several codebooks at once


def chains():
    return [chain(book(name), BOOKS) for name in ("ladder", "root")]


def test_a_corpus_under_two_codebooks_keeps_both_labels():
    corpus = load_several(CorpusSpec.load("authored", FOLDER), chains(), BOOKS)
    assert list(corpus.frame.columns) == [*COLUMNS, "ladder", "root"]
    assert corpus.frame["label"].tolist() == corpus.frame["ladder"].tolist()
    assert (
        corpus.frame["root"].tolist()
        == load(CorpusSpec.load("authored", FOLDER), book("root"), BOOKS).frame["label"].tolist()
    )


def test_a_corpus_with_labels_above_a_head_keeps_those(mirror, monkeypatch):
    corpus = load_several(public("cameo", mirror, monkeypatch), chains(), BOOKS)
    assert set(corpus.frame["label"]) == {""}
    assert list(corpus.frame.columns) == [*COLUMNS, "penta"]
    kept, rows = joined([load_several(CorpusSpec.load("authored", FOLDER), chains(), BOOKS), corpus], HOLDOUT)
    assert (
        set(rows.loc[rows["source"] == "cameo", "root"]) == set(rows.loc[rows["source"] == "authored", "penta"]) == {""}
    )
    assert kept[1].dropped > 0


def test_a_corpus_with_labels_for_no_head(local):
    spec = local(GOOD)
    with pytest.raises(CorpusError, match="no labels for root"):
        load_several(spec, chains()[1:], BOOKS)


def test_card_changes_with_a_row_and_not_with_what_is_said_of_it(local, tmp_path) -> None:
    content = "id,text,label\na,Troops fired.,use_of_force\nb,The choir sang.,none\nc,The choir sang again.,none\n"
    holdout = tmp_path / "holdout"
    holdout.mkdir()
    (holdout / "mine.sha256").write_text(text_hash("the choir sang") + "\n")
    columns = {"id": "id"}
    found = card(local(content, columns=columns), project.codebooks(), holdout)
    assert (found["rows"], found["dropped_by_guard"], found["documents"]) == (2, 1, 0)
    assert found["codebooks"]["ladder"]["labels"] == {"none": 1, "use_of_force": 1}
    assert found == card(local(content, columns=columns, citation="Someone"), project.codebooks(), holdout)
    other = card(local(content.replace("again", "once more"), columns=columns), project.codebooks(), holdout)
    assert other["codebooks"]["ladder"]["rows_sha256"] != found["codebooks"]["ladder"]["rows_sha256"]
    with pytest.raises(CorpusError, match="labels of no codebook"):
        card(local(content, columns=columns, labels={"own": "label"}), project.codebooks(), holdout)
