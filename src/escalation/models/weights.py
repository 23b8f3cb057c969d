"""What a linear text model goes by: the features that weigh most for each label."""

from typing import Any

import numpy as np


def top_features(model: Any, count: int = 12) -> dict[str, list[tuple[str, float]]]:
    """The heaviest features of each label, or nothing for a model that is not linear over named features.

    Returns
    -------
    dict of label to list of (feature, weight), heaviest first
    """
    steps = getattr(model, "steps", None)
    coefficients = getattr(steps[-1][1], "coef_", None) if steps else None
    if coefficients is None:
        return {}
    classes = model.classes_
    if len(coefficients) == 1:  # two classes share one row of weights
        coefficients = np.vstack([-coefficients[0], coefficients[0]])
    names = model[:-1].get_feature_names_out()
    return {
        str(label): [(str(names[i]), float(row[i])) for i in np.argsort(-row)[:count]]
        for label, row in zip(classes, coefficients, strict=True)
    }
