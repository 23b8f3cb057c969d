"""Tables of articles of our own, in and out of files, and `escalation batch` as a process."""

import csv
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from commands import ROOT, environment

FIGURES = ("escalation", "de_escalation", "threat", "act")
SENTENCES = (
    "Tanks massed at the Orlava crossing on Sunday, and officials in the capital expect an attack within days.",
    "The harvest festival went ahead in the rain, and the choir sang until nine in the evening.",
    "The two governments agreed to open the border again and to exchange prisoners before the winter.",
    "The marshal warned that every shot would be answered, and reservists were told to report on Monday.",
    "Shells fell on the northern district for a third night, and two people were killed in a market.",
    "The finance minister presented the budget to parliament and promised lower fees for students.",
    "Deputies in both capitals accused the other side of breaking the agreement on fishing rights.",
    "The ministry stopped all exports of grain to the neighbouring country until further notice.",
)


def article(seed: int, sentences: int = 4) -> str:
    return " ".join(random.Random(seed).choices(SENTENCES, k=sentences))


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"id": index, "source": "abc"[index % 3], "text": article(index)} for index in range(start, start + count)]


def write_jsonl(path: Path, content: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def write_csv(path: Path, content: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return path


def write_parquet(path: Path, content: list[dict[str, Any]], **options: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(content), path, **options)
    return path


WRITERS: dict[str, Callable[[Path, list[dict[str, Any]]], Path]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


def read(path: Path) -> list[dict[str, Any]]:
    """All rows of an output, file or folder, in order; csv with its nested values as JSON."""
    if path.is_dir():
        return [row for part in sorted(path.glob("part-*")) for row in read(part)]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def begin(home: Path, *words: Any) -> subprocess.Popen[str]:
    binary = str(Path(sys.executable).with_name("escalation"))
    return subprocess.Popen(
        [binary, "batch", *map(str, words)],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
