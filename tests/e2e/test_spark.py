"""`escalation batch --engine spark` in a real local session: the same output as the local engine, and nothing lost."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from batched import spark_worker_killed
from batches import FIGURES, begin, read, rows, write_csv, write_jsonl, write_parquet
from commands import one_line_error, run

pytest.importorskip("pyspark", reason="Spark is missing: the extra `spark`")
if shutil.which("java") is None:
    pytest.skip("Spark takes Java 17 or later", allow_module_level=True)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several kinds of files, one of JSON so long that it is cut, with bad rows on both sides of the cuts."""
    folder = tmp_path_factory.mktemp("archive")
    content = rows(60)
    padded = [{**row, "padding": "x" * 300_000} for row in content]
    lines = [json.dumps(row) for row in padded]
    for place in (3, 30, 59):
        lines[place] = "{broken"
    lines[31:31] = ["", ""]
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    write_parquet(folder / "b.parquet", rows(60, 60), row_group_size=20)
    write_csv(folder / "c.csv", rows(20, 120))
    whole = write_parquet(folder / "d.parquet", rows(20, 140)).read_bytes()
    (folder / "d.parquet").write_bytes(whole[: len(whole) // 2])
    write_jsonl(folder / "e.jsonl", rows(20, 160))
    return folder


@pytest.fixture(scope="module")
def local(trained: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("local") / "out.parquet"
    words = ("escalation", "batch", str(archive), str(out), "--sentences", "--keep", "id", "--keep", "text")
    done = run(trained, *words)
    assert done.returncode == 0, done.stderr
    return read(out)


def same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for name in FIGURES:
            assert one[name] == (None if other[name] is None else pytest.approx(other[name], abs=1e-6))
        rest = [name for name in other if name not in FIGURES]
        assert {name: one[name] for name in rest} == {name: other[name] for name in rest}


def test_output_is_that_of_the_local_engine(
    trained: Path, archive: Path, local: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert any(row["error"] and row["error"].startswith("a.jsonl line 4 ") for row in local)
    assert any(row["error"] and row["error"].startswith("d.parquet") for row in local)
    out = tmp_path / "out.parquet"
    options = ("--sentences", "--keep", "id", "--keep", "text", "--engine", "spark", "--master", "local[2]")
    done = run(trained, "escalation", "batch", str(archive), str(out), *options)
    assert done.returncode == 0, done.stderr
    same(read(out), local)
    assert pq.read_schema(out).field("escalation").type == "double"


def test_a_killed_worker_loses_nothing(
    trained: Path, archive: Path, local: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--sentences", "--keep", "id", "--keep", "text", "--format", "parquet", "--part-rows", "5")
    process = begin(trained, archive, out, *options, "--engine", "spark", "--master", "local[2]")
    killed = spark_worker_killed(process, out)
    _, errors = process.communicate(timeout=600)
    assert killed
    assert process.returncode == 0, errors
    same(read(out), local)


def test_resume_after_the_driver_is_killed(
    trained: Path, archive: Path, local: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--sentences", "--keep", "id", "--keep", "text", "--format", "parquet", "--part-rows", "5")
    words = (archive, out, *options, "--engine", "spark", "--master", "local[2]")
    process = begin(trained, *words)
    while not list(out.glob("part-*")) and process.poll() is None:
        time.sleep(0.02)
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.kill()
    process.communicate()
    written = {part.name: part.stat().st_mtime_ns for part in out.glob("part-*")}
    done = run(trained, "escalation", "batch", *map(str, words[:-4]), "--resume")  # the local engine goes on with it
    assert done.returncode == 0, done.stderr
    assert written.items() <= {part.name: part.stat().st_mtime_ns for part in out.glob("part-*")}.items()
    same(read(out), local)


def test_a_master_that_does_not_answer_and_no_java(trained: Path, archive: Path, tmp_path: Path) -> None:
    words = ("escalation", "batch", str(archive), str(tmp_path / "out"), "--engine", "spark")
    assert "Java" in one_line_error(run(trained, *words, JAVA_HOME=str(tmp_path)))
