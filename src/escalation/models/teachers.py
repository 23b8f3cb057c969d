"""What teachers say of texts, for a student to learn; kept in the home folder, because teachers take long to learn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from escalation.codebook import Codebook
from escalation.context import neighbours
from escalation.models.lazy import torch_network

if TYPE_CHECKING:
    from escalation.models.multihead import MultiHead

Array = NDArray[np.float64]
Lesson = tuple[Sequence[str], pd.DataFrame, Sequence[str] | None, Sequence[float] | None]  # what `fit` takes


def answers(
    teachers: "Sequence[MultiHead]", codebooks: Sequence[Sequence[Codebook]], asked: Sequence[str], lesson: Lesson
) -> dict[str, Array]:
    """Mean probabilities of several teachers by head, shape (n, n_labels) each.

    Parameters
    ----------
    teachers : list of MultiHead
        One that is not fitted learns the lesson first, unless it once did and was asked the same.
    codebooks : list of list of Codebook
        The heads that it gets.
    asked : list of str
    lesson : tuple
        Texts, labels, groups and weights, as `MultiHead.fit` takes them.
    """
    found = [
        teacher.probabilities(asked) if hasattr(teacher, "network_") else _once(teacher, codebooks, asked, lesson)
        for teacher in teachers
    ]
    return {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}


def keep(teacher: "MultiHead", asked: Sequence[str], lesson: Lesson) -> None:
    """Have a fitted teacher say now what its students will ask, so that none of them has to wait for one like it.

    Parameters
    ----------
    teacher : MultiHead
        Fitted on the lesson.
    asked : list of str
    lesson : tuple
        As `answers` takes it.
    """
    _save(_kept(teacher, teacher.codebooks, asked, lesson), teacher.probabilities(asked))


def _once(
    teacher: "MultiHead", codebooks: Sequence[Sequence[Codebook]], asked: Sequence[str], lesson: Lesson
) -> dict[str, Array]:
    kept = _kept(teacher, codebooks, asked, lesson)
    if before := kept.load():
        return {name: one.numpy() for name, one in before[0].items()}
    fitted = clone(teacher).set_params(codebooks=codebooks).fit(*lesson)
    return _save(kept, fitted.probabilities(asked))


def _save(kept: Any, said: dict[str, Array]) -> dict[str, Array]:
    kept.save({name: torch_network().torch.from_numpy(one) for name, one in said.items()}, {})
    return said


def _kept(teacher: "MultiHead", codebooks: Sequence[Sequence[Codebook]], asked: Sequence[str], lesson: Lesson) -> Any:
    """Where the answers are: named by the teacher, its lesson and what it is asked."""
    texts, labels, groups, weights = lesson
    names = [book.name for chain in codebooks for book in chain if book.name in labels]
    learnt_by = {key: value for key, value in teacher.get_params().items() if key not in ("codebooks", "progress")}
    made_of: dict[str, Any] = {
        "teacher": repr((type(teacher).__name__, sorted(learnt_by.items()))),
        "heads": [chain[0].to_mapping() for chain in codebooks],
        "labels": [labels[name].tolist() for name in names],
        "groups": [] if groups is None else list(groups),
        "weights": [] if weights is None else list(map(float, weights)),
        "texts": [(text, *neighbours(text)) for text in texts],
        "asked": [(text, *neighbours(text)) for text in asked],
    }
    return torch_network().Checkpoint(made_of, "answers")
