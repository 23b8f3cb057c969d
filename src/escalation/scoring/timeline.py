"""Dated scores to a line over time: means by day or week and group, with intervals, and the articles behind each peak."""

import csv
import heapq
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from escalation.errors import ConfigError, InputError
from escalation.scoring.aggregate import NORMAL_90
from escalation.scoring.documents import LIMIT
from escalation.scoring.rows import records
from escalation.scoring.tables import reading, sources
from escalation.scoring.tables.columns import FIGURES

EVERY = ("day", "week")
ALL = "all"  # the group where there are none
DRIVERS = 3  # articles a period
PRIOR = 4  # articles that the variance within all periods of a group counts for in each
NAMES = ("title", "headline", "url", "id", "text")  # what an article is called: the first that it has
NAME_LENGTH = 120
ROWS = 1000

_COMPACT = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}  # as GDELT writes dates


@dataclass(frozen=True)
class Article:
    """What an article adds to its period."""

    escalation: float
    name: str


@dataclass
class Cell:
    """The articles of a group in a period, summed up."""

    count: int = 0
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FIGURES, 0.0))
    squares: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FIGURES, 0.0))
    highest: list[tuple[float, int, str]] = field(
        default_factory=list
    )  # a heap; the number keeps the first of equal ones

    def add(self, figures: Mapping[str, float], name: str, number: int) -> None:
        """One more article, the `number`th of all."""
        self.count += 1
        for key, value in figures.items():
            self.sums[key] += value
            self.squares[key] += value * value
        push = heapq.heappush if len(self.highest) < DRIVERS else heapq.heappushpop
        push(self.highest, (figures["escalation"], -number, name))


@dataclass(frozen=True)
class Point:
    """A group in a period.

    Parameters
    ----------
    period : date
        Its first day.
    group : str
    count : int
        Articles.
    means, low, high : dict of str to float
        Of each figure, 0 … 100, with the ends of its 90 % interval.
    peak : bool
        Whether the escalation is above the group's usual and above the periods on both sides.
    drivers : list of Article
        The most escalatory, the highest first.
    """

    period: date
    group: str
    count: int
    means: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    peak: bool
    drivers: list[Article]


@dataclass(frozen=True)
class Timeline:
    """All points, by group and period, and how many rows had no date or no score."""

    points: list[Point]
    every: str
    undated: int
    unscored: int


def timeline(address: str, date_column: str = "date", by: str | None = None, every: str = "day") -> Timeline:
    """Read scored rows, as `escalation batch` writes them, in memory that grows with the periods and not with the rows.

    The interval of a mean of n articles is ± 1.645 standard errors. The variance of a period's articles is estimated from them
    and, as if these were four articles more, from all periods of the group, so that one article alone has an interval too.

    Parameters
    ----------
    address : str
        A file, a folder or a glob; fsspec addresses too.
    date_column : str
        ISO 8601, or YYYYMMDD with or without HHMMSS; times with a zone count by the day in UTC.
    by : str, optional
        Column of the groups.
    every : {"day", "week"}
        Weeks begin on Monday.

    Raises
    ------
    ConfigError
        A column is missing, or `every` is unknown.
    InputError
        No row has a date and a score.
    """
    if every not in EVERY:
        raise ConfigError(f"every is {every!r}: it must be {' or '.join(EVERY)}")
    cells: dict[str, dict[date, Cell]] = defaultdict(lambda: defaultdict(Cell))
    undated = unscored = 0
    columns: dict[str, None] = {}
    for number, row in enumerate(_rows(address, [date_column, *([by] if by else []), *FIGURES, *NAMES])):
        columns.update(dict.fromkeys(row))
        day = day_of(row.get(date_column))
        figures = _figures(row)
        undated += day is None
        unscored += figures is None
        if day and figures:
            period = day - timedelta(days=day.weekday()) if every == "week" else day
            group = ALL if by is None else str(row.get(by) if row.get(by) not in (None, "") else "none")
            cells[group][period].add(figures, _name(row, number), number)
    for name in (date_column, by, "escalation"):
        if name and columns and name not in columns:
            known = ", ".join(columns)
            raise ConfigError(f"no column {name!r} in {address}: name it by --date-column or --by; there are {known}")
    if not cells:
        raise InputError(f"no row of {address} has both a date and a score: is it what `escalation batch` wrote?")
    points = [point for group in sorted(cells) for point in _points(group, cells[group], every)]
    return Timeline(points, every, undated, unscored)


def as_csv(found: Timeline) -> str:
    """A row a point; the drivers as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")]
    writer.writerow([found.every, "group", "articles", *figures, "peak", "drivers"])
    for point in found.points:
        values = [round(of[name], 2) for name in FIGURES for of in (point.means, point.low, point.high)]
        drivers = [{"escalation": one.escalation, "article": one.name} for one in point.drivers]
        said = json.dumps(drivers, ensure_ascii=False)
        writer.writerow([point.period, point.group, point.count, *values, "yes" if point.peak else "no", said])
    return text.getvalue()


def day_of(value: Any) -> date | None:
    """The day of a date in one of the forms that are read, else None.

    Examples
    --------
    >>> [str(day_of(one)) for one in ("2026-03-01T23:30:00-05:00", 20260301, "20260301121500", "March")]
    ['2026-03-02', '2026-03-01', '2026-03-01', 'None']
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = value if isinstance(value, datetime) else _parsed(str(value).strip())
    if moment is None:
        return None
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _parsed(text: str) -> datetime | None:
    try:
        if text.isdecimal():
            return datetime.strptime(text, _COMPACT[len(text)])  # such dates name no zone
        return datetime.fromisoformat(text)
    except (ValueError, KeyError):
        return None


def _rows(address: str, columns: list[str]) -> Iterator[Mapping[str, Any]]:
    for place, source in enumerate(sources.found(address)):
        for chunk in reading.chunks(reading.Piece(source, place), ROWS, LIMIT, columns):
            found, _ = records(chunk)
            yield from found if isinstance(found, list) else found.to_pylist()


def _figures(row: Mapping[str, Any]) -> dict[str, float] | None:
    try:
        return {name: float(row[name]) for name in FIGURES}
    except (KeyError, TypeError, ValueError):
        return None


def _name(row: Mapping[str, Any], number: int) -> str:
    for name in NAMES:
        value = " ".join(str(row.get(name) if row.get(name) is not None else "").split())
        if value:
            return value if len(value) <= NAME_LENGTH else value[: NAME_LENGTH - 1] + "…"
    return f"row {number + 1}"


def _points(group: str, cells: Mapping[date, Cell], every: str) -> list[Point]:
    """The points of one group in order."""
    periods = sorted(cells)
    usual = median(cells[period].sums["escalation"] / cells[period].count for period in periods)
    pooled = {name: _pooled(list(cells.values()), name) for name in FIGURES}
    step = timedelta(days=7 if every == "week" else 1)
    points = []
    for period in periods:
        cell = cells[period]
        means = {name: cell.sums[name] / cell.count for name in FIGURES}
        spread = {}
        for name, mean in means.items():
            within = max(cell.squares[name] - cell.count * mean * mean, 0.0)
            variance = (within + PRIOR * pooled[name]) / (cell.count - 1 + PRIOR)
            spread[name] = NORMAL_90 * (variance / cell.count) ** 0.5
        beside = [cells[other] for other in (period - step, period + step) if other in cells]
        higher = all(means["escalation"] > other.sums["escalation"] / other.count for other in beside)
        low = {name: max(mean - spread[name], 0.0) for name, mean in means.items()}
        high = {name: min(mean + spread[name], 100.0) for name, mean in means.items()}
        drivers = [Article(escalation, name) for escalation, _, name in sorted(cell.highest, reverse=True)]
        peak = higher and low["escalation"] > usual
        points.append(Point(period, group, cell.count, means, low, high, peak, drivers))
    return points


def _pooled(cells: list[Cell], name: str) -> float:
    """Variance of a figure within the periods of a group; where each has one article, among all of them."""
    within = sum(max(cell.squares[name] - cell.sums[name] ** 2 / cell.count, 0.0) for cell in cells)
    freedom = sum(cell.count - 1 for cell in cells)
    if freedom:
        return within / freedom
    count = len(cells)
    mean = sum(cell.sums[name] for cell in cells) / count
    return sum(cell.squares[name] for cell in cells) / count - mean * mean
