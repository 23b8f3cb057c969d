"""Annotations of real sentences: enough of each corpus, no text, each found in the mirror, halves that share no document."""

import json
from collections import Counter
from pathlib import Path

import pytest
from commands import ROOT
from sklearn.metrics import cohen_kappa_score

from escalation import annotations, project
from escalation.codebook import Codebook
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import load
from escalation.corpora.split import held_out_hashes, text_hash

FOLDER = ROOT / "data" / "annotations"
HALVES = ("train", "test")
PARTS = (*HALVES, "more")
LADDER = Codebook.load("ladder", project.codebooks())


@pytest.fixture(scope="module")
def entries() -> dict[str, list[dict]]:
    return {
        part: [json.loads(line) for line in (FOLDER / f"{part}.jsonl").read_text("utf-8").splitlines()]
        for part in PARTS
    }


def test_fields_labels_and_counts(entries: dict[str, list[dict]]) -> None:
    halves = entries["train"] + entries["test"]
    everything = halves + entries["more"]
    assert len(halves) >= 1600
    assert len({entry["sha256"] for entry in everything}) == len(everything)
    for entry in everything:
        assert tuple(entry) == annotations.FIELDS
        assert entry["ladder"] in LADDER.names
        assert entry["second"] in (None, *LADDER.names)
        assert len(entry["sha256"]) == 64
        assert len(entry["note"].split()) < 20  # a note is no way to carry the text
    counts = Counter(entry["corpus"] for entry in halves)
    assert counts["plv"] >= 400
    assert min(counts[name] for name in ("cameo", "unscon_sentences", "muc4", "bbc")) >= 300
    assert abs(len(entries["train"]) - len(entries["test"])) < 100


def test_two_passes_agree(entries: dict[str, list[dict]]) -> None:
    """The first label stands unless the two differed, so this figure is after adjudication: an upper bound."""
    both = [entry for half in HALVES for entry in entries[half] if entry["second"]]
    assert len(both) >= 600
    first, second = ([LADDER.index(entry[name]) for entry in both] for name in ("ladder", "second"))
    assert cohen_kappa_score(first, second) > 0.85


def test_nothing_annotated_is_held_out(entries: dict[str, list[dict]]) -> None:
    forbidden = held_out_hashes(ROOT / "data" / "holdout")
    assert not [entry for part in PARTS for entry in entries[part] if entry["sha256"] in forbidden]


def test_every_hash_is_in_the_mirror_and_no_document_is_on_both_sides(
    entries: dict[str, list[dict]], mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    monkeypatch.setenv("ESCALATION_MIRROR", str(mirror))
    corpora = {}
    for part in PARTS:
        spec = CorpusSpec.load(f"real_{part}", ROOT / "configs" / "corpus")
        corpora[part] = load(spec, LADDER, project.codebooks()).frame
        assert len(corpora[part]) == len(entries[part])
        assert corpora[part]["label"].tolist() == [entry["ladder"] for entry in entries[part]]
    for part in ("train", "more"):
        assert not set(corpora[part]["group"]) & set(corpora["test"]["group"])


def test_unlabelled_sentences_hold_nothing_that_is_measured(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    monkeypatch.setenv("ESCALATION_MIRROR", str(mirror))
    folder = ROOT / "configs" / "corpus"
    measured = load(CorpusSpec.load("real_test", folder), LADDER, project.codebooks())
    muc4 = CorpusSpec.load("muc4", folder)
    everything, rest = annotations.unlabelled([muc4]), annotations.unlabelled([muc4], [measured])
    assert len(set(map(text_hash, everything))) == len(everything) > 10_000
    assert set(rest) < set(everything)
    assert not set(map(text_hash, rest)) & set(measured.frame["text"].map(text_hash))
    sentences = annotations.sentences(muc4)
    documents = set(sentences["document"][sentences["text"].isin(rest)])
    assert not documents & set(measured.frame["group"])


def test_sentences_of_documents_know_their_neighbours(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    monkeypatch.setenv("ESCALATION_MIRROR", str(mirror))
    folder = ROOT / "configs" / "corpus"
    frame = load(CorpusSpec.load("real_train", folder), LADDER, project.codebooks()).frame
    beside = (frame["before"] != "") | (frame["after"] != "")
    share = beside.groupby(frame["id"].str.partition(":")[0]).mean()
    assert share[["plv", "cameo", "unscon_sentences"]].tolist() == [0, 0, 0]  # labelled alone
    assert share[["muc4", "bbc"]].min() > 0.9
