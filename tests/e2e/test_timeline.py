"""`escalation timeline`: dated scores over time, as csv and as a chart."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import one_line_error, run

from escalation.scoring.timeline import Cell, _points


def row(day: object, escalation: float | None, source: str = "one", **more: Any) -> dict[str, Any]:
    figures = {
        "escalation": escalation,
        "de_escalation": 1.0,
        "threat": escalation and escalation / 4,
        "act": escalation,
    }
    return {"date": day, "source": source, **figures, "error": None, **more}


def scores(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def calm_then_peak() -> list[dict[str, Any]]:
    rows = [row(f"2026-03-{day:02d}", 10 + index, title=f"calm {day}") for day in range(1, 15) for index in range(4)]
    return [*rows, *(row("2026-03-07T12:00:00", 90 + index, title=f"attack {index}") for index in range(12))]


def table(home: Path, *words: Any) -> list[dict[str, str]]:
    done = run(home, "escalation", "timeline", *map(str, words))
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_days_with_a_peak_and_who_drove_it(home: Path, tmp_path: Path) -> None:
    found = table(home, scores(tmp_path / "s.jsonl", calm_then_peak()))
    assert [one["day"] for one in found] == [f"2026-03-{day:02d}" for day in range(1, 15)]
    assert [one["day"] for one in found if one["peak"] == "yes"] == ["2026-03-07"]
    peak = found[6]
    assert peak["articles"] == "16"
    assert float(peak["escalation"]) == pytest.approx((4 * 11.5 + 12 * 95.5) / 16, abs=0.01)
    assert [one["article"] for one in json.loads(peak["drivers"])] == ["attack 11", "attack 10", "attack 9"]
    for one in found:
        for name in ("escalation", "de_escalation", "threat", "act"):
            assert float(one[f"{name}_low"]) <= float(one[name]) <= float(one[f"{name}_high"])


def test_interval_holds_the_mean_of_the_world_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    hits = total = 0
    for _ in range(200):
        cells = {}
        for day in range(1, 11):
            cell = Cell()
            for number in range(6):
                value = float(np.clip(generator.normal(50, 12), 0, 100))
                cell.add(dict.fromkeys(("escalation", "de_escalation", "threat", "act"), value), "x", number)
            cells[date(2026, 1, day)] = cell
        points = _points("all", cells, "day")
        hits += sum(point.low["escalation"] <= 50 <= point.high["escalation"] for point in points)
        total += len(points)
    assert 0.87 <= hits / total <= 0.93


def test_weeks_groups_and_every_format_of_dates(home: Path, tmp_path: Path) -> None:
    rows = [
        row("2026-03-02", 10, "b"),
        row("20260304", 30, "b"),
        row(20260303120000, 50, "b"),
        row("2026-03-08T23:30:00-05:00", 70, "a"),  # Monday in UTC
        row("someday", 20, "a"),
        row(None, 20, "a"),
        row("2026-03-02", None, "a"),
    ]
    done = run(
        home, "escalation", "timeline", str(scores(tmp_path / "s.jsonl", rows)), "--by", "source", "--every", "week"
    )
    assert done.returncode == 0, done.stderr
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(one["group"], one["week"], one["articles"]) for one in found] == [
        ("a", "2026-03-09", "1"),
        ("b", "2026-03-02", "3"),
    ]
    assert float(found[1]["escalation"]) == 30
    assert "2 rows without a date, 1 without a score" in done.stderr


def test_parquet_with_real_dates(home: Path, tmp_path: Path) -> None:
    rows = [row(datetime(2026, 3, day, 5, tzinfo=UTC), 10 * day) for day in (1, 2, 3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    found = table(home, tmp_path / "s.parquet")
    assert [(one["day"], float(one["escalation"])) for one in found] == [
        ("2026-03-01", 10),
        ("2026-03-02", 20),
        ("2026-03-03", 30),
    ]


def test_page_is_self_contained_and_escapes(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="the chart takes plotly, the extra `chart`")
    rows = calm_then_peak()
    rows[-1]["title"] = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    out, target = tmp_path / "chart.html", tmp_path / "out.csv"
    words = (
        "escalation",
        "timeline",
        str(scores(tmp_path / "s.jsonl", rows)),
        "--html",
        str(out),
        "--csv",
        str(target),
    )
    done = run(home, *words)
    assert done.returncode == 0, done.stderr
    content = out.read_text(encoding="utf-8")
    assert not re.search(r"<(script|img|iframe)[^>]*\ssrc=|<link\b", content)
    assert "<script>alert" not in content
    assert "<img" not in content
    assert "attack 10" in content
    assert target.read_text(encoding="utf-8").startswith("day,group,articles,escalation,")


@pytest.mark.parametrize(
    ("rows", "words", "said"),
    [
        ([row("2026-03-01", 10)], ["--date-column", "published"], "published"),
        ([row("2026-03-01", 10)], ["--by", "country"], "country"),
        ([row("someday", 10)], [], "no row"),
        ([{"date": "2026-03-01", "text": "not scored"}], [], "escalation"),
    ],
)
def test_mistakes_end_in_one_line(
    home: Path, tmp_path: Path, rows: list[dict[str, Any]], words: list[str], said: str
) -> None:
    path = scores(tmp_path / "s.jsonl", rows)
    assert said in one_line_error(run(home, "escalation", "timeline", str(path), *words))
