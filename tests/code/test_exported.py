"""The exported form: the same answers after a round trip, and nothing loaded that is not trusted."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from escalation import exported, project
from escalation.codebook import Codebook, chain
from escalation.errors import ModelError
from escalation.features.lexicon import LexiconFeatures
from escalation.models.calibrated import CalibratedModel

TEXTS = [f"Troops fired on village {i}." for i in range(20)] + [f"The choir sang hymn {i}." for i in range(20)]
LABELS = ["use_of_force"] * 20 + ["none"] * 20
BOOKS = chain(Codebook.load("ladder", project.codebooks()), project.codebooks())


def shout(texts):
    return [text.upper() for text in texts]


@pytest.mark.parametrize("classifier", [LinearSVC(), LogisticRegression()], ids=["svc", "logreg"])
@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_round_trip_answers_the_same(tmp_path: Path, classifier, method: str) -> None:
    features = make_union(TfidfVectorizer(), LexiconFeatures())
    model = CalibratedModel(make_pipeline(features, classifier), BOOKS[0].names, method=method, folds=2).fit(
        TEXTS, LABELS
    )
    exported.save(tmp_path / "m", model, [BOOKS], {"experiment": "test"})
    back = exported.load(tmp_path / "m", "models:/x@y", "3")
    np.testing.assert_array_equal(back.heads[0].predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert (back.info["uri"], back.info["version"], back.info["experiment"]) == ("models:/x@y", "3", "test")
    assert back.scorer().score(["Troops fired on the village."])[0]["escalation"] > 0
    with pytest.raises(ModelError, match="it knows ladder"):
        back.probabilities(TEXTS, "root")


def test_model_with_a_function_of_ones_own_is_not_saved(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(shout), TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    with pytest.raises(ModelError, match="shout"):
        exported.save(tmp_path / "m", model, [BOOKS], {})


def test_tampered_weights_are_not_loaded(tmp_path: Path) -> None:
    model = CalibratedModel(make_pipeline(TfidfVectorizer(), LinearSVC()), BOOKS[0].names, folds=2).fit(TEXTS, LABELS)
    exported.save(tmp_path / "m", model, [BOOKS], {})
    skops.io.dump(FunctionTransformer(shout), tmp_path / "m" / exported.WEIGHTS)
    with pytest.raises(ModelError, match="shout"):
        exported.load(tmp_path / "m")


def test_imports_are_light() -> None:
    """Whoever scores one article waits for what is imported."""
    program = (
        "import sys; from escalation import exported; "
        "print([name for name in ('pandas', 'sklearn', 'scipy', 'torch', 'onnxruntime', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_model_of_an_older_version_says_so(tmp_path: Path) -> None:
    model = CalibratedModel(make_pipeline(TfidfVectorizer(), LinearSVC()), BOOKS[0].names, folds=2).fit(TEXTS, LABELS)
    exported.save(tmp_path / "m", model, [BOOKS], {})
    card = json.loads((tmp_path / "m" / exported.CARD).read_text(encoding="utf-8"))
    (tmp_path / "m" / exported.CARD).write_text(
        json.dumps({**card, "codebooks": card["codebooks"][0]}), encoding="utf-8"
    )
    with pytest.raises(ModelError, match="older version"):
        exported.load(tmp_path / "m")


def test_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"train\.py"):
        exported.load(tmp_path)
