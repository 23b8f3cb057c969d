"""The benchmark as a Markdown table and as a picture of quality against speed."""

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from systems import BASE, DISTILLED, INTEGERS, SMALL, STATIC, SYSTEMS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

ORDER = [name for name in SYSTEMS if name != STATIC] + [INTEGERS, STATIC]
# Published figures on PLV's test file and on AW's, macro-F1 in %, and where they stand.
PUBLISHED = [
    ("ZSP tree, roberta-large NLI (355M)", 89.6, 82.4, 88.0, "Hu et al. 2024, their own files"),
    ("GPT-4 with codebook", 76.7, 61.5, 87.0, "quoted in the same authors' code"),
    ("Gemma2-9B, enriched codebook", 86.9, 71.8, 76.1, "2026 paper, quoted in its code"),
    ("GPT-3.5", 66.2, 40.9, 76.3, "quoted in the same authors' code"),
    ("Universal PETRARCH (dictionaries)", None, None, 67.2, "quoted in the same authors' code"),
]
# Where a name may stand, in points from its own.
BESIDE = [(7, 4, "left"), (8, -4, "left"), (7, -13, "left"), (-7, 4, "right"), (-7, -13, "right"), (0, -18, "center")]
COLUMNS = {
    "news κ": ("ladder", "news", "qwk", 3),
    "news F1": ("ladder", "news", "macro_f1", 3),
    "news MAE": ("ladder", "news", "mae", 2),
    "news ECE": ("ladder", "news", "ece", 3),
    "authored κ": ("ladder", "authored", "qwk", 3),
    "authored F1": ("ladder", "authored", "macro_f1", 3),
    "authored ECE": ("ladder", "authored", "ece", 3),
    "PLV quad": ("events", "plv.penta", "macro_f1", 3),
    "PLV root": ("events", "plv.root", "macro_f1", 3),
    "PLV root ECE": ("events", "plv.root", "ece", 3),
    "CAMEO penta": ("events", "cameo.penta", "macro_f1", 3),
    "CAMEO ECE": ("events", "cameo.penta", "ece", 3),
    "AW": ("aw", "aw.polarity", "macro_f1", 3),
    "AW marked": ("aw", "aw_marked.polarity", "macro_f1", 3),
}
INK, GRID = "#22303c", "#d9e0e6"


def table(found: Mapping[str, Any]) -> str:
    """All figures in Markdown."""
    known = [name for name in ORDER if any(key.startswith(f"{name} · ") for key in found["cells"])]
    lines = [
        "# Benchmark",
        "",
        "Made by `make benchmark`: every kind of model on the same rows.",
        "Mean ± standard deviation where there are several seeds. News: the annotated half of real sentences that nothing is",
        "trained on. Authored: rows held out. PLV, CAMEO: 5 folds of the training files, group-aware, choosing among the labels",
        "that occur; encoders learn both at once. AW: 5 folds, plain text and with source and target marked. ECE: of calibrated",
        "probabilities.",
        "",
        _row(["system", *COLUMNS]),
        _row(["---", *["---:"] * len(COLUMNS)]),
    ]
    lines += [_row([name, *(_spread(found["cells"], name, *where) for where in COLUMNS.values())]) for name in known]
    lines += ["", "![quality against speed](quality_speed.png)", "", "## Behaviour and cost", ""]
    cost = [
        "direction",
        "invariance",
        "benign",
        "swap",
        "training s",
        "training MB",
        "sentences/s, 1 core",
        "2 cores",
        "MB",
        "memory MB",
        "machine",
    ]
    lines += [_row(["system", *cost]), _row(["---", *["---:"] * len(cost)])]
    lines += [_row([name, *_cost(found, name)]) for name in known]
    lines += [
        "",
        "Behaviour in % passed, swap in points of escalation that the names of countries move a sentence by, on average.",
        *(f"Machine {letter}: {name}." for name, letter in _letters(found).items()),
        "",
    ]
    lines += [
        "## Published figures, on the test files",
        "",
        _row(["system", "PLV quad", "PLV root", "AW", "source"]),
        "|---|---:|---:|---:|---|",
    ]
    lines += [
        _row([name, *("" if one is None else f"{one:.1f}" for one in figures), source])
        for name, *figures, source in PUBLISHED
    ]
    return "\n".join(lines) + "\n"


def picture(found: Mapping[str, Any]) -> "Figure":
    """Agreement on real news against sentences a second on two cores."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    letters = _letters(found)
    points: dict[str, tuple[float, float]] = {}
    for name in ORDER:
        values = _values(found["cells"], name, "ladder", "news", "qwk")
        pace = found["speed"].get(name, {}).get("cores_2")
        if values and pace and name != "majority":
            ours = name in (BASE, SMALL, DISTILLED, INTEGERS, STATIC)
            axes.errorbar(
                pace,
                statistics.mean(values),
                yerr=statistics.stdev(values) if len(values) > 1 else None,
                fmt="o" if ours else "s",
                color="#0072B2" if ours else "#6b7a88",
                capsize=3,
            )
            machine = f" ({letters[found['speed'][name]['machine']]})" if len(letters) > 1 else ""
            points[name + machine] = pace, statistics.mean(values)
    axes.set_xscale("log")
    axes.set_xlabel("sentences a second, two cores")
    axes.set_ylabel("quadratic weighted kappa, real news")
    axes.margins(x=0.22, y=0.12)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.draw_without_rendering()  # from here on it is known where on the picture a point is
    around = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform(list(points.values()))]
    for name, place in sorted(points.items(), key=lambda one: -one[1][1]):
        around.append(_named(axes, name, place, around))
    return figure


def _named(axes: "Axes", name: str, place: tuple[float, float], taken: "list[Bbox]") -> "Bbox":
    """Write a name beside its point, where it covers nothing if there is such a place; what it covers now."""
    for x, y, side in BESIDE:
        text = axes.annotate(name, place, xytext=(x, y), textcoords="offset points", ha=side, size=9, color=INK)
        covered = text.get_window_extent().padded(2)
        if (x, y, side) == BESIDE[-1] or not any(covered.overlaps(one) for one in taken):
            break
        text.remove()
    return covered


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _values(cells: Mapping[str, Any], name: str, task: str, part: str, figure: str) -> list[float]:
    rows = [one for key, one in cells.items() if key.startswith(f"{name} · {task} · ") and part in one]
    return [float(one[part][figure]) for one in rows]


def _spread(cells: Mapping[str, Any], name: str, task: str, part: str, figure: str, digits: int) -> str:
    values = _values(cells, name, task, part, figure)
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def _letters(found: Mapping[str, Any]) -> dict[str, str]:
    """A letter for each machine."""
    known = sorted({one["machine"] for part in ("cells", "speed") for one in found[part].values()})
    return dict(zip(known, "abcdefgh", strict=False))


def _cost(found: Mapping[str, Any], name: str) -> list[str]:
    cells = [one for key, one in found["cells"].items() if key.startswith(f"{name} · ladder · ")]
    pace = found["speed"].get(name, {})
    if not cells:
        return [""] * 11
    told = [
        f"{100 * statistics.mean(one['behaviour'][key] for one in cells):.0f}"
        for key in ("direction", "invariance", "benign")
    ]
    told.append(f"{statistics.mean(one['behaviour']['swap'] for one in cells):.1f}")
    where = pace.get("machine", cells[0]["machine"])
    there = [one for one in cells if one["machine"] == where]
    for key in ("seconds", "memory"):
        known = [one[key] for one in there if one[key] is not None]
        told.append(f"{statistics.mean(known):,.0f}" if known else "")
    told += [f"{pace[key]:,}" if key in pace else "" for key in ("cores_1", "cores_2", "mb", "memory")]
    return [*told, _letters(found)[where]]
