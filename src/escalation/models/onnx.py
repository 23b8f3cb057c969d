"""The exported form of a fine-tuned encoder: an ONNX file and a tokenizer, run by onnxruntime alone."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from escalation.errors import ModelError
from escalation.models.heads import Head, pad_token, softmax, tokenizer

if TYPE_CHECKING:
    from escalation.models.encoder import Encoder

Array = NDArray[np.float64]
WEIGHTS, TOKENIZER, CARD = "model.onnx", "tokenizer.json", "encoder.json"
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
        from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

        if not all((folder / name).is_file() for name in (WEIGHTS, TOKENIZER, CARD)):
            raise ModelError(f"{folder} lacks {WEIGHTS}, {TOKENIZER} or {CARD}: export the model again")
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        self.labels: dict[str, list[str]] = card["labels"]
        self.temperatures: list[float] = card["temperatures"]
        self.tokenizer = tokenizer(folder, card["longest"])
        self.padding = int(self.tokenizer.token_to_id(pad_token(self.tokenizer)))
        options = SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = InferenceSession(str(folder / WEIGHTS), options, providers=["CPUExecutionProvider"])

    def probabilities(self, texts: Sequence[str]) -> dict[str, Array]:
        """Calibrated probabilities by head, shape (n, n_labels) each."""
        tokens = [one.ids for one in self.tokenizer.encode_batch(list(texts))]
        found = [np.zeros((len(texts), len(labels))) for labels in self.labels.values()]
        order = np.argsort([len(one) for one in tokens], kind="stable")
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            ids = np.full((len(rows), max(len(tokens[row]) for row in rows)), self.padding, dtype=np.int64)
            mask = np.zeros_like(ids)
            for place, row in enumerate(rows):
                ids[place, : len(tokens[row])] = tokens[row]
                mask[place, : len(tokens[row])] = 1
            for whole, part in zip(found, self.session.run(None, {"ids": ids, "mask": mask}), strict=True):
                whole[rows] = part
        return {
            name: softmax(one / heat) for name, one, heat in zip(self.labels, found, self.temperatures, strict=True)
        }

    def head(self, name: str) -> Head:
        """The classifier of one codebook."""
        return Head(self, name, self.labels[name])


def export(encoder: "Encoder", folder: Path, quantised: bool = False) -> None:
    """Write what `OnnxEncoder` reads.

    Parameters
    ----------
    quantised : bool
        Weights as 8-bit integers, activations quantised as they come: a quarter of the size, twice the speed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(encoder, folder / WEIGHTS)
    if quantised:
        _quantise(folder / WEIGHTS)
    encoder.tokenizer_.save(str(folder / TOKENIZER))
    card: Mapping[str, Any] = {
        "labels": {chain[0].name: chain[0].names for chain in encoder.codebooks},
        "temperatures": encoder.temperatures_,
        "longest": encoder.longest,
    }
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def _write(encoder: "Encoder", path: Path) -> None:
    import torch

    network = encoder.network_.eval()
    example = (torch.ones(ITEM, dtype=torch.long), torch.ones(ITEM, dtype=torch.long))
    free = {0: "texts", 1: "tokens"}
    heads = [chain[0].name for chain in encoder.codebooks]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself and about shapes that are free here
        torch.onnx.export(
            network,
            example,
            str(path),
            input_names=["ids", "mask"],
            output_names=heads,
            dynamic_axes={"ids": free, "mask": free, **{name: {0: "texts"} for name in heads}},
            opset_version=17,
            dynamo=False,
        )


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.rename(path.with_suffix(".whole"))
    quantize_dynamic(whole, path, weight_type=QuantType.QInt8)
    whole.unlink()
