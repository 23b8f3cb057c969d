"""What a model answers, checked before anything is made of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook
from escalation.errors import ModelError


def probabilities(model: Any, codebook: Codebook, texts: Sequence[str]) -> NDArray[np.float64]:
    """What the model says, shape (n, n_labels), checked.

    Raises
    ------
    ModelError
        The model does not answer with one probability a label of the codebook.
    """
    answer = np.asarray(model.predict_proba(list(texts)), dtype=np.float64)
    wanted = (len(texts), len(codebook.labels))
    if answer.shape != wanted or not np.isfinite(answer).all():
        raise ModelError(
            f"the model's answer has shape {answer.shape}, not {wanted}, or holds numbers that are not finite: "
            f"it does not fit codebook {codebook.name}; train it anew"
        )
    return answer
