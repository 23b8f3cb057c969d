"""A pretrained encoder as it is, run by onnxruntime: made once from the published weights, then kept in the home folder."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escalation import files, project
from escalation.models import onnx, tokens
from escalation.models.lazy import torch_network
from escalation.models.pretrained import WEIGHTS

CARD = "frozen.json"


class Frozen:
    """Texts to vectors of length 1.

    Parameters
    ----------
    folder : Path
        What `prepared` gives, or what `save` wrote.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        self.width: int = card["width"]
        self.name: str = card["name"]
        self.tokens = tokens.restored(folder, card["tokens"])
        self.session = onnx.session(folder, threads=0)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (n, width)."""
        (found,) = onnx.run(self.session, self.tokens, texts, [self.width])
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        scaled: NDArray[np.float32] = (found / np.maximum(lengths, 1e-12)).astype(np.float32)
        return scaled

    def save(self, folder: Path) -> None:
        """Copy it."""
        shutil.copytree(self.folder, folder)


def prepared(source: Path, longest: int) -> Path:
    """The folder of an encoder's frozen form; made on its first use, which needs torch.

    Parameters
    ----------
    source : Path
        Its published weights, configuration and tokenizer.
    longest : int
        Tokens of a text that it reads.
    """
    name = f"{files.sha256(source / WEIGHTS)[:16]}-{longest}"
    target = project.home() / "data" / "frozen" / name
    if target.is_dir():
        return target
    network = torch_network()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as made:
        folder = Path(made) / name
        folder.mkdir()
        encoder = network.Network(source, {}, 0.0, 0)
        onnx.write(network.Mean(encoder), folder / onnx.WEIGHTS, ["mean"])
        pieces = tokens.Pieces(source, longest)
        card = {"name": name, "width": int(encoder.encoder.config.hidden_size), "tokens": pieces.save(folder)}
        (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
        if not target.is_dir():  # another process may have been quicker
            folder.rename(target)
    return target
