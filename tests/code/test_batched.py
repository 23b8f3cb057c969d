"""The benchmark's comparison of two outputs sees what differs."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batched import compared

FIGURES = {"escalation": 50.0, "de_escalation": 1.0, "threat": 20.0, "act": 30.0, "interval": [40.0, 60.0]}
ROWS: list[dict[str, Any]] = [
    *({"id": number, **FIGURES, "error": None} for number in range(4)),
    {"id": 4, **dict.fromkeys(FIGURES), "error": "no text"},
]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.Table.from_pylist(ROWS).schema), path)
    return path


def changed(place: int, **values: Any) -> list[dict[str, Any]]:
    return [{**row, **values} if number == place else row for number, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (ROWS, (5, 0, 0)),
        (changed(2, threat=20.5), (5, 0.5, 0)),
        (changed(2, interval=[38.0, 60.0]), (5, 2, 0)),
        (changed(4, error="another"), (5, 0, 1)),
        (changed(4, escalation=1.0), (5, 0, 1)),
        (changed(1, id=7), (5, 0, 1)),
        ([ROWS[1], ROWS[0], *ROWS[2:]], (5, 0, 2)),
        (ROWS[:4], (4, 0, 1)),
    ],
)
def test_what_differs(tmp_path: Path, rows: list[dict[str, Any]], found: tuple[int, float, int]) -> None:
    one = written(tmp_path / "one.parquet", rows)
    written(tmp_path / "parts" / "part-0.parquet", ROWS[:2])
    written(tmp_path / "parts" / "part-1.parquet", ROWS[2:])
    said = compared(one, tmp_path / "parts")
    assert (said["rows"], said["difference"], said["differ"]) == ([found[0], 5], found[1], found[2])
