"""The main job: a training is logged whole, registers its model, and is compared with those before it."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import ROOT, environment, run
from mlflow.tracking import MlflowClient


@pytest.fixture(scope="module")
def client(trained: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=f"sqlite:///{trained / 'mlflow.db'}")


def finished(client: MlflowClient, codebook: str = "ladder"):
    experiment = client.get_experiment_by_name(codebook)
    return client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")


def test_summary_says_data_folds_metrics_model_and_next_command(trained: Path) -> None:
    summary = (trained / "summary.txt").read_text(encoding="utf-8")
    for part in (
        "authored:",
        "folds",
        "qwk",
        "mae",
        "macro_f1",
        "ece",
        "models:/escalation@champion",
        "escalation score",
    ):
        assert part in summary


def test_run_holds_what_the_design_lists(client: MlflowClient) -> None:
    logged = min(finished(client), key=lambda one: one.info.start_time)
    metrics, parameters, tags = logged.data.metrics, logged.data.params, logged.data.tags
    for name in ("qwk", "mae", "off_by_two", "macro_f1", "accuracy", "ece"):
        assert f"heldout.{name}" in metrics
        assert f"cv.{name}" in metrics
    assert metrics["heldout.qwk.low"] < metrics["heldout.qwk"] < metrics["heldout.qwk.high"]
    assert len(client.get_metric_history(logged.info.run_id, "fold.qwk")) == int(parameters["folds"])
    assert {"seconds", "peak_memory_mb", "rows_dropped_by_guard"} <= set(metrics)
    assert parameters["features"] == "union"
    assert parameters["classifier"] == "svc"
    assert parameters["classifier.class"] == "LinearSVC"
    assert parameters["features.tfidf.word.ngram_range"] == "[1, 2]"
    assert {"behaviour.direction", "behaviour.invariance", "behaviour.benign", "behaviour.swap_worst_spread"} <= set(
        metrics
    )
    assert float(parameters["classifier.C"]) > 0
    assert parameters["seed"] == "1"
    assert len(tags["held_out"]) == 64
    assert {"git.commit", "escalation.version"} <= set(tags)
    inputs = {one.dataset.name: one for one in logged.inputs.dataset_inputs}
    assert set(inputs) == {"authored", "held_out"}
    assert all(len(one.dataset.digest) >= 32 for one in inputs.values())


def test_pictures_and_documents_are_there(client: MlflowClient) -> None:
    logged = min(finished(client), key=lambda one: one.info.start_time)
    names = {one.path for one in client.list_artifacts(logged.info.run_id)}
    pictures = {
        "confusion.png",
        "per_class.png",
        "reliability.png",
        "precision_recall.png",
        "scores.png",
        "top_words.png",
    }
    documents = {"config.yaml", "environment.txt", "corpora.json", "predictions.csv", "trained_on.csv", "card.md"}
    assert pictures | documents | {"folds.png", "summary.txt"} <= names


def test_ui_has_what_a_newcomer_looks_for(client: MlflowClient) -> None:
    logged = min(finished(client), key=lambda one: one.info.start_time)
    tags = logged.data.tags
    assert {"codebook", "corpora", "features", "classifier", "model", "git.commit", "git.dirty"} <= set(tags)
    assert "| figure | held out |" in tags["mlflow.note.content"]
    assert "escalation compare" in client.get_experiment_by_name("ladder").tags["mlflow.note.content"]
    assert "rollback" in client.get_registered_model("escalation").description
    assert {"model_mb", "example_ms", "sentences_per_second"} <= set(logged.data.metrics)


def test_first_model_is_champion_and_an_equal_one_is_not_registered(trained: Path, client: MlflowClient) -> None:
    before = client.get_model_version_by_alias("escalation", "champion").version
    again = run(trained, "train.py")
    assert again.returncode == 0, again.stderr
    assert "not registered" in again.stdout
    assert client.get_model_version_by_alias("escalation", "champion").version == before


def test_same_seed_gives_the_same_metrics(client: MlflowClient, trained: Path) -> None:
    runs = [one for one in finished(client) if one.data.tags.get("experiment") == "baseline"]
    assert len(runs) >= 2
    first, second = (one.data.metrics for one in runs[:2])
    same = [name for name in first if name.startswith(("cv.", "heldout.", "fold."))]
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


def test_no_pickle_is_written(trained: Path) -> None:
    assert not [path for path in (trained / "mlartifacts").rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert list((trained / "mlartifacts").rglob("model.skops"))


def test_leaderboard_names_the_champion(trained: Path) -> None:
    done = run(trained, "escalation", "leaderboard")
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if "baseline" in line)
    assert "champion" in row
    assert "[" in row
    none = run(trained, "escalation", "leaderboard", "--codebook", "root")
    assert none.returncode == 2


def test_exported_model_scores_alone_in_a_clean_process(trained: Path, article: Path, tmp_path: Path) -> None:
    """MLflow loads it with the package's own source out of reach: the code comes with the model."""
    program = (
        "import sys\n"
        "sys.path[:] = [one for one in sys.path if not one.rstrip('/').endswith('/src')]\n"
        "sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in str(one)]\n"
        "import mlflow, json\n"
        "model = mlflow.pyfunc.load_model('models:/escalation@champion')\n"
        "scores = model.predict([open(sys.argv[1], encoding='utf-8').read(), 'The choir sang. The hall was full.'])\n"
        "import escalation\n"
        "print(json.dumps({'from': escalation.__file__, 'scores': scores}))\n"
    )
    uri = f"sqlite:///{trained / 'mlflow.db'}"
    done = subprocess.run(
        [sys.executable, "-c", program, str(article)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(trained, MLFLOW_TRACKING_URI=uri, PYTHONPATH=""),
    )
    assert done.returncode == 0, done.stderr
    import json

    answer = json.loads(done.stdout.splitlines()[-1])
    assert str(ROOT / "src") not in answer["from"]
    assert len(answer["scores"]) == 2
    assert answer["scores"][0]["escalation"] > answer["scores"][1]["escalation"]
    assert {"escalation", "level", "interval", "sentences", "drivers", "model"} <= set(answer["scores"][0])
