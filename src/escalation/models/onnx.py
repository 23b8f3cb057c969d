"""The exported form of a fine-tuned encoder: an ONNX file and a tokenizer, run by onnxruntime alone."""

import json
import logging
import math
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from escalation.errors import ModelError
from escalation.models import tokens
from escalation.models.heads import Head, softmax

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from escalation.models.multihead import MultiHead

Array = NDArray[np.float64]
WEIGHTS, CARD = "model.onnx", "encoder.json"
WORTH = 0.005  # macro-F1 that a model may lose for its speed
BATCH = 32
ITEM = (1, 8)  # texts and tokens of the example that the export follows; both may differ afterwards


class OnnxEncoder:
    """A fine-tuned encoder read back; `head` gives a classifier a codebook.

    Parameters
    ----------
    folder : Path
        What `export` wrote.
    threads : int
        Of onnxruntime; 0: as many as there are cores.
    """

    def __init__(self, folder: Path, threads: int = 0):
        if not all((folder / name).is_file() for name in (WEIGHTS, CARD)):
            raise ModelError(f"{folder} lacks {WEIGHTS} or {CARD}: export the model again")
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if "tokens" not in card:
            raise ModelError(f"{folder} was exported by an older version of this package: train it again with train.py")
        self.labels: dict[str, list[str]] = card["labels"]
        self.temperatures: list[float] = card["temperatures"]
        self.tokens = tokens.restored(folder, card["tokens"])
        self.session = session(folder, threads)

    def probabilities(self, texts: Sequence[str]) -> dict[str, Array]:
        """Calibrated probabilities by head, shape (n, n_labels) each."""
        found = run(self.session, self.tokens, texts, [len(labels) for labels in self.labels.values()])
        return {
            name: softmax(one / heat) for name, one, heat in zip(self.labels, found, self.temperatures, strict=True)
        }

    def head(self, name: str) -> Head:
        """The classifier of one codebook."""
        return Head(self, name, self.labels[name])


def session(folder: Path, threads: int) -> "InferenceSession":
    """The network of a folder, ready to run."""
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
    return InferenceSession(str(folder / WEIGHTS), options, providers=["CPUExecutionProvider"])


def run(
    network: "InferenceSession", reader: tokens.Pieces | tokens.HashedWords, texts: Sequence[str], sizes: Sequence[int]
) -> list[Array]:
    """Every answer of a network to texts, in batches of like length; shape (n, size) each."""
    numbers = reader(texts)
    found = [np.zeros((len(texts), size)) for size in sizes]
    order = np.argsort([len(one) for one in numbers], kind="stable")
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        ids, mask = tokens.padded([numbers[row] for row in rows], reader.padding)
        for whole, part in zip(found, network.run(None, {"ids": ids, "mask": mask}), strict=True):
            whole[rows] = part
    return found


def export(model: "MultiHead", folder: Path, integers: bool | None = False) -> None:
    """Write what `OnnxEncoder` reads.

    Parameters
    ----------
    integers : bool or None
        Whether weights are integers of a byte and activations quantised as they come: a quarter of the size, twice the speed.
        None: where an encoder's macro-F1, on the rows that its fit left out, falls by less than half a point on every head.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write(model.network_, folder / WEIGHTS, [chain[0].name for chain in model.codebooks])
    card: Mapping[str, Any] = {
        "labels": {chain[0].name: chain[0].names for chain in model.codebooks},
        "temperatures": model.temperatures_,
        "tokens": model.tokens_.save(folder),
    }
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
    if integers is False or isinstance(model.tokens_, tokens.HashedWords):  # these have little to multiply
        return
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        small = Path(shutil.copytree(folder, Path(temporary) / "small", ignore=lambda *_: [Path(temporary).name]))
        _quantise(small / WEIGHTS)
        if integers or _lost(model, OnnxEncoder(folder), OnnxEncoder(small)) < WORTH:
            (small / WEIGHTS).replace(folder / WEIGHTS)


def _lost(model: "MultiHead", whole: OnnxEncoder, small: OnnxEncoder) -> float:
    """The most that the macro-F1 of a head falls on the rows that the fit left out."""
    from sklearn.metrics import f1_score

    texts, targets = model.left_
    before, after = whole.probabilities(texts), small.probabilities(texts)
    falls = []
    for name, target in zip(before, targets, strict=True):
        known = target.sum(axis=1) == 1
        if known.any():
            truth = target[known].argmax(axis=1)
            one, other = (
                f1_score(truth, said[name][known].argmax(axis=1), average="macro") for said in (before, after)
            )
            falls.append(float(one - other))
    return max(falls, default=math.inf)  # where nothing can be told, nothing is risked


def write(network: Any, path: Path, answers: Sequence[str]) -> None:
    """Write a torch module that takes numbers and mask of several texts as an ONNX file."""
    import torch

    example = (torch.ones(ITEM, dtype=torch.long), torch.ones(ITEM, dtype=torch.long))
    free = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself and about shapes that are free here
        torch.onnx.export(
            network.eval(),
            example,
            str(path),
            input_names=["ids", "mask"],
            output_names=list(answers),
            dynamic_axes={"ids": free, "mask": free, **{name: {0: "texts"} for name in answers}},
            opset_version=17,
            dynamo=False,
        )


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.rename(path.with_suffix(".whole"))
    logging.disable(logging.WARNING)  # it recommends what is done to files of other exporters
    try:
        # A scale a column: with one a matrix, twice as many labels change. Seven bits: processors without VNNI add products
        # up in 16 bits, which those of whole bytes overflow.
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    finally:
        logging.disable(logging.NOTSET)
    whole.unlink()
