"""Pictures of a sweep. Like those of an evaluation they are returned, not saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from escalation.evaluation.importance import column, is_log
from escalation.evaluation.plots import COLOURS, GRID, INK, QUIET, _figure, _plain, _title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = 6  # on an axis of numbers


def parallel_coordinates(
    settings: Sequence[Mapping[str, str]], figures: Sequence[float], metric: str, sign: int = 1
) -> Figure:
    """Draw an axis a setting and one for the metric, and a line through them for each child, the best the darkest.

    Parameters
    ----------
    settings : list of mapping
    figures : list of float
    sign : int
        -1 where less is better.
    """
    from matplotlib import colormaps

    keys = list(settings[0])
    axes_of = [_axis([one.get(key, "") for one in settings]) for key in keys]
    axes_of.append(_axis([repr(float(one)) for one in figures], numbers=True))
    figure, axes = _figure(2.4 + 1.9 * len(axes_of), 5.2)
    order = np.argsort(sign * np.asarray(figures))
    spread = np.ptp(figures) or 1.0
    shift = np.random.default_rng(0).uniform(-0.012, 0.012, (len(figures), len(axes_of)))  # lines of one value apart
    for row in order:
        good = (sign * figures[row] - min(sign * np.asarray(figures))) / spread
        best = row == order[-1]
        heights = [places[row] for places, _ in axes_of] + shift[row] * [*[1] * len(keys), 0]
        axes.plot(
            range(len(axes_of)),
            heights,
            color=COLOURS[3] if best else colormaps["Blues"](0.25 + 0.65 * good),
            linewidth=2.6 if best else 1.3,
            alpha=1 if best else 0.85,
            zorder=3 if best else 2,
        )
    for place, (_, ticks) in enumerate(axes_of):
        axes.axvline(place, color=QUIET, linewidth=1, zorder=1)
        side, align = (0.05, "left") if place == len(keys) else (-0.05, "right")  # lines end at the last axis
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
        for height, told in ticks:
            axes.text(
                place + side, height, _plain(told), ha=align, va="center", size=8.5, color=INK, bbox=box, zorder=4
            )
    axes.set_xticks(range(len(axes_of)), [_plain(_short(key)) for key in [*keys, metric]])
    axes.set_yticks([])
    axes.set_xlim(-0.6, len(axes_of) - 0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    best = named_figure(figures[order[-1]])
    _title(
        axes, f"{len(figures)} children by {metric}", f"a line a child, darker is better; the best, {best}, in orange"
    )
    return figure


def importances(shares: Mapping[str, float], how: str, metric: str, n: int) -> Figure:
    """Show the share of the metric's variance that each setting explains."""
    figure, axes = _figure(7.2, 1.5 + 0.45 * len(shares))
    places = np.arange(len(shares))[::-1]
    axes.barh(places, list(shares.values()), color=COLOURS[0], height=0.6)
    for place, share in zip(places, shares.values(), strict=True):
        axes.text(share + 0.01, place, f"{share:.2f}", va="center", size=9, color=INK)
    axes.set_yticks(places, [_plain(key) for key in shares])
    axes.set_xlim(0, 1.08)
    axes.xaxis.grid(True, color=GRID)
    axes.set_axisbelow(True)
    _title(axes, f"What moved {metric}", f"share of the variance over {n} children, by {how}")
    return figure


def named_figure(value: float) -> str:
    """A figure as an axis tells it."""
    return f"{value:.4g}"


def _short(key: str) -> str:
    """A key without what only says where it is."""
    return key.replace("hydra.", "").replace("model.", "").replace(".", ".\n", 1) if len(key) > 16 else key


def _axis(values: Sequence[str], numbers: bool = False) -> tuple[Any, list[tuple[float, str]]]:
    """Heights from 0 to 1 of the values, and where an axis names which."""
    found: list[Any] = list(column(values))
    distinct = sorted(set(found))
    if isinstance(found[0], str) or (len(distinct) <= TICKS and not numbers):
        step = {
            value: place / max(1, len(distinct) - 1) if len(distinct) > 1 else 0.5
            for place, value in enumerate(distinct)
        }
        names = dict(zip(found, values, strict=True))
        return np.array([step[one] for one in found]), [(step[one], names[one]) for one in distinct]
    plain = np.array(found, dtype=float)
    log = not numbers and is_log(plain.tolist())
    scaled = np.log(plain) if log else plain
    low, width = scaled.min(), np.ptp(scaled) or 1.0
    marks = np.linspace(scaled.min(), scaled.max(), TICKS)
    ticks = [(float((mark - low) / width), named_figure(float(np.exp(mark) if log else mark))) for mark in marks]
    return (scaled - low) / width, ticks
