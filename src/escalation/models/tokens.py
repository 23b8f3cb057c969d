"""Texts as rows of numbers: the pieces that a network has a vector for. Imports little: scoring waits for it."""

import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.context import InContext

TOKENIZER = "tokenizer.json"
Numbers = NDArray[np.int64]


class Pieces:
    """The word pieces of a pretrained encoder's own tokenizer.

    Parameters
    ----------
    folder : Path
        Holds its tokenizer.json.
    longest : int
        Pieces of a text that are kept.
    context : int
        Pieces that are read of the sentence before (its last ones) and of the one after, where a text is `InContext`.
    """

    def __init__(self, folder: Path, longest: int, context: int = 0):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(longest)
        self.longest = longest
        self.context = context
        # BERT and MPNet spell it differently
        known = [self.tokenizer.token_to_id(one) for one in ("[PAD]", "<pad>")]
        self.padding: int = next(number for number in known if number is not None)

    def __call__(self, texts: Sequence[str]) -> list[Numbers]:
        """The numbers of each text's pieces, at least one; those of its neighbours stand behind, as negative numbers."""
        own = [np.array(one.ids) for one in self.tokenizer.encode_batch_fast(list(map(str, texts)))]
        if not self.context:
            return own
        rows = [row for row, text in enumerate(texts) if isinstance(text, InContext)]
        before, after = (
            [one.ids for one in self.tokenizer.encode_batch_fast([getattr(texts[row], side) for row in rows])]
            for side in ("before", "after")
        )
        for row, first, last in zip(rows, before, after, strict=True):
            end = own[row][-1:]  # what ends a text parts the neighbours too
            beside = np.concatenate([first[1:-1][-self.context :], end, last[1:-1][: self.context], end])
            own[row] = np.concatenate([own[row], -beside]) if len(beside) > 2 else own[row]
        return own

    def save(self, folder: Path) -> Mapping[str, Any]:
        """Write what `restored` needs beside what comes back."""
        self.tokenizer.save(str(folder / TOKENIZER))
        return {"longest": self.longest, "context": self.context}


class HashedWords:
    """Words and runs of neighbouring words by the hash of their spelling: no vocabulary, and no word is unknown.

    After Weinberger et al. (2009), Feature Hashing for Large Scale Multitask Learning. Number 0 pads, 1 begins a text, then
    come `words` numbers of single words and `runs` of pairs, triples and so on.

    Parameters
    ----------
    words, runs : int
        How many numbers there are for single words, and for longer runs.
    length : int
        Words of the longest runs; 1: none.
    longest : int
        Words of a text that are kept.
    """

    padding, start, reserved = 0, 1, 2

    def __init__(self, words: int, runs: int, length: int, longest: int):
        self.words = words
        self.runs = runs
        self.length = length
        self.longest = longest
        self._known = _Known(self.reserved, words)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.reserved + self.words + self.runs

    def __call__(self, texts: Sequence[str]) -> list[Numbers]:
        """The numbers of each text's words and runs, at least one: first the words, then the pairs, and so on."""
        words = [split(text)[: self.longest] for text in texts]
        counts = np.array([1 + len(one) for one in words], dtype=np.int64)  # each begins with the start
        number = self._known.__getitem__
        # all texts at once: calls of numpy for each of a thousand short texts would take most of the time
        single = np.array([one for text in words for one in (self.start, *map(number, text))], dtype=np.int64)
        place = np.arange(len(single)) - np.repeat(np.cumsum(counts) - counts, counts)
        left = np.repeat(counts, counts) - place  # words from here to the end of the text
        sizes = [np.maximum(counts - more, 0) for more in range(self.length)]
        ends = np.cumsum(np.sum(sizes, axis=0))
        found = np.empty(ends[-1] if len(ends) else 0, dtype=np.int64)
        first = ends - np.sum(sizes, axis=0)  # where the next part of each text goes
        run, within = single, single
        for more, size in enumerate(sizes):
            if more:
                run = (run[:-1] * 1_000_003 + single[more:]) % 2_147_483_647
                within = self.reserved + self.words + run % self.runs
            whole = left[: len(run)] > more
            found[(np.repeat(first, counts)[: len(run)] + place[: len(run)])[whole]] = within[whole]
            first = first + size
        return [found[start:end] for start, end in pairwise([0, *ends.tolist()])]

    def number(self, word: str) -> int:
        """Of a single word."""
        return self._known[word]

    def save(self, folder: Path) -> Mapping[str, Any]:  # like Pieces, but there is nothing to write
        """What `restored` needs."""
        return {"words": self.words, "runs": self.runs, "length": self.length, "longest": self.longest}


def restored(folder: Path, facts: Mapping[str, Any]) -> Pieces | HashedWords:
    """What `save` was called on."""
    return HashedWords(**facts) if "words" in facts else Pieces(folder, **facts)


def padded(rows: Sequence[Numbers], padding: int) -> tuple[Numbers, Numbers]:
    """The numbers of several texts as long as the longest, and beside them 1, 2 for those of neighbours, 0 where padded.

    Examples
    --------
    >>> padded([np.array([5, 6, 7]), np.array([8])], 0)
    (array([[5, 6, 7],
           [8, 0, 0]]), array([[1, 1, 1],
           [1, 0, 0]]))
    >>> padded([np.array([5, -6])], 0)
    (array([[5, 6]]), array([[1, 2]]))
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    numbers = np.full(mask.shape, padding, dtype=np.int64)
    numbers[mask] = np.concatenate(rows)
    return np.abs(numbers), np.where(mask, np.where(numbers < 0, 2, 1), 0)


_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def split(text: str) -> list[str]:
    """Words in lower case, and marks.

    Examples
    --------
    >>> split("They WON'T attack.")
    ['they', "won't", 'attack', '.']
    """
    return _WORD.findall(text.lower())


class _Known(dict[str, int]):
    """Numbers of words that have been seen, up to a quarter of a million; a dictionary answers faster than a function."""

    def __init__(self, reserved: int, words: int):
        super().__init__()
        self.reserved = reserved
        self.words = words

    def __missing__(self, word: str) -> int:
        if len(self) >= 2**18:
            self.clear()
        number = self[word] = self.reserved + zlib.crc32(word.encode("utf-8", "surrogatepass")) % self.words
        return number
