"""The static model: hashed words, what its teacher says, and the same answers when exported."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from escalation import project
from escalation.codebook import Codebook, chain
from escalation.models import onnx
from escalation.models.encoder import Encoder
from escalation.models.static import Static
from escalation.models.tokens import HashedWords, restored

CHAINS = [chain(Codebook.load(name, project.codebooks()), project.codebooks()) for name in ("ladder", "root")]
TEXTS = [f"The troops will attack village {i}." for i in range(60)] + [
    f"The troops will not attack village {i}." for i in range(60)
]
LABELS = pd.DataFrame(
    {"ladder": ["threat_of_force"] * 60 + ["deescalation"] * 60, "root": ["THREATEN"] * 60 + ["YIELD"] * 60}
)
SIZES = {"width": 16, "hidden": 16, "words": 512, "runs": 1024}


@pytest.fixture(scope="module")
def model(tiny: Path) -> Static:
    return Static(
        CHAINS, pretrained=str(tiny), epochs=20, batch=8, rate=5e-2, head_rate=1e-2, progress=False, **SIZES
    ).fit(TEXTS, LABELS)


def test_pairs_of_words_tell_a_denial(model: Static) -> None:
    asked = ["The troops will attack village 7.", "The troops will not attack village 7."]
    assert list(model.head("ladder").predict(asked)) == ["threat_of_force", "deescalation"]


def test_exported_form_says_the_same(model: Static, tmp_path: Path) -> None:
    onnx.export(model, tmp_path)
    texts = [*TEXTS[:5], "", "One", "unknown words " * 200]
    back = onnx.OnnxEncoder(tmp_path)
    for name in ("ladder", "root"):
        found = back.head(name).predict_proba(texts)
        np.testing.assert_allclose(found, model.head(name).predict_proba(texts), atol=2e-2)  # torch may use bfloat16
        np.testing.assert_allclose(found.sum(axis=1), 1)


def test_an_encoder_teaches_it(tiny: Path) -> None:
    teacher = Encoder(pretrained=str(tiny), epochs=12, rate=2e-3, head_rate=1e-2, batch=16, progress=False)
    teacher.set_params(codebooks=CHAINS).fit(TEXTS, LABELS)
    student = Static(
        CHAINS,
        pretrained=str(tiny),
        epochs=20,
        batch=8,
        rate=5e-2,
        head_rate=1e-2,
        hard=0.0,
        teacher=teacher,
        progress=False,
        **SIZES,
    ).fit(TEXTS, LABELS, unlabelled=["The choir sang."] * 30)
    said = teacher.predict_proba(TEXTS)
    assert (student.predict_proba(TEXTS).argmax(1) == said.argmax(1)).mean() > 0.9


def test_numbers_of_words_pairs_and_padding() -> None:
    tokens = HashedWords(words=1000, runs=5000, length=3, longest=4)
    first, empty, cut = tokens(["Troops moved in", "", "a b c d e f"])
    assert first[0] == tokens.start
    assert list(first[1:4]) == [tokens.number(word) for word in ("troops", "moved", "in")]
    assert len(first) == 4 + 3 + 2
    assert list(empty) == [tokens.start]
    assert len(cut) == 5 + 4 + 3
    assert max(first) < tokens.size
    assert (first[4:] >= tokens.reserved + tokens.words).all()
    again = restored(Path(), tokens.save(Path()))(["TROOPS moved in"])[0]
    np.testing.assert_array_equal(again, first)
    swapped = tokens(["moved troops in"])[0]
    assert set(first[1:4]) == set(swapped[1:4])
    assert set(first[4:]) != set(swapped[4:])
