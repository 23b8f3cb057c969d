"""What a long training leaves behind, so that one that was stopped goes on where it was and nothing is learnt twice."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from escalation import files, project


class Checkpoint:
    """One file in the home folder, named by all that the training depends on.

    Parameters
    ----------
    made_of : mapping
        Plain data and arrays; another value of any of them is another training.
    folder : str
        Below the home's data folder.
    """

    def __init__(self, made_of: Mapping[str, Any], folder: str = "checkpoints"):
        digest = hashlib.sha256()
        for name, value in sorted(made_of.items()):
            content = value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode()
            digest.update(f"{name} {len(content)} ".encode() + content)
        self.path = project.home() / "data" / folder / f"{digest.hexdigest()[:16]}.safetensors"

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Replace what was there."""
        with files.replacing(self.path) as temporary:
            plain = {name: value.contiguous() for name, value in tensors.items()}
            save_file(plain, temporary, metadata={"facts": json.dumps(facts)})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved last; None when there is nothing, or nothing that can be read."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as stream:
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # no mapping
                return tensors, json.loads(stream.metadata()["facts"])
        except (OSError, SafetensorError):
            return None

    def clear(self) -> None:
        """The training is over."""
        self.path.unlink(missing_ok=True)


def training_state(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, rng: np.random.Generator
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Everything that the next epoch depends on: weights, moments, and both generators of random numbers."""
    tensors = {f"weights.{name}": value for name, value in network.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"moments.{number}.{name}": value for name, value in moments.items()}
    tensors["random"] = torch.get_rng_state()
    return tensors, {"rng": rng.bit_generator.state}


def restore(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> None:
    """Undo what has happened since `training_state`."""
    network.load_state_dict(under("weights", tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in under("moments", tensors).items():
        number, _, kind = name.partition(".")
        moments.setdefault(int(number), {})[kind] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    torch.set_rng_state(tensors["random"])
    rng.bit_generator.state = facts["rng"]


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
