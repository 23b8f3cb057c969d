"""Features from a pretrained encoder: the same vectors from the cache, after export, and without torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from escalation import exported, project
from escalation.codebook import Codebook, chain
from escalation.features.sentence import SentenceFeatures
from escalation.features.static import StaticFeatures
from escalation.models.calibrated import CalibratedModel
from escalation.models.frozen import Frozen

BOOKS = chain(Codebook.load("ladder", project.codebooks()), project.codebooks())
TEXTS = [f"The troops fired on village {i}." for i in range(20)] + [f"The choir sang hymn {i}." for i in range(20)]
LABELS = ["use_of_force"] * 20 + ["none"] * 20


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_vectors_of_the_encoder_have_length_one_and_do_not_depend_on_their_neighbours(tiny: Path) -> None:
    features = SentenceFeatures(str(tiny)).fit(TEXTS)
    found = features.transform(TEXTS)
    assert found.shape == (40, 32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    alone = Frozen(features.encoder_.folder)(TEXTS[:1])  # not the remembered one
    np.testing.assert_allclose(alone, found[:1], atol=1e-5)
    assert features.transform([]).shape == (0, 32)


def test_what_torch_says(tiny: Path) -> None:
    import torch
    from transformers import AutoModel

    from escalation.models.tokens import Pieces

    encoder = AutoModel.from_pretrained(tiny)
    numbers = torch.tensor(Pieces(tiny, 128)(TEXTS[:1])[0])[None]
    with torch.no_grad():
        mean = encoder(input_ids=numbers).last_hidden_state.mean(1).numpy()
    found = SentenceFeatures(str(tiny)).fit(TEXTS).transform(TEXTS[:1])
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-4)


def test_vectors_are_made_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = Frozen.__call__
    monkeypatch.setattr(Frozen, "__call__", lambda self, texts: (asked.append(len(texts)), ask(self, texts))[1])
    first = SentenceFeatures(str(tiny)).fit(TEXTS).transform(TEXTS)
    second = SentenceFeatures(str(tiny)).fit(TEXTS).transform([*reversed(TEXTS), "A new one."])
    assert asked == [40, 1]
    np.testing.assert_array_equal(second[:40], first[::-1])


def test_damaged_cache_is_made_anew(tiny: Path, own_home: Path) -> None:
    first = SentenceFeatures(str(tiny)).fit(TEXTS).transform(TEXTS)
    for path in (own_home / "data" / "vectors").rglob("*.arrow"):
        path.write_bytes(b"half of it")
    np.testing.assert_allclose(SentenceFeatures(str(tiny)).fit(TEXTS).transform(TEXTS), first, atol=1e-6)


def test_static_vectors_weigh_rare_words_more(tiny: Path) -> None:
    features = StaticFeatures(str(tiny), width=16).fit(TEXTS)
    assert features.transform(TEXTS).shape == (40, 16)
    both, common, rare = features.transform(["the village", "the", "village"])
    assert both @ rare > both @ common
    np.testing.assert_array_equal(features.transform(["qwertz uiop"]), np.zeros((1, 16)))


@pytest.mark.parametrize("features", [SentenceFeatures, StaticFeatures])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with tf-idf"])
def test_exported_and_read_back_without_torch_and_encoder(features, beside: bool, tiny: Path, tmp_path: Path) -> None:
    vectors = features(str(tiny))
    part = make_union(TfidfVectorizer(), vectors) if beside else vectors
    pipeline = make_pipeline(part, LogisticRegression())
    model = CalibratedModel(clone(pipeline), BOOKS[0].names, folds=2).fit(TEXTS, LABELS)
    exported.save(tmp_path / "m", model, [BOOKS], {})
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *others):\n"
        "        if name.partition('.')[0] in ('torch', 'transformers', 'datasets'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from pathlib import Path\n"
        "from escalation import exported\n"
        f"model = exported.load(Path({str(tmp_path / 'm')!r}))\n"
        "print(*model.heads[0].predict_proba(['The troops fired on village 7.'])[0])\n"
    )
    environment = {"PATH": "", "ESCALATION_HOME": str(tmp_path / "elsewhere")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        cwd=project.checkout(),
    )
    assert done.returncode == 0, done.stderr
    found = [float(one) for one in done.stdout.split()]
    np.testing.assert_allclose(found, model.predict_proba(["The troops fired on village 7."])[0], atol=1e-5)
