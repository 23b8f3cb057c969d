"""Whether an article reads like what a model learnt from: how many of its words no training text holds."""

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from escalation import files

FILE = "familiar.json"
SIZE = 2**19  # places of the table of words; with twenty thousand of them, one new word in 25 passes for known
WINDOW = 10  # rows that stand for an article where the training texts are sentences
ALLOWANCE = 2.0  # other years and countries have other names: news from a corpus never seen has up to 1.8 times as many
LEAST = 30  # words, below which a share says nothing

_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Familiar:
    """The words of the training texts, as a table of hashes, and how many new ones are too many.

    Parameters
    ----------
    known : array of bool, shape (SIZE,)
    limit : float
        Share of new words above which a text is strange.
    """

    known: NDArray[np.bool_]
    limit: float

    @classmethod
    def of(cls, texts: Sequence[str], groups: Sequence[str]) -> "Familiar":
        """Of training texts, like beside like; either half of the groups tells what is usual of the other.

        Parameters
        ----------
        texts : list of str
            Sentences or articles.
        groups : list of str
            Of each text: those of one group are in one half.
        """
        halves: list[list[str]] = [[], []]
        for half, windows in enumerate(halves):
            own = [text for text, group in zip(texts, groups, strict=True) if zlib.crc32(group.encode()) % 2 == half]
            windows += ["\n".join(own[start : start + WINDOW]) for start in range(0, len(own), WINDOW)]
        shares = [
            share
            for own, other in (halves, halves[::-1])
            for known in [_table(other)]
            for window in own
            if (share := _new(window, known)) is not None
        ]
        usual = float(np.quantile(shares, 0.99)) if shares else 1.0
        return cls(_table(texts), min(1.0, ALLOWANCE * usual))

    def new(self, text: str) -> float | None:
        """Share of the words of four letters and more that are new, when it is too large; else None."""
        share = _new(text, self.known)
        return share if share is not None and share > self.limit else None

    def save(self, folder: Path) -> None:
        """Write what `load` takes back."""
        table = base64.b85encode(zlib.compress(np.packbits(self.known).tobytes())).decode("ascii")
        files.write_text(folder / FILE, json.dumps({"limit": round(self.limit, 4), "words": table}))

    @classmethod
    def load(cls, folder: Path) -> "Familiar":
        """Read from the folder of an exported model."""
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        packed = np.frombuffer(zlib.decompress(base64.b85decode(kept["words"])), dtype=np.uint8)
        return cls(np.unpackbits(packed).astype(bool), float(kept["limit"]))


def _table(texts: Sequence[str]) -> NDArray[np.bool_]:
    known = np.zeros(SIZE, dtype=bool)
    for text in texts:
        known[_places(text)] = True
    return known


def _new(text: str, known: NDArray[np.bool_]) -> float | None:
    places = _places(text)
    return float(1 - known[places].mean()) if len(places) >= LEAST else None


def _places(text: str) -> NDArray[np.intp]:
    words = _WORD.findall(text.lower())
    return np.fromiter(map(_PLACES.__getitem__, words), dtype=np.intp, count=len(words))


class _Places(dict[str, int]):
    """Places of words that have been seen, up to a quarter of a million; a dictionary answers faster than a hash is made."""

    def __missing__(self, word: str) -> int:
        if len(self) >= 2**18:
            self.clear()
        place = self[word] = zlib.crc32(word.encode("utf-8", "surrogatepass")) % SIZE
        return place


_PLACES = _Places()
