"""`escalation featurize`: vectors of corpora made ahead are those that features=sentence looks up."""

import json
from pathlib import Path

import pytest

from escalation import files, vectors
from escalation.errors import ConfigError
from escalation.features.sentence import SentenceFeatures

ROOT = Path(__file__).parents[2]
TEXTS = {
    "a": ("Troops fired at the town.", "use_of_force"),
    "b": ("The choir sang.", "none"),
    "c": ("The choir sang!", "none"),
}


@pytest.fixture
def checkout(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one corpus and an encoder of our own."""
    configs = tmp_path / "configs"
    for name in ("train.yaml", "codebook/ladder.yaml"):
        files.write_text(configs / name, (ROOT / "configs" / name).read_text(encoding="utf-8"))
    spec = (
        "{name: mine, description: mine, reader: escalation.corpora.readers.table, labels: {ladder: label}, "
        "columns: {id: id}, path: mine.jsonl}"
    )
    files.write_text(configs / "corpus" / "mine.yaml", spec)
    files.write_text(configs / "features" / "sentence.yaml", f"pretrained: {tiny}\nlongest: 32\n")
    rows = [{"id": key, "text": text, "label": label} for key, (text, label) in TEXTS.items()]
    files.write_text(tmp_path / "mine.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    return tmp_path


def test_vectors_are_there_when_a_training_asks(checkout: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = vectors.featurize(["mine"], "ladder")
    assert told["corpora"]["mine"]["texts"] == 3
    features = SentenceFeatures(pretrained=str(tiny), longest=32).fit([])
    assert features.remembered_.encoder.name == told["encoder"]
    monkeypatch.setattr(features.remembered_, "encoder", None)  # whoever asks it fails
    assert len(features.remembered_.known) == 3
    assert vectors.featurize(["mine"], "ladder") == told


def test_other_arguments_than_the_features_have(checkout: Path) -> None:
    files.write_text(checkout / "configs" / "features" / "sentence.yaml", "pretrainedd: x\n")
    with pytest.raises(ConfigError, match="does not fit SentenceFeatures"):
        vectors.featurize(["mine"], "ladder")
