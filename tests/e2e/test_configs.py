"""Every config can be instantiated, and every experiment runs on a shrunken corpus."""

from pathlib import Path

import pytest
import yaml
from commands import MIRROR, ROOT, run
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from escalation import configuration, training
from escalation.corpora.catalogue import CorpusSpec
from hydra_plugins.escalation_sweeps.sweepers import _axis

CONFIGS = ROOT / "configs"


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / folder).glob("*.yaml"))


def composed(*overrides: str):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("train", overrides=["name=test", *overrides])


@pytest.mark.parametrize("features", names("features"))
@pytest.mark.parametrize("classifier", names("classifier"))
def test_every_feature_set_goes_with_every_classifier(
    features: str, classifier: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    content = (CONFIGS / "features" / f"{features}.yaml").read_text(encoding="utf-8")
    alone = ["features"] if "\npretrained:" in content else []
    parts = [f"parts.{one}" for one in ("sentence", "static") if f"  - {one}@" in content]
    config = composed(
        f"features={features}",
        f"classifier={classifier}",
        *(f"{place}.pretrained={tiny}" for place in (*alone, *parts)),
    )
    model = configuration.model(config)
    training.check(model, configuration.codebooks(config), configuration.settings(config))
    texts = [f"Troops fired at town {i}." for i in range(10)] + [f"The choir sang song {i}." for i in range(10)]
    model.fit(texts, ["use_of_force"] * 10 + ["none"] * 10)
    if classifier != "majority":
        assert list(model.predict(["Troops fired."])) == ["use_of_force"]


@pytest.mark.parametrize("codebook", names("codebook"))
def test_every_codebook_loads_with_those_above_it(codebook: str) -> None:
    (chain,) = configuration.codebooks(composed(f"codebook={codebook}"))
    assert chain[0].name == codebook
    assert chain[-1].parent is None


@pytest.mark.parametrize("corpus", names("corpus"))
def test_every_corpus_is_described(corpus: str) -> None:
    specs = composed(f"corpus={corpus}").corpora
    assert list(specs) == [corpus]
    assert CorpusSpec.from_mapping(configuration._plain(specs[corpus])).name == corpus


def test_cluster_launcher_is_submitit_on_slurm() -> None:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        launcher = compose("train", overrides=["hydra/launcher=slurm"], return_hydra_config=True).hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    assert launcher.mem_gb == 4


@pytest.mark.parametrize("search", names("hparams_search"))
def test_every_search_moves_keys_that_there_are(search: str) -> None:
    """Each value is one that the model's own check takes."""
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        hydra = compose("train", overrides=[f"hparams_search={search}"], return_hydra_config=True).hydra
    space = {
        key: _axis(OverridesParser.create().parse_override(f"{key}={value}"))
        for key, value in hydra.sweeper.params.items()
    }
    assert space or search == "own"
    for end in ("first", "high"):
        values = [f"{key}={getattr(axis, end) or axis.first}" for key, axis in space.items()]
        config = composed(f"hparams_search={search}", *values)
        training.check(configuration.model(config), configuration.codebooks(config), configuration.settings(config))


def test_a_model_with_one_head_is_taught_by_labels_of_its_codebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    config = composed("model=encoder")
    (authored,) = configuration.corpora(config, configuration.codebooks(config), heads=True)
    assert list(authored.frame["ladder"]) == list(authored.frame["label"])
    assert (authored.frame["ladder"] != "").all()


@pytest.mark.parametrize("experiment", names("experiment"))
def test_every_experiment_says_what_it_asks_and_holds_overrides_only(experiment: str) -> None:
    text = (CONFIGS / "experiment" / f"{experiment}.yaml").read_text(encoding="utf-8")
    assert "# Asks:" in text
    content = yaml.safe_load(text)
    assert all(next(iter(one)).startswith("override /") for one in content["defaults"])


@pytest.mark.parametrize("experiment", names("experiment"))
def test_every_experiment_runs_shrunken(experiment: str, tmp_path: Path, tiny: Path) -> None:
    config = composed(f"experiment={experiment}")
    if set(config.corpora) - {"authored"} and not MIRROR.is_dir():
        pytest.skip("needs the mirror of public corpora: set ESCALATION_MIRROR")
    small = ["rows=250", "folds=2", "calibration_folds=2"]
    if "pretrained" in config.features:
        small += [f"features.pretrained={tiny}"]
    if "pretrained" in config.model:  # an encoder of any size learns the same way
        small += [
            f"model.pretrained={tiny}",
            *([f"model.teacher.pretrained={tiny}"] if "teacher" in config.model else []),
        ]
    done = run(tmp_path, "train.py", f"experiment={experiment}", *small)
    assert done.returncode == 0, done.stderr
    assert "not registered: a trial" in done.stdout
