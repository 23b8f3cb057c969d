"""Vectors of texts, kept through `datasets`: folds, calibration and the next run do not make them again."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escalation import project
from escalation.models.frozen import Frozen

Vectors = NDArray[np.float32]


class Remembered:
    """An encoder that looks up what it was asked before.

    Parameters
    ----------
    encoder : Frozen
    """

    def __init__(self, encoder: Frozen):
        self.encoder = encoder
        self.folder = project.home() / "data" / "vectors" / encoder.name
        self.known = _read(self.folder)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, shape (n, width)."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self.known}
        if new:
            self.known |= dict(zip(new, self.encoder(list(new.values())), strict=True))
            _write(self.folder, self.known)
        return np.array([self.known[key] for key in keys], dtype=np.float32).reshape(-1, self.encoder.width)


def _read(folder: Path) -> dict[str, Vectors]:
    from datasets import load_from_disk

    if not folder.is_dir():
        return {}
    try:
        kept = load_from_disk(str(folder)).with_format("numpy")
        return dict(zip(kept["key"][:].tolist(), kept["vector"][:], strict=True))
    except (OSError, ValueError):  # damaged: made anew
        return {}


def _write(folder: Path, known: dict[str, Vectors]) -> None:
    """Replace what was kept; where that cannot be, the vectors are made again next time."""
    from datasets import Dataset, Features, List, Value, disable_progress_bars

    disable_progress_bars()
    columns = Features({"key": Value("string"), "vector": List(Value("float32"))})
    made = Dataset.from_dict({"key": list(known), "vector": list(known.values())}, features=columns)
    with contextlib.suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
            whole = Path(temporary) / folder.name
            made.save_to_disk(str(whole))
            shutil.rmtree(folder, ignore_errors=True)
            whole.rename(folder)
