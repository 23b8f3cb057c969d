"""MLflow's UI on our store: a newcomer finds what there is to see, through the addresses that the UI itself asks."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import ROOT, environment, one_line_error, run

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ui(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the UI, and what the command said in ui.log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("ui") / "ui.log"
    command = [str(Path(sys.executable).with_name("escalation")), "ui", "--port", str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment(trained), stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 240
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        assert f"http://127.0.0.1:{port}/#/experiments/" in log.read_text(encoding="utf-8")
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


@pytest.fixture(scope="module")
def ask(ui: str) -> Ask:
    """A question as the UI asks it, and the answer."""

    def asked(path: str, content: Any = None, **query: Any) -> Any:
        address = f"{ui}{path}" + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            body = answer.read()
            return json.loads(body) if "json" in answer.headers["Content-Type"] else body

    return asked


@pytest.fixture(scope="module")
def ladder(ask: Ask) -> dict[str, Any]:
    found = ask("ajax-api/2.0/mlflow/experiments/search", {"max_results": 25, "view_type": "ACTIVE_ONLY"})
    (one,) = [one for one in found["experiments"] if one["name"] == "ladder"]
    return {**one, "tags": {tag["key"]: tag["value"] for tag in one["tags"]}}


@pytest.fixture(scope="module")
def champion(ask: Ask) -> str:
    """Id of the run whose model is champion; other tests train more in this store."""
    found = ask("ajax-api/2.0/mlflow/registered-models/alias", name="escalation", alias="champion")
    return str(found["model_version"]["run_id"])


def named(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in entries}


def test_experiment_says_what_it_is_and_where_its_runs_are(ladder: dict[str, Any]) -> None:
    assert ladder["tags"]["mlflow.experimentKind"] == "custom_model_development"
    note = ladder["tags"]["mlflow.note.content"]
    assert "How far up the ladder" in note
    assert "quadratic weighted kappa" in note
    assert f"#/experiments/{ladder['experiment_id']}/runs?" in note


def test_every_column_of_the_view_has_something_in_it(ladder: dict[str, Any], champion: str, ask: Ask) -> None:
    view = json.loads(ladder["tags"]["mlflow.sharedViewState.overview"])
    order = f"{view['orderByKey']} {'ASC' if view['orderByAsc'] else 'DESC'}"
    question = {"experiment_ids": [ladder["experiment_id"]], "order_by": [order], "max_results": 100}
    runs = ask("ajax-api/2.0/mlflow/runs/search", question)["runs"]
    values = [named(one["data"]["metrics"])["heldout.qwk"] for one in runs if one["info"]["status"] == "FINISHED"]
    assert values == sorted(values, reverse=True)
    (one,) = [one for one in runs if one["info"]["run_id"] == champion]
    there = {kind: named(one["data"][kind]) for kind in ("metrics", "tags")}
    for column in view["selectedColumns"]:
        kind, _, name = column.partition(".")
        if kind != "attributes" and name != "`real_test.qwk`":  # only measured where the corpora are
            assert str(there[kind][name.strip("`")]) != "", column
    assert there["tags"]["git.dirty"] in ("true", "false")
    inputs = {entry["dataset"]["name"]: named(entry["tags"]) for entry in one["inputs"]["dataset_inputs"]}
    assert inputs["authored"] == {"mlflow.data.context": "training"}
    assert inputs["held_out"] == {"mlflow.data.context": "held-out"}


def test_run_page_asks_for_the_same(champion: str, ask: Ask) -> None:
    """The page of a run asks by GraphQL."""
    query = (
        "query GetRun($data: MlflowGetRunInput!) { mlflowGetRun(input: $data) { apiError { message } run { "
        "info { runName status } data { tags { key value } metrics { key value } params { key value } } "
        "inputs { datasetInputs { dataset { name digest } } } modelVersions { name version } } } }"
    )
    told = ask("graphql", {"operationName": "GetRun", "variables": {"data": {"runId": champion}}, "query": query})
    one = told["data"]["mlflowGetRun"]["run"]
    assert one["info"] == {"runName": "baseline seed=1", "status": "FINISHED"}
    assert [each["name"] for each in one["modelVersions"]] == ["escalation"]
    assert named(one["data"]["params"])["features"] == "union"
    metrics = named(one["data"]["metrics"])
    system = {name for name in metrics if name.startswith("system/")}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= system
    note = named(one["data"]["tags"])["mlflow.note.content"]
    assert "| figure | held out |" in note
    for path in ("confusion.png", "reliability.png"):
        address = f"get-artifact?run_uuid={champion}&path={path}"
        assert f"({address})" in note
        assert ask(address).startswith(b"\x89PNG")


def test_registered_version_carries_its_card(champion: str, ask: Ask) -> None:
    version = ask("ajax-api/2.0/mlflow/registered-models/alias", name="escalation", alias="champion")["model_version"]
    card = version["description"]
    assert card.startswith("# baseline, codebook ladder")
    for part in ("Intended use", "Figures", "Behaviour", "Data", "Limits", "How to cite"):
        assert f"\n## {part}\n" in card, part
    assert f"get-artifact?run_uuid={champion}&path=confusion.png" in card


def test_folds_are_steps(champion: str, ask: Ask) -> None:
    found = ask("ajax-api/2.0/mlflow/metrics/get-history-bulk", run_id=[champion], metric_key="fold.qwk")
    assert [one["step"] for one in found["metrics"]] == [0, 1, 2, 3, 4]


def test_a_store_that_is_a_server_is_opened_there(home: Path) -> None:
    line = one_line_error(run(home, "escalation", "ui", MLFLOW_TRACKING_URI="http://127.0.0.1:9"))
    assert "http://127.0.0.1:9" in line
