"""The network of a static model. Imports torch, so import this module only when it is needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from escalation.models.network import Headed, Network, Recipe, states
from escalation.models.tokens import HashedWords, Pieces, split

LONGEST_WORD = 16  # pieces of a word


class StaticNetwork(Headed):
    """Vectors looked up, their weighted mean and their maximum, one hidden layer, and one linear layer a head.

    Parameters
    ----------
    folder : Path
        The pretrained encoder whose vectors of single words are the beginning.
    tokens : HashedWords
    texts : list of str
        Whose words get such a vector, beside the words that the encoder's tokenizer knows.
    """

    at_once = 1_000_000

    def __init__(
        self,
        folder: Path,
        tokens: HashedWords,
        texts: Sequence[str],
        heads: Mapping[str, int],
        width: int,
        hidden: int,
        dropout: float,
        seed: int,
    ):
        super().__init__()
        begin = beginnings(folder, tokens, texts, width)
        torch.manual_seed(seed)
        self.vectors = nn.Embedding(tokens.size, width)
        self.importance = nn.Embedding(tokens.size, 1)
        self.vectors.weight.data.zero_()
        self.importance.weight.data.zero_()
        for number, vector in begin.items():
            self.vectors.weight.data[number] = torch.from_numpy(vector)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(2 * width, hidden)
        self.sizes = list(heads.values())
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, labels) for name, labels in heads.items()})

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Logits of every head, in order; `ids` and `mask` have the shape (n, tokens)."""
        vectors, kept = self.vectors(ids), mask.unsqueeze(-1).float()
        shares = torch.exp(self.importance(ids)) * kept
        mean = (vectors * shares).sum(1) / shares.sum(1)
        highest = (vectors - 1e4 * (1 - kept)).amax(1)
        inside = torch.relu(self.hidden(self.dropout(torch.cat([mean, highest], 1))))
        return tuple(head(self.dropout(inside)) for head in self.heads.values())

    def rates(self, recipe: Recipe) -> list[dict[str, Any]]:
        """Learning rates: the vectors' and the layers'."""
        tables = [*self.vectors.parameters(), *self.importance.parameters()]
        layers = [*self.hidden.parameters(), *self.heads.parameters()]
        return [{"params": tables, "lr": recipe.rate}, {"params": layers, "lr": recipe.head_rate}]


def beginnings(folder: Path, tokens: HashedWords, texts: Sequence[str], width: int) -> dict[int, np.ndarray[Any, Any]]:
    """A vector of `width` by the number of every word known: what the encoder says of it alone, by its main components."""
    pieces = Pieces(folder, LONGEST_WORD)
    known = [word for word in pieces.tokenizer.get_vocab() if word.isalpha()]
    words = sorted({word for text in texts for word in split(text)} | set(known))
    found = states(Network(folder, {}, 0.0, 0), pieces(words), pieces.padding)
    reduced = PCA(min(width, *found.shape), random_state=0).fit_transform(found)
    scaled = np.zeros((len(words), width), dtype=np.float32)
    scaled[:, : reduced.shape[1]] = reduced / reduced.std()
    return {tokens.number(word): vector for word, vector in zip(words, scaled, strict=True)}
