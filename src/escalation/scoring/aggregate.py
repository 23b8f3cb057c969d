"""From the sentences' label distributions to the figures of an article."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook

NORMAL_90 = 1.645  # standard deviations on either side that hold 90 % of a normal distribution

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregate:
    """Figures of an article, 0 … 100 points, and what each of its `n` sentences adds to its escalation.

    Parameters
    ----------
    escalation, de_escalation, threat, act : float
    low, high : float
        90 % interval of `escalation`.
    shares : array of shape (n,)
        Points that sum to `escalation`.
    """

    escalation: float
    de_escalation: float
    threat: float
    act: float
    low: float
    high: float
    shares: Array


def power_mean(points: Array, power: float) -> float:
    """``(mean points^power)^(1/power)`` of `n` ≥ 1 figures that are not negative; 0 when all are 0.

    Power 1 is the plain mean; the higher the power, the nearer the greatest figure.

    Examples
    --------
    >>> round(power_mean(np.array([0.0, 0.0, 0.0, 80.0]), 4), 1)
    56.6
    """
    top = float(points.max())
    return top * (float(((points / top) ** power).sum()) / len(points)) ** (1 / power) if top > 0 else 0.0


def top(points: Array, count: int) -> NDArray[np.intp]:
    """Where the highest `count` figures stand, or all where there are fewer; of equal ones the first."""
    return np.argsort(-points, kind="stable")[:count]


def aggregate(probabilities: Array, codebook: Codebook) -> Aggregate:
    """Figures of an article from the label distributions of its sentences, shape (n, n_labels), n ≥ 1.

    With the points ``s_i`` of sentence i and the codebook's power p, the escalation is the power mean
    ``E = (mean s_i^p)^(1/p)`` over the k highest sentences, k being the codebook's `top` or all n where these are fewer: so
    what stands below an article, and how long it is, hardly matters. As ``E = Σ a_i s_i`` with
    ``a_i = s_i^(p-1) / (k E^(p-1)) = ∂E/∂s_i``, and 0 for the others, the parts of the sentences from words and from deeds,
    weighted by the same ``a_i``, add up to E. De-escalation is the same of its own points.

    The interval is by the delta method: ``var E = Σ a_i² var_i``, with ``var_i`` the variance of the points under the
    distribution of sentence i, ± 1.645 standard deviations, kept within 0 … 100. It takes the distributions as calibrated
    and the sentences as independent; errors that a model makes on all sentences of an article alike are not in it.
    """
    power = codebook.power
    points, squares, words, deeds, calming = (probabilities @ codebook.columns).T
    highest = top(points, codebook.top)
    escalation = power_mean(points[highest], power)
    slopes = np.zeros_like(points)
    if escalation > 0:
        slopes[highest] = (points[highest] / escalation) ** (power - 1) / len(highest)
    variances = np.maximum(squares - points**2, 0.0)
    spread = NORMAL_90 * math.sqrt(slopes**2 @ variances)
    return Aggregate(
        escalation,
        power_mean(calming[top(calming, codebook.top)], power),
        float(slopes @ words),
        float(slopes @ deeds),
        max(escalation - spread, 0.0),
        min(escalation + spread, 100.0),
        slopes * points,
    )
