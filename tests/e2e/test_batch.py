"""`escalation batch`: files in, files out; nothing lost, whatever happens."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from batches import FIGURES, SENTENCES, WRITERS, article, begin, read, rows, write_csv, write_jsonl, write_parquet
from commands import json_of, one_line_error, run
from horrors import folder_of_horrors

FIELDS = (*FIGURES, "level", "interval", "language", "warnings", "model")


def batch(home: Path, *words: Any, **more: str) -> subprocess.CompletedProcess[str]:
    done = run(home, "escalation", "batch", *map(str, words), **more)
    assert done.returncode == 0, done.stderr
    return done


def test_scores_are_those_of_score(trained: Path, tmp_path: Path) -> None:
    content = rows(5)
    out = tmp_path / "out.jsonl"
    done = batch(trained, write_jsonl(tmp_path / "in.jsonl", content), out)
    assert done.stdout.strip() == str(out)
    assert "5 of 5 articles scored" in done.stderr
    files = []
    for row in content:
        (tmp_path / f"{row['id']}.txt").write_text(row["text"], encoding="utf-8")
        files.append(str(tmp_path / f"{row['id']}.txt"))
    single = json_of(run(trained, "escalation", "score", *files, "--json"))
    for row, given, score in zip(read(out), content, single, strict=True):
        assert {name: row[name] for name in given} == given
        assert row["error"] is None
        assert {name: row[name] for name in FIELDS} == {name: score[name] for name in FIELDS}
        assert "sentences" not in row


@pytest.mark.parametrize("target", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("source", ["jsonl", "csv", "parquet"])
def test_every_format_into_every_format(trained: Path, tmp_path: Path, source: str, target: str) -> None:
    content = rows(30)
    out = tmp_path / f"out.{target}"
    batch(trained, WRITERS[source](tmp_path / f"in.{source}", content), out, "--part-rows", 7)
    found = read(out)
    assert [str(row["id"]) for row in found] == [str(row["id"]) for row in content]
    assert [row["text"] for row in found] == [row["text"] for row in content]
    if target == "csv":
        assert all(0 <= float(row["escalation"]) <= 100 and len(json.loads(row["interval"])) == 2 for row in found)
    elif source != "csv":
        assert [row["id"] for row in found] == list(range(30))
    again = tmp_path / "again.jsonl"  # and what comes out goes in again, its own scores beside the new ones
    batch(trained, out, again)
    for one, other in zip(found, read(again), strict=True):
        assert float(one["escalation"]) == other["escalation"] == float(other["input_escalation"])
        assert other["input_level"] == one["level"] == other["level"]
    assert not list(tmp_path.glob("*.parts"))


def test_order_of_a_folder_of_many_files_and_a_folder_out(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder / "a.jsonl", rows(55))
    write_parquet(folder / "b.parquet", rows(40, 55), row_group_size=11)
    write_csv(folder / "c.csv", rows(25, 95))
    with gzip.open(folder / "d.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows(10, 120))
    write_jsonl(folder / "_skipped" / "x.jsonl", rows(3))
    out = tmp_path / "out"
    batch(trained, folder, out, "--part-rows", 10, "--format", "parquet", "--workers", 2)
    found = read(out)
    assert [int(row["id"]) for row in found] == list(range(130))
    assert len({str(pq.read_schema(part)) for part in out.glob("part-*")}) == 1
    manifest = json.loads((out / "_manifest.json").read_text(encoding="utf-8"))
    assert manifest["finished"]
    assert sum(rows for rows, _ in manifest["parts"].values()) == 130
    glob = tmp_path / "glob.jsonl"
    batch(trained, f"{folder}/[ab].*", glob)
    assert [row["id"] for row in read(glob)] == list(range(95))


def test_fsspec_address(trained: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(6))
    batch(trained, f"file://{source}", f"file://{tmp_path}/out")
    assert [row["id"] for row in read(tmp_path / "out")] == list(range(6))
    assert "nowhere" in one_line_error(
        run(trained, "escalation", "batch", "nowhere://bucket/x.jsonl", str(tmp_path / "other"))
    )


@pytest.mark.parametrize("form", ["jsonl", "parquet", "csv"])
def test_sentences(trained: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"out.{form}"
    content = [*rows(4), {"id": 9, "source": "a", "text": None}]
    batch(trained, write_jsonl(tmp_path / "in.jsonl", content), out, "--sentences")
    found = read(out)
    for row, given in zip(found[:4], content, strict=False):
        nested = json.loads(row["sentences"]) if form == "csv" else row["sentences"]
        assert [given["text"][one["start"] : one["end"]] for one in nested] == [one["text"] for one in nested]
        assert all(sum(one["probabilities"].values()) == pytest.approx(1, abs=0.01) for one in nested)
        assert all(type(one["counted"]) is bool for one in nested)
    assert found[4]["sentences"] in (None, "")


def test_columns_that_clash_and_columns_to_keep(trained: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{**row, "language": "xx", "error": 7} for row in rows(3)])
    batch(trained, source, tmp_path / "all.jsonl")
    assert [(row["input_language"], row["language"], row["input_error"], row["error"])
            for row in read(tmp_path / "all.jsonl")] == [("xx", "en", 7, None)] * 3  # fmt: skip
    for form in ("jsonl", "csv", "parquet"):
        batch(trained, source, tmp_path / f"some.{form}", "--keep", "id", "--keep", "language")
        names = list(read(tmp_path / f"some.{form}")[0])
        assert names[:3] == ["id", "input_language", "escalation"]


def test_html_column(trained: Path, tmp_path: Path) -> None:
    page = (
        "<html><head><title>T</title></head><body><nav><a href='/'>Home page of the paper</a></nav><article><h1>Tanks</h1>"
        f"<p>{SENTENCES[0]}</p><p>{SENTENCES[3]} {SENTENCES[4]}</p></article><footer>All rights reserved</footer></body></html>"
    )
    bomb = "<html><body><p>" + "&amp;lt;&#x41;&NotEqualTilde;" * 60_000 + "</p></body></html>"
    laughs = (
        '<!DOCTYPE html [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">'
        '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;">]>'
        "<html><body><p>&e;&e;&e;&e;</p></body></html>"
    )
    deep = "<div>" * 100_000 + "words" + "</div>" * 100_000
    content = [{"page": page}, {"page": bomb}, {"page": laughs}, {"page": deep}, {"page": page}]
    began = time.monotonic()
    batch(
        trained,
        write_jsonl(tmp_path / "in.jsonl", content),
        tmp_path / "out.jsonl",
        "--html-column",
        "page",
        "--sentences",
    )
    assert time.monotonic() - began < 120
    found = read(tmp_path / "out.jsonl")
    assert len(found) == 5
    assert found[0]["escalation"] == found[4]["escalation"] > 0
    assert not any("rights" in one["text"] for one in found[0]["sentences"])
    assert all(row["error"] or row["escalation"] is not None for row in found)


def test_bad_rows_are_reported_and_good_ones_scored(trained: Path, tmp_path: Path) -> None:
    good = article(1)
    lines = [
        json.dumps({"id": 0, "text": good}).encode(),
        json.dumps({"id": 1, "text": None}).encode(),
        json.dumps({"id": 2, "text": 17}).encode(),
        json.dumps({"id": 3}).encode(),
        b'{"id": 4, "text": "broken',
        b"[1, 2]",
        json.dumps({"id": 6, "text": "   "}).encode(),
        json.dumps({"id": 7, "text": "1234 ..."}).encode(),
        json.dumps({"id": 8, "text": "caf\u00e9 society. " + good}, ensure_ascii=False).encode("cp1252"),
        b'{"id": 9, "text": "\x81\x8d\xff\xfe\x98 \xd0\xcf"}',
        json.dumps({"id": 10, "text": "half \ud800 a character. " + good}).encode(),
        json.dumps({"id": 11, "text": good + " word" * 500_000}).encode(),
        b'{"id": 12, "text": "' + b"The army moved. " * 3_200_000 + b'"}',
        b"[" * 100_000,
        json.dumps({"id": 14, "text": good}).encode(),
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(lines))
    done = batch(trained, source, tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert len(found) == len(lines)
    scored = {row["id"] for row in found if row["error"] is None}
    assert scored == {0, 8, 14}
    assert "3 of 15 articles scored" in done.stderr
    assert "12 have none" in done.stderr
    for number, row in enumerate(found, start=1):
        if row["error"]:
            assert f"in.jsonl line {number}" in row["error"]
            assert all(row[name] is None for name in FIELDS)
    said = [row["error"] or "" for row in found]
    for number, part in enumerate(("", "missing", "int", "no column", "no JSON", "list", "empty", "letters")):
        assert part in said[number]
    assert "UTF-8" in said[9]
    assert "over the limit" in said[11]
    assert "more than" in said[12]
    table = tmp_path / "out.parquet"
    batch(trained, source, table)
    assert [row["error"] for row in read(table)] == [row["error"] for row in found]


def test_folder_of_horrors(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    horrors = folder_of_horrors(folder, [article(number, 12) for number in range(12)])
    done = batch(trained, folder, tmp_path / "out.jsonl", "--sentences")
    found = read(tmp_path / "out.jsonl")
    errors = [row["error"] for row in found if row["error"]]
    assert [row["id"] for row in found if row["error"] is None] == [row for horror in horrors for row in horror.good]
    assert {horror.name: horror.bad for horror in horrors} == {
        horror.name: sum(error.startswith(horror.name) for error in errors) for horror in horrors
    }
    assert f"{len(errors)} have none" in done.stderr
    assert len(errors) == sum(horror.bad for horror in horrors)
    assert [re.split(":| has", error)[0] for error in errors if error.startswith("c.csv")] == [
        f"c.csv line {number}" for number in (3, 7, 9, 10, 13)
    ]
    known = {row["id"]: row for row in found if row["error"] is None}
    assert known["c4"]["note"] == "over\ntwo lines"
    assert all("café" in known[name]["sentences"][0]["text"] for name in ("d0", "d1", "d2", "e1"))


def test_files_that_are_empty_or_break_off(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows(2000)).encode(), mtime=0)
    (folder / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "b.csv").write_bytes(b"")
    (folder / "c.csv").write_text("id,text,id\n1,two,3\n", encoding="utf-8")
    write_jsonl(folder / "d.jsonl", rows(5, 5000))
    batch(trained, folder, tmp_path / "out.parquet")
    found = read(tmp_path / "out.parquet")
    scored = [row["id"] for row in found if row["error"] is None]
    assert scored[-5:] == list(range(5000, 5005))
    assert scored[:-5] == list(range(len(scored) - 5))  # what came before the damage
    assert len(scored) > 5
    errors = [row["error"].split(" ")[0] for row in found if row["error"]]
    assert errors == ["a.jsonl.gz", "b.csv", "c.csv"]


def test_equal_texts_are_scored_alike(trained: Path, tmp_path: Path) -> None:
    content = [{"id": index, "text": article(index % 3)} for index in range(30)]
    batch(trained, write_jsonl(tmp_path / "in.jsonl", content), tmp_path / "out.jsonl")
    figures = [row["escalation"] for row in read(tmp_path / "out.jsonl")]
    assert figures == figures[:3] * 10


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_jsonl(folder / "a.jsonl", rows(500))
    write_parquet(folder / "b.parquet", rows(400, 500))
    write_csv(folder / "c.csv", rows(300, 900))
    return folder


@pytest.fixture(scope="module")
def uninterrupted(trained: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("whole") / "out.jsonl"
    batch(trained, archive, out, "--part-rows", 40)
    return read(out)


def children(pid: int) -> Iterator[int]:
    for entry in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(entry)


@pytest.mark.parametrize("attempt", range(3))
def test_kill_at_a_random_moment_then_resume(
    trained: Path, archive: Path, uninterrupted: list[dict[str, Any]], tmp_path: Path, attempt: int
) -> None:
    out = tmp_path / "out.jsonl"
    words = (archive, out, "--part-rows", 40, "--workers", 2)
    chance = random.Random(attempt)
    parts = tmp_path / "out.jsonl.parts"
    process = begin(trained, *words)
    deadline = time.monotonic() + 120
    while not list(parts.glob("part-*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(chance.uniform(0, 1.0))
    orphans = list(children(process.pid)) if process.poll() is None else []
    process.kill()
    process.communicate()
    killed = process.returncode == -signal.SIGKILL
    if killed and not out.exists():
        assert "--resume" in one_line_error(run(trained, "escalation", "batch", *map(str, words)))
        done = batch(trained, *words, "--resume")
        assert "1,200 of 1,200" in done.stderr
    assert read(out) == uninterrupted
    assert not parts.exists()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in orphans) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(Path(f"/proc/{pid}").exists() for pid in orphans)  # no worker outlives its parent


def test_a_worker_that_is_killed_loses_nothing(
    trained: Path, archive: Path, uninterrupted: list[dict[str, Any]], tmp_path: Path
) -> None:
    process = begin(trained, archive, tmp_path / "out.jsonl", "--part-rows", 40, "--workers", 2)
    parts = tmp_path / "out.jsonl.parts"
    while not list(parts.glob("part-*")) and process.poll() is None:
        time.sleep(0.02)
    for pid in list(children(process.pid))[-1:]:
        os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert read(tmp_path / "out.jsonl") == uninterrupted


def test_resume_refuses_what_has_changed(trained: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(5))
    out = tmp_path / "out"
    batch(trained, source, out)
    assert "--resume" in one_line_error(run(trained, "escalation", "batch", str(source), str(out)))
    before = sorted((path.name, path.stat().st_mtime_ns) for path in out.glob("part-*"))
    batch(trained, source, out, "--resume")  # nothing is left to do
    assert sorted((path.name, path.stat().st_mtime_ns) for path in out.glob("part-*")) == before
    words = ("escalation", "batch", str(source), str(out), "--resume")
    assert "options" in one_line_error(run(trained, *words, "--sentences"))
    write_jsonl(source, rows(6))
    assert "input" in one_line_error(run(trained, *words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.jsonl", "out"], "none.jsonl"),
        (["README.md", "out"], ".jsonl"),
        (["src", "out"], ".jsonl"),
        (["IN", "out.jsonl.gz"], "folder"),
        (["IN", "out.csv", "--format", "jsonl"], "--format"),
        (["IN", "out", "--text-column", "body"], "id, source, text"),
        (["IN", "out", "--part-rows", "0"], "--part-rows"),
        (["IN", "out", "--workers", "0"], "--workers"),
        (["IN", "out.csv", "--keep", "nothing"], "nothing"),
        (["IN", "IN"], "exists"),
        (["IN", "out", "--model", "models:/escalation@nobody"], "nobody"),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)
def test_mistakes_end_in_one_line(trained: Path, tmp_path: Path, words: list[str], said: str) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", rows(2))
    words = [
        str(source) if word == "IN" else str(tmp_path / word) if word.startswith("out") else word for word in words
    ]
    assert said in one_line_error(run(trained, "escalation", "batch", *words))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["in.jsonl"]


def peak(home: Path, *words: Any) -> float:
    """Largest memory of the command and its workers together, in MB, looked at ten times a second."""
    import psutil

    process = begin(home, *words)
    most = 0.0
    while process.poll() is None:
        try:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            most = max(most, sum(one.memory_info().rss for one in family) / 2**20)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.1)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return most


def test_memory_does_not_grow_with_the_input(trained: Path, tmp_path: Path) -> None:
    small = write_jsonl(tmp_path / "small.jsonl", rows(400))
    large = write_jsonl(tmp_path / "large.jsonl", rows(400) * 5)
    options = ("--part-rows", 100, "--workers", 1)
    one = peak(trained, small, tmp_path / "small.parquet", *options)
    other = peak(trained, large, tmp_path / "large.parquet", *options)
    assert other < one * 1.1 + 20
