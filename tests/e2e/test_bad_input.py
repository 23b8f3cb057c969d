"""Bad input: one line that helps, exit code 2, nothing lost or half-written."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from commands import ROOT, environment, json_of, one_line_error, run
from mlflow.tracking import MlflowClient

FRENCH = (
    "Le ministre a déclaré mardi que les troupes avaient franchi la frontière dans la nuit. "
    "Les habitants ont quitté la ville et les écoles sont restées fermées toute la journée."
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\t \n", "empty"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00" * 50, "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20, "binary"),
        ("Войска у границы. ".encode("cp1251") + bytes(range(128, 160)) + b"\x98\xff\xfe\x81\x8d", "UTF-8"),
        (b"1234 5678 ... 90 --- !!!", "letters"),
        (b"The army moved. " * 1_300_000, "limit"),
    ],
    ids=["empty", "blank", "elf", "png", "unclear encoding", "no letters", "20 MB"],
)
def test_text_that_cannot_be_scored(trained: Path, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(content)
    assert said.lower() in one_line_error(run(trained, "escalation", "score", str(path))).lower()


def test_limit_can_be_raised(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("The army moved. " * 400, encoding="utf-8")
    one_line_error(run(trained, "escalation", "score", str(path), "--max-bytes", "1000"))
    assert run(trained, "escalation", "score", str(path), "--max-bytes", "100000").returncode == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_clear_encodings_are_decoded(trained: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(
        "“We will answer,” the marshal said. The café stayed open, he’d heard, until nine.".encode(encoding)
    )
    score = json_of(run(trained, "escalation", "score", str(path), "--json"))
    assert "café" in " ".join(sentence["text"] for sentence in score["sentences"])


def test_endless_sentence_is_scored_with_a_warning(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "endless.txt"
    path.write_text("and the troops marched on " * 4_000, encoding="utf-8")
    score = json_of(run(trained, "escalation", "score", str(path), "--json"))
    assert score["warnings"]


def test_other_language_is_scored_with_a_warning(trained: Path) -> None:
    score = json_of(run(trained, "escalation", "score", "-", "--json", stdin=FRENCH))
    assert score["language"] == "fr"
    assert any("English" in warning for warning in score["warnings"])


def test_missing_file_and_dead_address(trained: Path) -> None:
    assert "nowhere.txt" in one_line_error(run(trained, "escalation", "score", "nowhere.txt"))
    assert "127.0.0.1" in one_line_error(run(trained, "escalation", "score", "http://127.0.0.1:9/story.html"))


def test_no_champion_yet(home: Path, article: Path) -> None:
    assert "train" in one_line_error(run(home, "escalation", "score", str(article)))
    assert not home.exists() or not list(home.glob("*.db"))


def test_unknown_model(trained: Path, article: Path) -> None:
    assert "nobody" in one_line_error(
        run(trained, "escalation", "score", str(article), "--model", "models:/escalation@nobody")
    )
    assert "models:/other/9" in one_line_error(
        run(trained, "escalation", "score", str(article), "--model", "models:/other/9")
    )


def test_disk_full_while_writing_leaves_nothing(trained: Path, article: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "page.html"
    target.parent.mkdir()
    target.write_text("as it was", encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("escalation")), "score", str(article), "--html", str(target)],
        cwd=ROOT,
        env=environment(trained),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert "cannot write" in one_line_error(done)
    assert target.read_text(encoding="utf-8") == "as it was"
    assert list(target.parent.iterdir()) == [target]


def test_disk_full_while_training(home: Path) -> None:
    assert run(home, "train.py", "experiment=ladder_lexicon", "rows=200", "folds=2").returncode == 0
    done = subprocess.run(
        [sys.executable, "train.py", "experiment=ladder_lexicon", "rows=200", "folds=2", "seed=2"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    one_line_error(done)
    assert run(home, "escalation", "leaderboard").returncode == 0


CORPUS = {
    "name": "mine",
    "description": "A corpus of our own for tests.",
    "reader": "escalation.corpora.readers.table",
    "labels": {"ladder": "label"},
    "licence": "ours",
    "citation": "none",
}
GOOD = [
    {"id": f"r{i}", "text": f"Sentence number {i} of the day, {word}.", "label": label}
    for i, (word, label) in enumerate([("they talked", "none"), ("they fired", "use_of_force")] * 30)
]


def train_on(home: Path, tmp_path: Path, rows: list[dict[str, str]]) -> subprocess.CompletedProcess[str]:
    """A training on a user's own corpus: one JSONL, one YAML in a second config folder."""
    (tmp_path / "corpus").mkdir(exist_ok=True)
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = "# @package corpora.mine\n" + yaml.safe_dump({**CORPUS, "path": str(data)})
    (tmp_path / "corpus" / "mine.yaml").write_text(spec, encoding="utf-8")
    return run(
        home,
        "train.py",
        "corpus=mine",
        "features=lexicon",
        "folds=2",
        "calibration_folds=2",
        f"hydra.searchpath=[file://{tmp_path}]",
    )


def test_own_corpus_trains(home: Path, tmp_path: Path) -> None:
    done = train_on(home, tmp_path, GOOD)
    assert done.returncode == 0, done.stderr
    assert "mine: 60 rows" in done.stdout


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{k: v for k, v in row.items() if k != "label"} for row in GOOD], ["label"]),
        ([*GOOD, {"id": "bad", "text": "One more.", "label": "panic"}], ["panic", "deescalation", "bad"]),
        ([row for row in GOOD if row["label"] == "none"], ["only the label"]),
        ([*GOOD, {"id": "bad", "text": "  ", "label": "none"}], ["bad", "empty"]),
        ([*GOOD, {"id": "bad", "text": GOOD[0]["text"].upper(), "label": "friction"}], ["bad", "r0"]),
        ([*GOOD, GOOD[0]], ["r0", "twice"]),
    ],
    ids=["missing column", "unknown label", "one class", "empty text", "two labels", "repeated id"],
)
def test_broken_corpus(home: Path, tmp_path: Path, rows: list[dict[str, str]], said: list[str]) -> None:
    line = one_line_error(train_on(home, tmp_path, rows))
    for part in said:
        assert part in line


def test_weight_of_a_corpus_that_is_not_trained_on(home: Path) -> None:
    line = one_line_error(run(home, "train.py", "experiment=ladder_lexicon", "+weights.elsewhere=2"))
    assert "elsewhere" in line
    assert "authored" in line


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["heads=[root]"], "model=encoder"),
        (["model=encoder", "heads=[ladder]"], "twice"),
        (["model=encoder", "heads=[mood]"], "mood"),
        (["model=encoder", "model.epochs=0"], "epochs"),
        (["model=encoder", "model.pretrained=nobody/nothing"], "nobody/nothing"),
        (["folds=0", "holdout=0"], "folds"),
        (["holdout_seed=-1"], "holdout_seed is -1"),
        (["tests=null"], "tests is None: it must be a list"),
        (["unlabelled=[authored]"], "teacher"),
        (["holdout_from=[plv]"], "holdout_from"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wrong_choices_for_encoders(home: Path, overrides: list[str], said: str) -> None:
    assert said in one_line_error(run(home, "train.py", *overrides))


@pytest.mark.parametrize("change", ["cut short", "altered"])
def test_fetched_file_that_is_not_what_it_was(home: Path, mirror: Path, change: str) -> None:
    fetched = run(home, "escalation", "fetch", "plv", "--mirror", str(mirror))
    assert fetched.returncode == 0, fetched.stderr
    path = next((home / "data" / "raw" / "plv").glob("*train*"))
    content = path.read_bytes()
    path.write_bytes(content[:-100] if change == "cut short" else content.replace(b"the", b"teh", 1))
    line = one_line_error(run(home, "train.py", "experiment=plv_svc"))
    assert "fetch plv" in line


def test_mirror_with_an_altered_file_leaves_nothing(home: Path, mirror: Path, tmp_path: Path) -> None:
    source = next(mirror.rglob("PLV_train.tsv"))
    copy = tmp_path / source.relative_to(mirror)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(source.read_bytes()[:-5])
    one_line_error(run(home, "escalation", "fetch", "plv", "--mirror", str(tmp_path)))
    assert not [path for path in (home / "data" / "raw").rglob("*") if path.is_file()]


def test_tracking_address_that_does_not_answer(home: Path) -> None:
    began = time.monotonic()
    line = one_line_error(run(home, "train.py", MLFLOW_TRACKING_URI="http://127.0.0.1:9"))
    assert "MLFLOW_TRACKING_URI" in line
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("classifier=forest", ["logreg", "svc"]),
        ("experiment=unknown", ["baseline"]),
        ("codebook=steps", ["ladder", "root"]),
        ("seed=abc", ["seed"]),
        ("folds=1", ["folds", "2"]),
        ("calibration=best", ["temperature", "isotonic"]),
        ("classifier.C=abc", ["C"]),
        ("classifier.depth=3", ["depth"]),
        ("no_such_key=1", ["no_such_key"]),
        ("features.lexicon=klingon", ["klingon"]),
    ],
)
def test_wrong_config_fails_at_once_with_what_is_valid(home: Path, override: str, said: list[str]) -> None:
    words = ["features=lexicon", override] if override.startswith("features.") else [override]
    line = one_line_error(run(home, "train.py", *words))
    for part in said:
        assert part in line
    assert not (home / "mlflow.db").exists()


def test_interrupted_training_is_marked_killed(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "train.py", "folds=5"],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    client = None
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:  # until the run is there
        time.sleep(0.5)
        if (home / "mlflow.db").exists():
            try:
                client = client or MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
                experiment = client.get_experiment_by_name("ladder")
                if experiment and client.search_runs([experiment.experiment_id]):
                    break
            except Exception:  # the database is still being made
                client = None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, 2)
    assert "Traceback" not in errors, errors
    assert "interrupted" in errors
    runs = client.search_runs([client.get_experiment_by_name("ladder").experiment_id])
    assert [one.info.status for one in runs] == ["KILLED"]
    after = run(home, "train.py", "experiment=ladder_lexicon", "rows=200", "folds=2")
    assert after.returncode == 0, after.stderr


def test_two_trainings_at_once_from_nothing(home: Path) -> None:
    command = [sys.executable, "train.py", "experiment=ladder_lexicon", "folds=0", "calibration_folds=2"]
    both = [
        subprocess.Popen(
            [*command, f"seed={seed}"],
            cwd=ROOT,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    ended = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("ladder").experiment_id])
    assert [one.info.status for one in runs] == ["FINISHED", "FINISHED"]
    assert client.get_model_version_by_alias("escalation", "champion")


def test_help_and_usage_errors() -> None:
    binary = str(Path(sys.executable).with_name("escalation"))
    assert "score" in subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    one_line_error(subprocess.run([binary, "scor"], capture_output=True, text=True))
    one_line_error(subprocess.run([binary, "score"], capture_output=True, text=True))
