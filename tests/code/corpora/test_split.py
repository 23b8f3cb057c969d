import tracemalloc

import numpy as np
import pandas as pd
import pytest

from escalation.corpora.split import (
    fingerprint,
    grouped,
    guarded,
    held_out_hashes,
    hold_out,
    shrunken,
    splits,
    text_hash,
    traces,
)
from escalation.errors import CorpusError


def frame(rows, **columns):
    made = pd.DataFrame(rows, columns=["id", "text", "group"], dtype=object).assign(source="s", label="x")
    return made.assign(**columns)


def many(n, size=1, labels=3):
    """`n` rows in groups of `size`, labels in turn by group."""
    rows = [(str(k), f"text {k}", str(k // size)) for k in range(n)]
    return frame(rows, label=[f"l{k // size % labels}" for k in range(n)])


def test_rows_of_a_document_or_with_the_same_text_share_a_group():
    found = grouped(
        frame(
            [
                ("1", "a", "d1"),
                ("2", "b", "d1"),
                ("3", "B!", ""),
                ("4", "c", ""),
                ("5", "c", "d2"),
                ("6", "e", "d2"),
                ("7", "f", ""),
            ]
        )
    )
    assert found["group"].tolist() == ["s:1", "s:1", "s:1", "s:4", "s:4", "s:4", "s:7"]


def test_groups_link_through_a_chain_of_documents_and_texts():
    rows = [("1", "a", "d1"), ("2", "b", "d1"), ("3", "b", "d2"), ("4", "c", "d2"), ("5", "c", ""), ("6", "z", "d3")]
    assert grouped(frame(rows))["group"].tolist() == ["s:1"] * 5 + ["s:6"]


def test_documents_and_ids_of_two_sources_are_not_confused():
    rows = pd.concat([frame([("1", "a", "d"), ("2", "b", "")]), frame([("1", "c", "d"), ("2", "a", "")], source="t")])
    assert grouped(rows)["group"].tolist() == ["s:1", "s:2", "t:1", "s:1"]


def test_grouping_a_big_document_takes_linear_memory():
    rows = frame([(str(k), f"text {k}", "one") for k in range(20_000)])
    tracemalloc.start()
    try:
        found = grouped(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found["group"].nunique() == 1
    assert peak < 100e6  # its square would be 3 GB


def test_the_guard_drops_held_out_texts(tmp_path):
    (tmp_path / "a.sha256").write_text(text_hash("Guns fell silent") + "\n\n")
    (tmp_path / "b.sha256").write_text(text_hash("other") + "\n")
    kept, dropped = guarded(frame([("1", "“Guns” fell silent.", ""), ("2", "Guns", "")]), held_out_hashes(tmp_path))
    assert kept["id"].tolist() == ["2"]
    assert kept.index.tolist() == [0]
    assert dropped == 1


def test_no_group_is_on_both_sides():
    rows = many(120, size=4)
    seen = []
    for train, test in splits(rows, 5, seed=1):
        assert not set(rows["group"].iloc[train]) & set(rows["group"].iloc[test])
        seen.extend(test)
    assert sorted(seen) == list(range(120))


def test_the_held_out_part_has_its_share_and_all_labels():
    train, test = hold_out(many(200, size=2), 0.2, seed=3)
    assert len(train) + len(test) == 200
    assert 30 <= len(test) <= 50
    assert set(test["label"]) == {"l0", "l1", "l2"}
    assert test["id"].tolist() == hold_out(many(200, size=2), 0.2, seed=3)[1]["id"].tolist()


@pytest.mark.parametrize(
    ("rows", "said"),
    [(many(8, size=4), "2 groups cannot make 3 folds"), (many(4, labels=2), "at most 2 rows of a label cannot")],
)
def test_too_little_to_split(rows, said):
    with pytest.raises(CorpusError, match=said):
        list(splits(rows, 3, seed=1))


def test_a_shrunken_corpus_keeps_whole_groups_and_rare_labels():
    rows = many(300, size=3, labels=2)
    rare = frame([(f"r{k}", f"rare {k}", "r") for k in range(3)], label="rare")
    other = many(10).assign(source="t", group=[f"t{k}" for k in range(10)])
    found = shrunken(pd.concat([rows, rare, other], ignore_index=True), 40, seed=1)
    sizes = found["source"].value_counts()
    assert 30 <= sizes["s"] <= 40
    assert sizes["t"] == 10
    assert "rare" in set(found["label"])
    whole = found[(found["source"] == "s") & (found["label"] != "rare")]
    assert set(whole.groupby("group").size()) == {3}
    assert (
        found["id"].tolist() == shrunken(pd.concat([rows, rare, other], ignore_index=True), 40, seed=1)["id"].tolist()
    )


def test_a_shrunken_corpus_keeps_labels_that_stand_second_in_a_group():
    rows = many(400, size=4, labels=2)
    rows.loc[[101, 202], "label"] = "rare"
    for seed in range(5):
        assert set(shrunken(rows, 40, seed)["label"]) == {"l0", "l1", "rare"}


def test_a_big_group_is_left_out_and_the_rest_kept():
    big = frame([(f"b{k}", f"big {k}", "big") for k in range(50)])
    found = shrunken(pd.concat([big, many(60)], ignore_index=True), 40, seed=1)
    assert len(found) == 40
    assert "big" not in set(found["group"])
    with pytest.raises(CorpusError, match=r"corpus s: every .* more than 40 rows"):
        shrunken(big, 40, seed=1)


def test_a_corpus_that_is_small_enough_stays_as_it_is():
    pd.testing.assert_frame_equal(shrunken(many(30, size=3), 30, seed=1), many(30, size=3))


def test_the_fingerprint_is_of_texts_and_labels_in_any_order():
    rows = many(6)
    assert fingerprint(rows) == fingerprint(rows.iloc[np.array([3, 1, 0, 5, 4, 2])])
    assert fingerprint(rows) == fingerprint(rows.assign(id="other", text=rows["text"].str.upper() + "!"))
    assert fingerprint(rows) != fingerprint(rows.assign(label="l0"))
    assert fingerprint(rows) != fingerprint(rows.iloc[:5])


def test_a_held_out_neighbour_is_not_shown(tmp_path):
    (tmp_path / "a.sha256").write_text(text_hash("Guns fell silent") + "\n")
    rows = frame([("1", "They agreed.", "")]).assign(before="Guns fell silent!", after="They ate.")
    kept, dropped = guarded(rows, held_out_hashes(tmp_path))
    assert kept[["before", "after"]].to_numpy().tolist() == [["", "They ate."]]
    assert dropped == 0


def test_traces_tell_texts_and_documents_again_without_the_text():
    rows = frame([("1", "Troops moved.", "d1"), ("2", "TROOPS moved", "d1"), ("3", "They rest.", "")])
    found = traces(rows.assign(document=rows["group"]), ["An unlabelled sentence."])
    assert found.to_numpy().tolist() == [
        [text_hash("troops moved")[:16], "d1"],
        [text_hash("they rest")[:16], ""],
        [text_hash("an unlabelled sentence")[:16], ""],
    ]
