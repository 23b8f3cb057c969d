"""How figures and labels of a comparison are said."""

from collections.abc import Mapping
from typing import Any

NAMES = {
    "qwk": "quadratic weighted kappa",
    "mae": "mean error, rungs",
    "off_by_two": "off by two or more",
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error",
}


def spoken(label: str) -> str:
    """A label as people write it; event types keep their capitals."""
    return label.replace("_", " ")


def amount(value: float | None) -> str:
    """A cost with the digits that matter."""
    if value is None:
        return "not measured"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def change(one: Mapping[str, Any], lower: bool = False) -> str:
    """Which run is better in a pair of figures, '' for neither; `lower` where less is better."""
    if one["first"] is None or one["second"] is None or one["first"] == one["second"]:
        return ""
    return "second" if (one["second"] > one["first"]) != lower else "first"
