"""dvc.yaml: stages depend on what they read and on nothing else, and a training of linear models repeats to the last byte."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ROOT, environment, json_of, one_line_error, run
from dvc.repo import Repo
from hydra import compose, initialize_config_dir

from escalation.configuration import codebooks
from escalation.settings import Settings

# What no metric depends on: names, and where things are put.
NOT_TRAINING = {"name", "report", "export", "register", "alias", "unlabelled_rows"}
WITH_MODULES = (
    "import atexit, json, runpy, sys\n"
    "from pathlib import Path\n"
    "out = sys.argv.pop(1)\n"
    "def note():\n"
    "    loaded = [getattr(one, '__file__', None) for name, one in sys.modules.items() if name.startswith('escalation')]\n"
    "    Path(out).write_text(json.dumps([path for path in loaded if path]))\n"
    "atexit.register(note)\n"
    "sys.argv[0] = 'train.py'\n"
    "sys.path.insert(0, '')\n"
    "runpy.run_path('train.py', run_name='__main__')\n"
)


@pytest.fixture(scope="module")
def stages() -> dict[str, Any]:
    """Every stage of dvc.yaml, as DVC understands it."""
    return {stage.name: stage for stage in Repo(str(ROOT)).index.stages}


def named(stages: dict[str, Any], word: str) -> dict[str, Any]:
    """Stages whose command has the word, by the experiment or corpus that follows it."""
    return {stage.cmd.split(word)[1].split()[0]: stage for stage in stages.values() if stage.cmd and word in stage.cmd}


def params(stage: Any) -> dict[str, list[str]]:
    return {dep.def_path: dep.params for dep in stage.deps if type(dep).__name__ == "ParamsDependency"}


def files(stage: Any) -> set[str]:
    return {dep.def_path for dep in stage.deps if type(dep).__name__ != "ParamsDependency"}


def code(stage: Any, stages: dict[str, Any], folder: Path) -> set[str]:
    """Paths of the modules that the stage's code file lists, made anew."""
    (listed,) = [path for path in files(stage) if path.startswith("data/cards/code/")]
    (maker,) = [one for one in stages.values() if listed in [out.def_path for out in one.outs]]
    program, script, out, *modules = maker.cmd.split()
    assert (program, out) == ("python", listed)
    made = folder / "code.json"
    subprocess.run([sys.executable, script, str(made), *modules], cwd=ROOT, check=True)
    return set(json.loads(made.read_text()))


def targets(node: Any) -> set[str]:
    """Modules of ours that a configuration names by `_target_` or `reader`."""
    if isinstance(node, dict):
        own = {node[key].rpartition(".")[0] for key in ("_target_", "reader") if key in node}
        return own.union(*map(targets, node.values()))
    return set().union(*map(targets, node)) if isinstance(node, list) else set()


def test_training_depends_on_what_it_is_made_of(stages: dict[str, Any], tmp_path: Path) -> None:
    trained = named(stages, "train.py experiment=")
    assert len(trained) >= 11
    for experiment, stage in trained.items():
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            config = compose("train", [f"experiment={experiment}"], return_hydra_config=True)
        choices = config.hydra.runtime.choices
        chosen = (ROOT / "configs" / "features" / f"{choices['features']}.yaml").read_text(encoding="utf-8")
        parts = [str(one).partition("@")[0] for one in yaml.safe_load(chosen).get("defaults", []) if "@" in str(one)]
        wanted = {f"configs/{group}/{choices[group]}.yaml" for group in ("features", "classifier", "model")}
        wanted |= {f"configs/features/{part}.yaml" for part in parts}
        wanted |= {f"configs/codebook/{book.name}.yaml" for chain in codebooks(config) for book in chain}
        wanted |= {f"configs/experiment/{experiment}.yaml", "configs/train.yaml"}
        assert set(params(stage)) == wanted, experiment
        settings = (set(Settings.__dataclass_fields__) | {"heads", "tests"}) - NOT_TRAINING
        assert set(params(stage)["configs/train.yaml"]) == settings
        cards = {f"data/cards/{name}.json" for name in [*config.corpora, *config.tests]}
        vectors = {"data/cards/vectors.json"} if choices["features"] == "sentence" else set()
        assert {path for path in files(stage) if path.startswith("data/cards/") and "/code/" not in path} == (
            cards | vectors
        ), experiment
        assert ("data/behaviour" in files(stage)) == (choices["codebook"] == "ladder")
        from omegaconf import OmegaConf

        plain = [OmegaConf.to_container(config[key], resolve=True) for key in ("features", "classifier", "model")]
        plain += [OmegaConf.to_container(config.corpora, resolve=True)]
        ours = {name for name in targets(plain) if name.startswith("escalation")}
        covered = code(stage, stages, tmp_path)
        assert {f"src/{name.replace('.', '/')}.py" for name in ours} <= covered, experiment
        if "escalation.features.lexicon" in ours:
            assert "src/escalation/features/lexicons" in files(stage)
        assert not [path for path in covered if "/serving/" in path or "/cli" in path or "/commands/" in path]


def test_every_model_is_evaluated_and_its_cost_measured(stages: dict[str, Any]) -> None:
    models = {f"data/models/{experiment}" for experiment in named(stages, "train.py experiment=")}
    assert set(named(stages, "--model ")) == models
    assert models <= files(stages["benchmark"])
    for stage in stages.values():
        for word in ("escalation evaluate ", "escalation prepare "):
            if stage.cmd.startswith(word):
                corpus = stage.cmd.removeprefix(word).split()[0]
                card = f"data/cards/{corpus}.json"
                assert card in files(stage) | {out.def_path for out in stage.outs}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders that one training filled, under another hash seed and another number of threads each."""
    home = tmp_path_factory.mktemp("home")
    folders = []
    for threads in (1, 2):
        folder = tmp_path_factory.mktemp("trained")
        words = [
            "experiment=baseline",
            "classifier=logreg",
            "rows=300",
            "folds=2",
            "calibration_folds=2",
            "resamples=100",
        ]
        where = [f"report={folder / 'report'}", f"export={folder / 'model'}"]
        done = subprocess.run(
            [sys.executable, "-c", WITH_MODULES, str(folder / "modules.json"), *words, *where],
            cwd=ROOT,
            env=environment(
                home, PYTHONHASHSEED=str(threads), OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads)
            ),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    return folders


def test_same_commit_same_bytes(twice: list[Path]) -> None:
    first, second = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for part in ("report", "model")
            for path in (folder / part).rglob("*")
        }
        for folder in twice
    )
    assert {"report/metrics.json", "report/labels.csv", "model/model.skops", "model/model.json"} <= set(first)
    assert set(first) == set(second)
    assert [path for path in first if first[path] != second[path]] == []


def test_training_imports_nothing_that_no_stage_depends_on(
    twice: list[Path], stages: dict[str, Any], tmp_path: Path
) -> None:
    loaded = {Path(path).relative_to(ROOT).as_posix() for path in json.loads((twice[0] / "modules.json").read_text())}
    assert {"src/escalation/training.py", "src/escalation/features/lexicon.py"} <= loaded
    assert loaded - code(stages["train@baseline"], stages, tmp_path) == set()


def test_model_in_a_folder_is_evaluated_on_what_it_has_not_learnt(
    twice: list[Path], home: Path, tmp_path: Path
) -> None:
    model, out = twice[0] / "model", tmp_path / "authored.json"
    words = ["escalation", "evaluate", "authored", "--model", str(model), "--metrics", str(out), "--json"]
    found = json_of(run(home, *words))
    learnt = len((model / "trained_on.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert found["left_out"] >= learnt > 100
    rows = sum(
        len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "data" / "authored").glob("*.jsonl")
    )
    assert found["n"] + found["left_out"] == rows
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert kept == {key: value for key, value in found.items() if key not in ("seconds", "texts_per_second", "model")}
    score = json_of(run(home, "escalation", "score", "docs/example.txt", "--model", str(model), "--json"))
    assert score["escalation"] > 0


def test_export_deletes_nothing_but_a_model(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "letters" / "dear.txt"
    kept.parent.mkdir()
    kept.write_text("Dear …", encoding="utf-8")
    done = run(home, "train.py", "rows=200", f"export={kept.parent}")
    assert "name a new folder" in one_line_error(done)
    assert kept.is_file()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which every stage counts as done; what trainings would have made are stand-ins."""
    folder = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "data/cards/")) and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for stage in Repo(str(folder)).index.stages:
        for out in stage.outs:
            path = folder / out.def_path
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"made": out.def_path}), encoding="utf-8")
    dvc(folder, "commit", "--force", "--quiet")
    quick = [one.name for one in Repo(str(folder)).index.stages if one.name.startswith("code@")]
    dvc(folder, "repro", "--quiet", "--single-item", "--force", *quick, "prepare@authored")  # the tests are about these
    dvc(folder, "commit", "--force", "--quiet")
    return folder


def dvc(folder: Path, *words: str) -> str:
    """A command of DVC in a copy of the checkout, with the environment's programs first."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = environment(folder, PATH=programs, PYTHONPATH=str(folder / "src"), DVC_NO_ANALYTICS="true")
    done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stale(folder: Path) -> set[str]:
    """Stages that would run now."""
    return set(json.loads(dvc(folder, "status", "--json")))


def spent(command: Callable[[], str]) -> tuple[str, float]:
    """What a command says, and the processor's seconds for it: other work does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = command()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_nothing_changed_and_nothing_runs_quickly(copy: Path) -> None:
    assert stale(copy) == set()
    _, looking = spent(lambda: dvc(copy, "status"))
    told, seconds = spent(lambda: dvc(copy, "repro"))
    assert "Running stage" not in told
    assert seconds < max(3, 2 * looking), looking  # where mere looking is slow, the machine is


def test_changed_corpus_reaches_what_depends_on_it_and_nothing_else(copy: Path, stages: dict[str, Any]) -> None:
    path = copy / "data" / "authored" / "asia.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text("".join(whole.splitlines(keepends=True)[1:]), encoding="utf-8")
    assert stale(copy) == {"prepare@authored"}
    dvc(copy, "repro", "--single-item", "prepare@authored")
    users = {name for name, stage in stages.items() if "data/cards/authored.json" in files(stage)}
    assert stale(copy) == users
    assert {"train@baseline", "train_events", "featurize"} <= users
    assert not {"train_event@plv_tfidf", "train_event@cameo_tfidf", "evaluate_events@plv_svc"} & users
    path.write_text(whole, encoding="utf-8")
    dvc(copy, "repro", "--single-item", "prepare@authored")
    assert stale(copy) == set()


def test_changed_page_or_service_trains_nothing_again(copy: Path) -> None:
    path = copy / "src" / "escalation" / "serving" / "app.py"
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    made = {one for one in stale(copy) if one.startswith("code@")}
    assert made == stale(copy) != set()
    dvc(copy, "repro", "--single-item", *sorted(made))
    assert stale(copy) == set()


def test_changed_parameter_is_shown_and_reaches_its_experiments(copy: Path) -> None:
    path = copy / "configs" / "classifier" / "svc.yaml"
    whole = path.read_text(encoding="utf-8")
    path.write_text("# another remark\n" + whole, encoding="utf-8")
    assert stale(copy) == set()
    path.write_text(whole.replace("C: 0.1", "C: 0.3"), encoding="utf-8")
    assert stale(copy) == {"train@baseline"}
    path.write_text(whole, encoding="utf-8")


def test_make_installs_dvc_where_it_is_missing(copy: Path) -> None:
    told = subprocess.run(["make", "-n", "pipeline"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert "'.[pipeline]'" in told
    assert told.index("'.[pipeline]'") < told.index("dvc repro")
