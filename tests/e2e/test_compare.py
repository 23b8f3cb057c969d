"""Comparing runs and choosing a champion: a worse model is refused for its own reason, and every choice can be taken back."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import ROOT, json_of, one_line_error, run
from mlflow.tracking import MlflowClient

from escalation.comparison.page import page

CORPUS = {
    "description": "Rows of the authored corpus, for tests.",
    "reader": "escalation.corpora.readers.table",
    "columns": {"text": "text", "id": "id", "document": "group"},
    "labels": {"ladder": "ladder"},
    "licence": "Apache-2.0",
    "citation": "The authors of escalation-risk",
}


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpora made of the authored one, and features that are quick.

    `kept`, half of it, is what rows are held out from; `rest` is the other half, and in `worse` a tenth of all labels are
    shuffled, all of them in that other half.
    """
    folder = tmp_path_factory.mktemp("configs")
    (folder / "corpus").mkdir()
    (folder / "features").mkdir()
    frames = [pd.read_json(path, lines=True) for path in sorted((ROOT / "data" / "authored").glob("*.jsonl"))]
    rows = pd.concat(frames, ignore_index=True)[["id", "text", "ladder", "group"]]
    rows["group"] = rows["group"].fillna(rows["id"])
    first = rows["group"].map(lambda name: hashlib.sha256(name.encode()).digest()[0] % 2 == 0)
    kept, rest = rows[first], rows[~first].reset_index(drop=True)
    worse, draw = rest.copy(), np.random.default_rng(0)
    chosen = draw.choice(len(rest), len(rows) // 10, replace=False)
    worse.loc[chosen, "ladder"] = draw.permutation(worse.loc[chosen, "ladder"].to_numpy())
    for name, frame in (("kept", kept), ("rest", rest), ("worse", worse)):
        path = folder / f"{name}.jsonl"
        frame.to_json(path, orient="records", lines=True)
        spec = yaml.safe_dump({**CORPUS, "name": name, "path": str(path)})
        (folder / "corpus" / f"{name}.yaml").write_text(f"# @package corpora.{name}\n{spec}", encoding="utf-8")
    features = yaml.safe_load((ROOT / "configs" / "features" / "tfidf.yaml").read_text(encoding="utf-8"))
    (folder / "features" / "words.yaml").write_text(
        yaml.safe_dump(features["transformer_list"][0][1]), encoding="utf-8"
    )
    return folder


def train(home: Path, configs: Path, name: str, *words: str) -> str:
    """A training on the corpora above; what it printed."""
    common = [
        "classifier=logreg",
        "folds=0",
        "calibration_folds=2",
        "resamples=100",
        f"hydra.searchpath=[file://{configs}]",
    ]
    done = run(home, "train.py", f"name={name}", *common, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def summaries(tmp_path_factory: pytest.TempPathFactory, configs: Path) -> dict[str, str]:
    """A store with a champion and one that wants to be: what each training printed, and the home."""
    home = tmp_path_factory.mktemp("compared")
    held = ["holdout_from=[kept]", "holdout=0.5"]
    return {
        "home": str(home),
        "good": train(home, configs, "good", "corpus=[kept,rest]", *held),
        "worse": train(home, configs, "worse", "corpus=[kept,worse]", *held),
    }


@pytest.fixture(scope="module")
def compared(summaries: dict[str, str]) -> Path:
    return Path(summaries["home"])


@pytest.fixture(scope="module")
def client(compared: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{compared / 'mlflow.db'}")


def champion(client: MlflowClient) -> str:
    return str(client.get_model_version_by_alias("escalation", "champion").version)


def failing(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Names of the checks that a printed table says fail."""
    return [re.split(r" {2,}", line)[1] for line in done.stdout.splitlines() if line.startswith("FAIL")]


def test_training_keeps_a_worse_model_out(summaries: dict[str, str], client: MlflowClient) -> None:
    assert "registered as version 1, alias champion: the first" in summaries["good"]
    assert "not registered: version 1 (champion) has qwk" in summaries["worse"]
    assert champion(client) == "1"


def test_a_training_competes_for_the_alias_that_it_names(compared: Path, configs: Path, client: MlflowClient) -> None:
    said = train(compared, configs, "quick", "corpus=[kept,rest]", "holdout_from=[kept]", "holdout=0.5", "alias=batch")
    assert "alias batch: the first" in said
    assert "next   escalation score article.txt --model models:/escalation@batch" in said
    assert champion(client) == "1"
    wrong = run(compared, "train.py", "alias=champion-penta")
    assert "codebook ladder has the alias champion, not champion-penta" in one_line_error(wrong)


def test_shuffled_labels_are_refused_by_the_held_out_rows(compared: Path, client: MlflowClient) -> None:
    done = run(compared, "escalation", "promote", "worse")
    assert "held out, qwk against version 1 (champion)" in failing(done)
    assert "behaviour: negation" not in failing(done)
    assert "held out, qwk" in one_line_error(done)
    assert champion(client) == "1"


def test_a_model_that_fails_negation_is_refused_by_behaviour_alone(trained: Path) -> None:
    """N-grams without word lists: better on held-out rows than the default, worse where a sentence denies something."""
    done = run(trained, "train.py", "experiment=ladder_tfidf", "folds=0")
    assert done.returncode == 0, done.stderr
    assert "not registered: behaviour" in done.stdout
    promoted = run(trained, "escalation", "promote", "ladder_tfidf")
    assert "behaviour: negation" in failing(promoted)
    assert all(name.startswith("behaviour") for name in failing(promoted))
    assert "behaviour: negation" in one_line_error(promoted)


def test_a_good_champion_passes_its_own_gate(trained: Path) -> None:
    done = run(trained, "escalation", "promote", "champion", "--json")
    checks = {one["name"]: one["passed"] for one in json_of(done)["checks"]}
    assert set(checks) >= {
        "trained on all rows",
        "calibration error (ECE)",
        "behaviour: negation",
        "entity swap, mean spread",
        "loads in a clean process",
        "processor time for the example",
    }
    assert all(checks.values())


def test_compare_as_json_adds_up(compared: Path, client: MlflowClient) -> None:
    found = json_of(run(compared, "escalation", "compare", "good", "worse", "--json"))
    figures = {one["name"]: one for one in found["figures"]}
    runs = [client.get_run(found["runs"][place]["id"]).data.metrics for place in ("first", "second")]
    for name in ("qwk", "mae", "macro_f1", "accuracy", "ece"):
        assert figures[name]["first"] == pytest.approx(runs[0][f"heldout.{name}"], abs=2e-3)
        assert figures[name]["second"] == pytest.approx(runs[1][f"heldout.{name}"], abs=2e-3)
    low, high = figures["qwk"]["interval"]
    assert low < figures["qwk"]["difference"] < high
    counts = found["flips"]["counts"]
    assert counts["mended"] == found["mcnemar"]["only_second"]
    assert counts["broken"] == found["mcnemar"]["only_first"]
    assert sum(counts.values()) == len(found["flips"]["rows"])
    assert sum(one for one, _ in found["distances"]) == sum(two for _, two in found["distances"]) == found["n"]
    assert sum(one["support"] for one in found["per_class"]) == found["n"]
    assert all(row["text"] and row["source"] == "kept" for row in found["flips"]["rows"])
    behaviour = found["behaviour"]
    moved = sum(one["second"] - one["first"] for one in behaviour["kinds"])
    assert moved == len(behaviour["mended"]) - len(behaviour["broken"])
    assert all(one["first"] > 0 and one["second"] > 0 for one in found["cost"])


def test_compare_the_other_way_round_is_the_mirror_image(compared: Path) -> None:
    one, two = (
        json_of(run(compared, "escalation", "compare", *names, "--json"))
        for names in (("champion", "worse"), ("worse", "champion"))
    )
    for there, back in zip(one["figures"], two["figures"], strict=True):
        assert there["difference"] == pytest.approx(-back["difference"])
        assert there["decided"] == back["decided"]
    assert one["flips"]["counts"]["mended"] == two["flips"]["counts"]["broken"]


def test_compare_for_people(compared: Path, tmp_path: Path) -> None:
    narrow = run(compared, "escalation", "compare", "good", "worse", COLUMNS="80")
    assert narrow.returncode == 0, narrow.stderr
    table = narrow.stdout.partition("McNemar")[0]
    assert "quadratic weighted kappa" in table
    assert "…" not in table
    assert max(map(len, narrow.stdout.splitlines())) <= 80
    target = tmp_path / "out" / "page.html"
    done = run(compared, "escalation", "compare", "good", "worse", "--html", str(target))
    assert done.returncode == 0, done.stderr
    text = target.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|src=|url\(|@import|http", text)
    for part in (
        "95 %",
        "McNemar",
        "deescalation",
        "Behaviour",
        "Speed and size",
        "right before, wrong now",
        "negation",
    ):
        assert part in text


def test_page_of_documents_too_few_for_an_interval(compared: Path) -> None:
    found = json_of(run(compared, "escalation", "compare", "good", "worse", "--json"))
    few = {**found, "figures": [{**one, "interval": None, "decided": False} for one in found["figures"]]}
    assert "quadratic weighted kappa" in page(few)


def test_force_is_logged_and_rolled_back(compared: Path, client: MlflowClient) -> None:
    assert "reason" in one_line_error(run(compared, "escalation", "promote", "worse", "--force", " "))
    done = run(compared, "escalation", "promote", "worse", "--force", "the editors asked for it")
    assert done.returncode == 0, done.stderr
    assert "held out" in done.stderr
    version = client.get_model_version_by_alias("escalation", "champion")
    assert version.tags["forced"] == "the editors asked for it"
    assert "held out" in version.tags["forced.checks"]
    assert client.get_run(version.run_id).data.tags["forced"] == "the editors asked for it"
    with_card = client.download_artifacts(version.run_id, "card.md", str(compared))
    shown = version.description.splitlines()  # as the card, with pictures that only MLflow's UI can show
    assert [line for line in shown if "get-artifact" not in line and line] == [
        line for line in Path(with_card).read_text(encoding="utf-8").splitlines() if line
    ]
    back = run(compared, "escalation", "rollback")
    assert back.returncode == 0, back.stderr
    assert "version 1 again" in back.stdout
    assert champion(client) == "1"
    assert "rolled_back" in client.get_model_version("escalation", version.version).tags
    assert "no version before 1" in one_line_error(run(compared, "escalation", "rollback"))
    assert "names no version" in one_line_error(run(compared, "escalation", "rollback", "--alias", "champion-root"))


def test_card_says_what_a_reader_of_a_model_needs(compared: Path, client: MlflowClient) -> None:
    text = client.get_model_version_by_alias("escalation", "champion").description
    for part in (
        "## Intended use",
        "## Figures",
        "quadratic weighted kappa",
        "## Behaviour",
        "## Data",
        "| kept |",
        "## Limits",
        "How to cite",
    ):
        assert part in text
    assert len(text) <= 5000


def test_other_held_out_rows(configs: Path, compared: Path, home: Path) -> None:
    """A run with other held-out rows is measured against the champion on those that the champion did not learn from."""
    home.mkdir()
    shutil.copy(compared / "mlflow.db", home / "mlflow.db")  # whether it gets promoted is nothing to the other tests
    held = ["holdout_from=[kept]", "holdout=0.5", "holdout_seed=7", "register=false"]
    train(home, configs, "other", "corpus=[kept,rest]", *held)
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ladder").experiment_id
    learnt, held_out = {}, {}
    for name in ("good", "other"):
        (logged,) = client.search_runs([experiment], f"tags.experiment = '{name}'")
        read = {
            path: pd.read_csv(client.download_artifacts(logged.info.run_id, path, str(home)), dtype=str)
            for path in ("predictions.csv", "trained_on.csv")
        }
        learnt[name], held_out[name] = set(read["trained_on.csv"]["document"]), set(read["predictions.csv"]["id"])
    rows = pd.read_json(configs / "kept.jsonl", lines=True)
    both = rows[rows["id"].isin(held_out["other"]) & ~rows["group"].isin(learnt["good"])]
    found = run(home, "escalation", "promote", "other", "--json")
    checks = {one["name"]: one for one in json.loads(found.stdout)["checks"]}
    compared_rows = int(checks["held-out rows compared"]["value"])
    assert 50 < compared_rows <= len(both) < len(held_out["other"])
    assert compared_rows == pytest.approx(len(both), abs=20)  # a text that stands in two documents goes too
    assert re.search(r"= [+-]\d\.\d{3} \[", checks["held out, qwk against version 1 (champion)"]["value"])
    line = one_line_error(run(home, "escalation", "compare", "good", "other"))
    assert "held-out set" in line
    assert "holdout_seed" in line


def test_champion_that_held_none_out_is_compared_by_its_cross_validation(configs: Path, home: Path) -> None:
    """It learnt from every row, so it cannot be asked now."""
    assert "the first" in train(home, configs, "whole", "corpus=[kept]", "holdout=0", "folds=2")
    told = train(home, configs, "part", "corpus=[kept]")
    assert "learnt from every" not in told
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ladder").experiment_id
    (part,) = client.search_runs([experiment], "tags.experiment = 'part'")
    held_out = pd.read_csv(client.download_artifacts(part.info.run_id, "predictions.csv", str(home)), dtype=str)
    checks = {
        one["name"]: one for one in json.loads(run(home, "escalation", "promote", "part", "--json").stdout)["checks"]
    }
    assert int(checks["held-out rows compared"]["value"]) == len(held_out)
    (whole,) = client.search_runs([experiment], "tags.experiment = 'whole'")
    card = Path(client.download_artifacts(whole.info.run_id, "card.md", str(home))).read_text(encoding="utf-8")
    assert "answered in cross-validation" in card
    assert "| held out |" not in card


def test_rollback_when_the_champion_was_deleted(compared: Path, home: Path) -> None:
    home.mkdir()
    shutil.copy(compared / "mlflow.db", home / "mlflow.db")
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    assert run(home, "escalation", "promote", "worse", "--force", "to be deleted").returncode == 0
    client.delete_model_version("escalation", champion(client))
    back = run(home, "escalation", "rollback")
    assert back.returncode == 0, back.stderr
    assert champion(client) == "1"


@pytest.mark.parametrize("alias", ["latest", "v2", "a b"])
def test_alias_that_mlflow_would_refuse_is_refused_before_the_work(compared: Path, alias: str) -> None:
    assert "is none that MLflow takes" in one_line_error(run(compared, "train.py", f"alias='{alias}'"))
    assert "is none that MLflow takes" in one_line_error(
        run(compared, "escalation", "promote", "good", "--alias", alias)
    )


def test_address_of_the_store_that_is_relative_is_of_the_folder_where_it_was_given(compared: Path) -> None:
    """The gate's clean process works in another folder."""
    done = run(
        compared,
        "escalation",
        "promote",
        "good",
        MLFLOW_TRACKING_URI=f"sqlite:///{os.path.relpath(compared / 'mlflow.db', ROOT)}",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trial_is_never_champion(configs: Path, home: Path) -> None:
    told = train(home, configs, "trial", "corpus=[kept]", "rows=200")
    assert "not registered: a trial" in told
    assert failing(run(home, "escalation", "promote", "trial"))[0] == "trained on all rows"
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    assert not client.search_registered_models()
    assert "champion" in one_line_error(run(home, "escalation", "score", "docs/example.txt"))
    assert train(home, configs, "events", "codebook=root", "corpus=authored", "rows=200")
    line = one_line_error(run(home, "escalation", "compare", "trial", "events"))
    assert "ladder" in line
    assert "root" in line
    assert "champion-root" in one_line_error(run(home, "escalation", "promote", "events", "--alias", "champion"))


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "RUNNING"])
def test_a_run_that_did_not_finish(compared: Path, client: MlflowClient, status: str) -> None:
    experiment = client.get_experiment_by_name("ladder").experiment_id
    broken = client.create_run(experiment, run_name=f"broken {status}", tags={"codebook": "ladder"}).info.run_id
    if status != "RUNNING":
        client.set_terminated(broken, status)
    for words in (["promote", broken[:12]], ["compare", "good", broken], ["promote", broken, "--force", "because"]):
        assert status.lower() in one_line_error(run(compared, "escalation", *words))


def test_a_run_that_is_not_there_or_is_no_run_of_ours(compared: Path, client: MlflowClient) -> None:
    line = one_line_error(run(compared, "escalation", "compare", "good", "nobody"))
    assert "nobody" in line
    assert "worse" in line
    assert "two runs" in one_line_error(run(compared, "escalation", "compare", "good", "champion"))
    experiment = client.get_experiment_by_name("ladder").experiment_id
    for name, tags, said in (
        ("old", {"codebook": "ladder"}, "older version"),
        ("old too", {"codebook": "ladder", "held_out": "0" * 64}, "older version"),
        ("a sweep", {"kind": "sweep", "best.run": "abc"}, "best is abc"),
    ):
        made = client.create_run(experiment, run_name=name, tags=tags).info.run_id
        client.set_terminated(made)
        assert said in one_line_error(run(compared, "escalation", "compare", "good", made))


def test_a_broken_gate_says_which_line(compared: Path, tmp_path: Path) -> None:
    """The gate of the checkout that the command runs in."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").write_text("{}", encoding="utf-8")
    gate = yaml.safe_load((ROOT / "configs" / "gate.yaml").read_text(encoding="utf-8"))
    (tmp_path / "configs" / "gate.yaml").write_text(yaml.safe_dump({**gate, "ece": "low"}), encoding="utf-8")
    assert "ece is 'low'" in one_line_error(run(compared, "escalation", "promote", "worse", cwd=tmp_path))


def test_a_store_of_another_version(compared: Path, home: Path) -> None:
    home.mkdir()
    shutil.copy(compared / "mlflow.db", home / "mlflow.db")
    with sqlite3.connect(home / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    line = one_line_error(run(home, "escalation", "compare", "good", "worse"))
    assert "mlflow db upgrade" in line
    assert "back it up" in line
