"""The exported form of a fine-tuned encoder: an ONNX file and a tokenizer, run by onnxruntime alone."""

import json
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


def export(model: "MultiHead", folder: Path, quantised: bool = False) -> None:
    """Write what `OnnxEncoder` reads.

    Parameters
    ----------
    quantised : bool
        Weights as 8-bit integers, activations quantised as they come: a quarter of the size, twice the speed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write(model.network_, folder / WEIGHTS, [chain[0].name for chain in model.codebooks])
    if quantised:
        _quantise(folder / WEIGHTS)
    card: Mapping[str, Any] = {
        "labels": {chain[0].name: chain[0].names for chain in model.codebooks},
        "temperatures": model.temperatures_,
        "tokens": model.tokens_.save(folder),
    }
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


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
    # a scale a column: with one a matrix, twice as many labels change
    quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    whole.unlink()
