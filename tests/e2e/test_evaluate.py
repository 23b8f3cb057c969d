"""`escalation evaluate`: a labelled file against a model, for the ladder and for every level of the event tree."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from commands import json_of, one_line_error, run

ROWS = [
    ("Tanks rolled over the border at dawn and shelled the town.", "use_of_force"),
    ("The two presidents agreed to a ceasefire and freed their prisoners.", "deescalation"),
    ("The orchestra played Brahms to a full house.", "none"),
    ("The ministry condemned the neighbours' remarks.", "friction"),
    ("The council imposed sanctions on the junta.", "coercion"),
    ("Officials expect an attack within days.", "threat_of_force"),
    ("Reservists were mobilised and warships left port.", "show_of_force"),
]


def test_ladder_file_in_every_format(trained: Path, tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    paths = [tmp_path / f"f.{ending}" for ending in ("csv", "tsv", "jsonl", "parquet")]
    frame.to_csv(paths[0], index=False)
    frame.to_csv(paths[1], index=False, sep="\t", quoting=csv.QUOTE_NONE)
    frame.to_json(paths[2], orient="records", lines=True)
    frame.to_parquet(paths[3])
    found = [json_of(run(trained, "escalation", "evaluate", str(path), "--json")) for path in paths]
    for one in found:
        assert {"n", "qwk", "mae", "macro_f1", "accuracy", "ece", "per_class", "seconds", "texts_per_second"} <= set(
            one
        )
        assert one["n"] == 7
        assert one["qwk"] == found[0]["qwk"]
    assert found[0]["qwk"] > 0.3


def test_report_for_a_person_and_codes_as_labels(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "coded.csv"
    codes = {
        "deescalation": -1,
        "none": 0,
        "friction": 1,
        "coercion": 2,
        "threat_of_force": 3,
        "show_of_force": 4,
        "use_of_force": 5,
    }
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sentence", "rung"])
        writer.writerows((text, codes[label]) for text, label in ROWS)
    done = run(trained, "escalation", "evaluate", str(path), "--text-column", "sentence", "--label-column", "rung")
    assert done.returncode == 0, done.stderr
    for part in (
        "7 rows under codebook ladder",
        "models:/escalation@champion, version 1",
        "qwk",
        "use_of_force",
        "texts a second",
    ):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("text,label\nOne.,panic\n", [], ["panic", "deescalation"]),
        ("text,rung\nOne.,none\n", [], ["label", "rung"]),
        ("text,label\n", [], ["no rows"]),
        ("text,label\n ,none\n", [], ["empty text"]),
        ("text,label\nOne.,none\n", ["--codebook", "root"], ["root", "train"]),
        ("text,label\nOne.,none\n", ["--map", "none"], ["--map"]),
        ("text,label\nOne.,none\n", ["--codebook", "steps"], ["steps"]),
    ],
)
def test_bad_files_and_words(trained: Path, tmp_path: Path, content: str, words: list[str], said: list[str]) -> None:
    path = tmp_path / "f.csv"
    path.write_text(content, encoding="utf-8")
    line = one_line_error(run(trained, "escalation", "evaluate", str(path), *words))
    for part in said:
        assert part in line


def test_a_champion_whose_files_are_gone_is_no_missing_champion(home: Path, tmp_path: Path) -> None:
    trained = run(home, "train.py", "features=lexicon", "classifier=majority", "folds=0")
    assert trained.returncode == 0, trained.stderr
    for folder in [*home.rglob("exported")]:
        shutil.rmtree(folder)
    path = tmp_path / "f.csv"
    path.write_text("text,label\nOne.,none\n", encoding="utf-8")
    line = one_line_error(run(home, "escalation", "evaluate", str(path)))
    assert "models:/escalation@champion" in line
    assert "model.json" in line


def test_events_at_every_level_restricted_and_mapped(home: Path, mirror: Path) -> None:
    """PLV's training file itself: what counts here is that levels and words work, not the figure."""
    trained = run(home, "train.py", "experiment=plv_svc", "rows=400", "folds=2", "calibration_folds=2")
    assert trained.returncode == 0, trained.stderr
    (uri,) = re.findall(r"^model +(models:/\S+)$", trained.stdout, re.MULTILINE)  # a trial is no champion
    plv = next(mirror.rglob("PLV_train.tsv"))
    levels = {}
    for codebook, column in (("root", "gold_root"), ("penta", "gold_penta")):
        words = [
            "--codebook",
            codebook,
            "--text-column",
            "sentence",
            "--label-column",
            column,
            "--json",
            "--model",
            uri,
        ]
        open_choice = json_of(run(home, "escalation", "evaluate", str(plv), *words))
        restricted = json_of(run(home, "escalation", "evaluate", str(plv), *words, "--restrict"))
        assert open_choice["n"] == restricted["n"] == 1050
        assert restricted["accuracy"] >= open_choice["accuracy"] - 1e-9
        assert "NEUTRAL" not in restricted["per_class"]
        levels[codebook] = restricted["accuracy"]
    assert levels["penta"] > levels["root"]
    aw = next(mirror.rglob("AW_train.tsv"))
    words = [
        "--codebook",
        "polarity",
        "--text-column",
        "sentence",
        "--label-column",
        "gold_binary",
        "--json",
        "--restrict",
        "--model",
        uri,
    ]
    found = json_of(
        run(home, "escalation", "evaluate", str(aw), *words, "--map", "1=conflict", "--map", "0=cooperation")
    )
    assert found["n"] == 802
    assert set(found["per_class"]) == {"cooperation", "conflict"}
    assert found["accuracy"] > 0.6
    assert "ladder" in one_line_error(run(home, "escalation", "evaluate", str(aw), "--text-column", "sentence"))


def test_json_is_all_there_is_on_standard_output(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS), encoding="utf-8"
    )
    done = run(trained, "escalation", "evaluate", str(path), "--json")
    assert json.loads(done.stdout)["n"] == 7
    assert done.stderr == ""
