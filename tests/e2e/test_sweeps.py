"""Sweeps: one run above its children, in parallel and from two terminals, gone on with after a kill, and bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, environment, one_line_error, run
from mlflow.tracking import MlflowClient

from escalation.searching import UNPRUNED, Axis, Study, _study

SMALL = ["experiment=ladder_lexicon", "rows=200", "folds=2", "calibration_folds=2", "resamples=100"]
SEARCH = ["hparams_search=own", *SMALL, "classifier.C=tag(log, interval(0.01, 10))"]


def runs(home: Path):
    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    return client, client.search_runs([client.get_experiment_by_name("ladder").experiment_id])


def family(home: Path):
    """The client, the one run above, and its children."""
    client, every = runs(home)
    (parent,) = [one for one in every if one.data.tags.get("kind") == "sweep"]
    return client, parent, [one for one in every if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]


def started(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "train.py", *words],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after_the_first(home: Path, *words: str) -> None:
    process = started(home, *words)
    assert process.stdout
    for line in process.stdout:  # the first child's summary ends in what to do next
        if line.startswith("next"):
            break
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode < 0


def test_grid_in_parallel_is_one_parent_whose_children_are_named_by_what_differs(home: Path) -> None:
    done = run(
        home,
        "train.py",
        "-m",
        *SMALL,
        "classifier=logreg,svc",
        "seed=1,2",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        f"hydra.sweep.dir={home / 'sweep'}",
    )
    assert done.returncode == 0, done.stderr
    client, parent, children = family(home)
    assert {one.info.status for one in children} == {"FINISHED"}
    assert sorted(one.info.run_name for one in children) == [
        "classifier=logreg seed=1",
        "classifier=logreg seed=2",
        "classifier=svc seed=1",
        "classifier=svc seed=2",
    ]
    best = max(children, key=lambda one: one.data.metrics["cv.qwk"])
    tags = parent.data.tags
    assert parent.data.metrics["best.cv.qwk"] == best.data.metrics["cv.qwk"]
    assert tags["best.run"] == best.info.run_id
    assert f"classifier={tags['best.classifier']} seed={tags['best.seed']}" == best.info.run_name
    assert best.info.run_id[:8] in tags["mlflow.note.content"]
    assert f"escalation promote {best.info.run_id[:12]}" in done.stdout
    pictures = {"parallel_coordinates.png", "importance.png"}
    assert pictures <= {one.path for one in client.list_artifacts(parent.info.run_id)}
    for child in children:  # every fold is a metric with a step
        assert [one.step for one in client.get_metric_history(child.info.run_id, "fold.qwk")] == [0, 1]


def test_grid_that_was_killed_goes_on_without_repeating_what_it_finished(home: Path) -> None:
    words = ["-m", *SMALL, "seed=1,2,3", "folds=0", f"hydra.sweep.dir={home / 'sweep'}"]
    killed_after_the_first(home, *words)
    before = {one.info.run_id for one in family(home)[2] if one.info.status == "FINISHED"}
    assert 1 <= len(before) <= 2
    again = run(home, "train.py", *words)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("finished before in this sweep") == len(before)
    _, _, children = family(home)
    finished = [one for one in children if one.info.status == "FINISHED"]
    assert sorted(one.data.params["seed"] for one in finished) == ["1", "2", "3"]
    assert before < {one.info.run_id for one in finished}
    assert {one.info.status for one in children} <= {"FINISHED", "KILLED"}  # nothing looks alive


def test_search_that_was_killed_is_finished_by_two_terminals_together(home: Path) -> None:
    words = [*SEARCH, "hydra.sweeper.n_trials=4", f"hydra.sweep.dir={home / 'sweep'}"]
    killed_after_the_first(home, *words)
    before = {one.info.run_id for one in family(home)[2] if one.info.status == "FINISHED"}
    assert 1 <= len(before) <= 3
    terminals = [started(home, *words) for _ in range(2)]
    said = [one.communicate(timeout=600) for one in terminals]
    assert [one.returncode for one in terminals] == [0, 0], said
    client, parent, children = family(home)
    finished = [one for one in children if one.info.status == "FINISHED"]
    assert before < {one.info.run_id for one in finished}
    assert len({one.data.tags["search.trial"] for one in finished}) == len(finished) == 4
    assert len({one.data.params["classifier.C"] for one in finished}) == 4
    assert all(one.info.run_name == f"classifier.C={one.data.params['classifier.C']}" for one in finished)
    assert {one.info.status for one in children} <= {"FINISHED", "KILLED"}
    assert parent.data.metrics["best.cv.qwk"] == max(one.data.metrics["cv.qwk"] for one in finished)
    assert "importance.png" in {one.path for one in client.list_artifacts(parent.info.run_id)}
    board = run(home, "escalation", "leaderboard", "--md", str(home / "board.md")).stdout
    assert board.count("ladder_lexicon rows=200") == 1  # the best trial alone
    assert (home / "board.md").read_text().count("[ladder_lexicon rows=200") == 1
    enough = run(home, "train.py", *words)
    assert enough.returncode == 0, enough.stderr
    assert len(family(home)[2]) == len(children)


def test_trial_that_is_pruned_is_marked_and_neither_exported_nor_registered(home: Path) -> None:
    """The trials before are told by hand, each better than any training here."""
    folder = home / "sweep"
    Study(folder, {"classifier.C": Axis(low=0.01, high=10.0, log=True)}, "maximize", 9, 1, 1)
    study = _study(folder)
    for _ in range(UNPRUNED):
        trial = study.ask({"classifier.C": Axis(low=0.01, high=10.0, log=True).distribution()})
        trial.report(0.99, 0)
        study.tell(trial, 0.99)
    words = [*SEARCH, "register=true", f"hydra.sweeper.n_trials={UNPRUNED + 1}", f"hydra.sweep.dir={folder}"]
    done = run(home, "train.py", *words)
    assert done.returncode == 0, done.stderr
    assert "pruned after fold 1" in done.stdout
    client, _, (child,) = family(home)
    assert child.info.status == "KILLED"
    assert child.data.tags["sweep.state"] == "pruned"
    assert "fold.qwk" in child.data.metrics
    assert "heldout.qwk" not in child.data.metrics
    assert not client.search_registered_models()


def test_grid_on_a_cluster_engine_writes_to_one_store(home: Path) -> None:
    """Submitit's local engine: each child in a process that a scheduler would start elsewhere."""
    words = [*SMALL, "folds=0", "seed=1,2", "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=20"]
    done = run(home, "train.py", "-m", *words, f"hydra.sweep.dir={home / 'sweep'}")
    assert done.returncode == 0, done.stderr
    _, parent, children = family(home)
    assert sorted((one.info.run_name, one.info.status) for one in children) == [
        ("seed=1", "FINISHED"),
        ("seed=2", "FINISHED"),
    ]
    assert "best.heldout.qwk" in parent.data.metrics


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", *SMALL, "nothing=1,2"], "nothing"),
        (["-m", *SMALL, "classifier=logreg,nobody"], "nobody"),
        (["-m", *SMALL, "seed=1,2", "hydra.sweeper.metric=cv.charm"], "cv.charm"),
        (["-m", *SMALL, "seed=1,2", "hydra.sweeper.direction=up"], "maximize, minimize"),
        (["-m", *SMALL, "seed=1,2", "rows=3"], "rows"),
        (["hparams_search=nobody", *SMALL], "nobody"),
        (["hparams_search=own", *SMALL], "something to choose"),
        ([*SEARCH, "folds=0"], "folds"),
        ([*SEARCH, "hydra.sweeper.metric=cv.charm"], "cv.charm"),
        ([*SEARCH, "hydra.sweeper.n_trials=0"], "n_trials"),
        (["hparams_search=own", *SMALL, "nothing=choice(1,2)"], "nothing"),
        (["hparams_search=own", *SMALL, "seed=range(5,1)"], "seed=range(5,1)"),
        (["-m", *SMALL, "seed=range(1,5,0)"], "seed=range(1,5,0)"),
        (["-m", *SMALL, "seed=1,2", "hydra/launcher=nobody"], "nobody"),
    ],
)
def test_bad_input_leaves_no_run(home: Path, words: list[str], said: str) -> None:
    line = one_line_error(run(home, "train.py", *words, f"hydra.sweep.dir={home / 'sweep'}"))
    assert said in line
    assert not (home / "mlflow.db").exists()


def test_folder_of_another_sweep(home: Path) -> None:
    folder = home / "sweep"
    folder.mkdir(parents=True)
    plan = {"title": "grid", "swept": ["classifier"], "metric": None, "direction": "maximize"}
    (folder / "sweep.json").write_text(json.dumps(plan), encoding="utf-8")
    line = one_line_error(run(home, "train.py", "-m", *SMALL, "seed=1,2", f"hydra.sweep.dir={folder}"))
    assert "hydra.sweep.dir" in line


@pytest.mark.parametrize(
    ("missing", "words", "extra"),
    [("optuna", SEARCH, "search"), ("hydra_plugins", ["-m", *SMALL, "seed=1,2", "hydra/launcher=joblib"], "search")],
)
def test_missing_extra_says_what_to_install(
    home: Path, tmp_path: Path, missing: str, words: list[str], extra: str
) -> None:
    """A machine where the extra is not installed: imports of it fail."""
    folder = tmp_path / "without"
    if missing == "optuna":
        (folder / missing).mkdir(parents=True)
        (folder / missing / "__init__.py").write_text("raise ImportError('not installed')", encoding="utf-8")
    else:  # our own plugins alone
        folder.mkdir()
        (folder / missing).mkdir()
        (folder / missing / "__init__.py").write_text(
            f"__path__ = [{str(ROOT / 'src' / 'hydra_plugins')!r}]", encoding="utf-8"
        )
    line = one_line_error(run(home, "train.py", *words, PYTHONPATH=f"{folder}:{ROOT / 'src'}"))
    assert f"pip install -e '.[{extra}]'" in line
