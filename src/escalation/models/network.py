"""The network of a fine-tuned encoder and how it learns. Imports torch, so import this module only when it is needed."""

import ctypes
import math
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoModel
from transformers.utils import logging

from escalation.models.checkpoint import Checkpoint, restore, training_state, under
from escalation.models.tokens import Numbers, padded

Array = NDArray[np.float64]
# oneDNN keeps what it made for a thousand shapes, a gigabyte after ninety steps; read at its first use, and 64 are no slower
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
PATIENCE = 2  # epochs without getting better
POOL = 100  # batches that are sorted by length together: hardly any padding (20 cost 7 % more tokens), and still random


@dataclass(frozen=True)
class Recipe:
    """How a network learns; the parameters are those of `escalation.models.encoder.Encoder`."""

    epochs: int
    batch: int
    rate: float
    head_rate: float
    decay: float
    warm_up: float
    smoothing: float
    alone: float
    ordinal: tuple[float, ...]
    seed: int


class Headed(nn.Module, ABC):
    """A network whose answer holds the logits of several heads of `sizes` labels, taught `at_once` tokens at a time."""

    sizes: list[int]
    at_once: int

    @abstractmethod
    def rates(self, recipe: Recipe) -> list[dict[str, Any]]:
        """Groups of weights, each with its highest learning rate."""


class Network(Headed):
    """A pretrained encoder, its token vectors averaged, and one linear layer a head."""

    at_once = 3000

    def __init__(self, folder: Path, heads: Mapping[str, int], dropout: float, seed: int, frozen: int = 0):
        super().__init__()
        torch.manual_seed(seed)  # of the heads and of what is dropped
        logging.set_verbosity_error()  # that layers above the tokens are left out is as it should be
        logging.disable_progress_bar()
        # eager attention: the fused kernel's backward pass takes four times as long in bfloat16 on a CPU
        self.encoder = AutoModel.from_pretrained(
            folder,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            add_pooling_layer=False,
        )
        if frozen:
            for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:frozen]):
                part.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)
        self.sizes = list(heads.values())
        width = int(self.encoder.config.hidden_size)
        self.heads = nn.ModuleDict({name: nn.Linear(width, labels) for name, labels in heads.items()})

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Logits of every head, in order; `ids` and `mask` have the shape (n, tokens)."""
        mean = self.dropout(self.mean(ids, mask))
        return tuple(head(mean) for head in self.heads.values())

    def mean(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The mean of each text's own token vectors, which saw its neighbours', shape (n, width)."""
        tokens = self.encoder(input_ids=ids, attention_mask=(mask > 0).long()).last_hidden_state.float()
        kept = (mask == 1).unsqueeze(-1).float()
        return (tokens * kept).sum(1) / kept.sum(1)  # type: ignore[no-any-return]

    def rates(self, recipe: Recipe) -> list[dict[str, Any]]:
        """Learning rates: the heads' own, and falling from the encoder's last layer to its first."""
        layers = list(self.encoder.encoder.layer)
        depth = {
            id(weight): len(layers) - number for number, layer in enumerate(layers) for weight in layer.parameters()
        }
        groups: dict[int, list[nn.Parameter]] = {}
        for weight in filter(lambda one: one.requires_grad, self.encoder.parameters()):
            groups.setdefault(depth.get(id(weight), len(layers) + 1) - 1, []).append(weight)
        rates: list[dict[str, Any]] = [
            {"params": weights, "lr": recipe.rate * recipe.decay**below} for below, weights in groups.items()
        ]
        return [*rates, {"params": list(self.heads.parameters()), "lr": recipe.head_rate}]


class Mean(nn.Module):
    """The vectors of a network's encoder and nothing else."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Shape (n, width)."""
        return self.network.mean(ids, mask)


def learn(
    network: Headed,
    tokens: Sequence[Numbers],
    targets: Sequence[Array],
    weights: Array,
    recipe: Recipe,
    padding: int,
    after_batch: Callable[[], None],
    left_out_loss: Callable[[], float],
    checkpoint: Checkpoint,
) -> int:
    """Fit all weights; the number of the epoch whose weights are kept, from 1.

    That is the last one, in which the rates have come down to nothing; where learning stopped early, it is the one that
    did best on rows left out.

    Parameters
    ----------
    tokens : list of array of int
        A text each.
    targets : list of array, shape (n, n_labels), one a head
        How much of a row's probability belongs on each label. A row that sums to 1 is learnt by cross-entropy; one
        that holds 1 for several labels says only that the label is among them; zeros teach nothing.
    weights : array, shape (n,)
        How much each row counts.
    after_batch : function
        Progress.
    left_out_loss : function
        What the network as it is loses on the rows left out. Learning stops when it was less two epochs ago.
    checkpoint : Checkpoint
        Of this training; when it was stopped, the epochs done are not done again.
    """
    _keep_memory()
    rng = np.random.default_rng(recipe.seed)
    optimizer = torch.optim.AdamW(network.rates(recipe), weight_decay=0.01, fused=True)
    rates = [group["lr"] for group in optimizer.param_groups]
    each = math.ceil(len(tokens) / recipe.batch)
    wanted = [torch.tensor(one, dtype=torch.float32) for one in targets]
    counts = torch.tensor(weights, dtype=torch.float32)
    best: dict[str, Any] = {"loss": math.inf, "epoch": 0, "weights": {}}
    done = 0
    if kept := checkpoint.load():
        tensors, facts = kept
        restore(network, optimizer, rng, tensors, facts)
        best = {"loss": facts["loss"], "epoch": facts["best"], "weights": under("best", tensors)}
        done = facts["epoch"]
        for _ in range(done * each):
            after_batch()
    for epoch in range(done + 1, recipe.epochs + 1):
        network.train()
        shown = _shown(tokens, recipe.alone, rng)  # before rows of like length come together
        for step, rows in enumerate(_batches(shown, recipe.batch, rng), (epoch - 1) * each):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * _slope(step, recipe.epochs * each, recipe.warm_up)
            optimizer.zero_grad()
            for part in _parts(rows, shown, network.at_once):
                chosen = torch.from_numpy(part)
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast()):
                    logits = network(*_padded([shown[row] for row in part], padding))
                losses = [
                    _loss(one.float(), target[chosen], recipe.smoothing, ordinal)
                    for one, target, ordinal in zip(logits, wanted, recipe.ordinal, strict=True)
                ]
                loss = (torch.stack(losses).sum(0) * counts[chosen]).sum() / len(rows)
                loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            after_batch()
        if epoch == recipe.epochs:
            best["epoch"] = epoch
            break
        loss_now = left_out_loss()
        if loss_now < best["loss"]:
            weights_now = {name: value.clone() for name, value in network.state_dict().items()}
            best = {"loss": loss_now, "epoch": epoch, "weights": weights_now}
        if epoch - best["epoch"] >= PATIENCE:
            network.load_state_dict(best["weights"])
            break
        tensors, facts = training_state(network, optimizer, rng)
        tensors |= {f"best.{name}": value for name, value in best["weights"].items()}
        checkpoint.save(tensors, {**facts, "epoch": epoch, "loss": best["loss"], "best": best["epoch"]})
    checkpoint.clear()
    return int(best["epoch"])


def logits(network: Headed, tokens: Sequence[Numbers], padding: int, batch: int = 64) -> list[Array]:
    """What every head says of each text, shape (n, n_labels) a head."""
    return _all(network.eval(), tokens, padding, batch, network.sizes)


def states(network: Network, tokens: Sequence[Numbers], padding: int, batch: int = 64) -> Array:
    """The vector of each text, shape (n, width)."""
    network.eval()
    width = int(network.encoder.config.hidden_size)
    return _all(lambda *padded: [network.mean(*padded)], tokens, padding, batch, [width])[0]


def _all(
    ask: Callable[..., Sequence[Tensor]], tokens: Sequence[Numbers], padding: int, batch: int, sizes: Sequence[int]
) -> list[Array]:
    """What a network answers to all texts, asked in batches of like length."""
    order = np.argsort([len(one) for one in tokens], kind="stable")
    found = [np.zeros((len(tokens), size)) for size in sizes]
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast()):
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            answers = ask(*_padded([tokens[row] for row in rows], padding))
            for whole, part in zip(found, answers, strict=True):
                whole[rows] = part.float().numpy()
    return found


def _keep_memory() -> None:
    """Let glibc keep what is freed: a step frees gigabytes, and to get them back from the system took up to a quarter of it."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option:
        map_at_most, trim_above = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
        set_option(map_at_most, 0)
        set_option(trim_above, 2**31 - 1)


def fast() -> bool:
    """Whether this processor multiplies bfloat16 itself; elsewhere it would be slower than float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def weights(network: nn.Module) -> dict[str, NDArray[Any]]:
    """All weights by name."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


def _padded(rows: Sequence[Numbers], padding: int) -> tuple[Tensor, Tensor]:
    numbers, mask = padded(rows, padding)
    return torch.from_numpy(numbers), torch.from_numpy(mask)


def _shown(rows: Sequence[Numbers], alone: float, rng: np.random.Generator) -> list[Numbers]:
    """The texts, a share of them without their neighbours, so that a sentence is not judged by these."""
    hidden = rng.random(len(rows)) < alone
    return [row[row >= 0] if hide else row for row, hide in zip(rows, hidden, strict=True)]


def _loss(found: Tensor, target: Tensor, smoothing: float, ordinal: float) -> Tensor:
    """Loss of each row, 0 where the target is empty."""
    logs = torch.log_softmax(found, dim=1)
    total = target.sum(1)
    several = -torch.logsumexp(logs.masked_fill(target <= 0, -torch.inf), dim=1)
    exact = -(target * logs).sum(1)
    loss = torch.where(total > 1.5, several, exact)
    loss = (1 - smoothing) * loss - smoothing * logs.mean(1)
    if ordinal:
        apart = ((logs.exp() - target).cumsum(1) ** 2).sum(1)
        loss = loss + ordinal * torch.where(total > 1.5, 0.0, apart)
    return torch.where(total > 0, loss, torch.zeros_like(loss))


def _slope(step: int, steps: int, warm_up: float) -> float:
    """Share of the learning rate: up in a line, then down in one."""
    rising = max(1, round(warm_up * steps))
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / max(1, steps - rising))


def _parts(rows: NDArray[np.intp], tokens: Sequence[Numbers], at_once: int) -> list[NDArray[np.intp]]:
    """A batch in parts that fit into memory; their gradients add up to those of the whole."""
    longest = max(len(tokens[row]) for row in rows)
    return np.array_split(rows, min(len(rows), -(-len(rows) * longest // at_once)))


def _batches(tokens: Sequence[Numbers], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Rows of every batch of one epoch, of like length and in random order."""
    lengths = np.array([len(one) for one in tokens])
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), size * POOL):
        pool = order[start : start + size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[place : place + size] for place in range(0, len(pool), size)]
    for number in rng.permutation(len(batches)):
        yield batches[number]
