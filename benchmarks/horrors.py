"""A folder of what an archive of articles may hold: each file, which of its rows are good, and how many are to be reported."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HUGE = 50_000_000  # bytes of a row, and of a page in a packed file


@dataclass(frozen=True)
class Horror:
    """A file of the folder.

    Parameters
    ----------
    name, what : str
    good : list of str
        Ids of the rows that must be scored, in order.
    bad : int
        Rows that must have an error.
    """

    name: str
    what: str
    good: list[str]
    bad: int


def folder_of_horrors(folder: Path, texts: Sequence[str]) -> list[Horror]:
    """Write the files, which sort in this order, from twelve or more good texts."""
    folder.mkdir(parents=True)
    return [
        _truncated(folder, texts),
        _damaged(folder, texts),
        _quoting(folder, texts[0]),
        *_encodings(folder, texts[1]),
        _mixed(folder, texts[2]),
        _huge(folder, texts[3]),
        _nulls(folder, texts[4]),
        _entities(folder, texts[5]),
        _bomb(folder, texts[6]),
        _cut_short(folder, texts),
    ]


def _rows(name: str, texts: Sequence[str], count: int) -> list[dict[str, Any]]:
    return [{"id": f"{name}{number}", "text": texts[number % len(texts)]} for number in range(count)]


def _ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def _truncated(folder: Path, texts: Sequence[str]) -> Horror:
    path = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(_rows("a", texts, 40)), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return Horror(path.name, "parquet, truncated", [], 1)  # without its footer it has no rows that could be counted


def _damaged(folder: Path, texts: Sequence[str]) -> Horror:
    path, rows = folder / "b.parquet", _rows("b", texts, 60)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=20, compression="zstd")
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(1).column(1)
        start = column.dictionary_page_offset or column.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + 200] = b"\xff" * 200
    path.write_bytes(bytes(data))
    return Horror(path.name, "parquet, one of three row groups damaged", _ids(rows[:20] + rows[40:]), 20)


def _quoting(folder: Path, text: str) -> Horror:
    good = text.replace('"', "'").replace("\n", " ")
    lines = [
        "id,text,note",
        f'c1,"{good}",fine',
        f'c2,"{good} and here the quote is never closed,lost',
        f"c3,{good.replace(',', ';')},plain",
        f'c4,"{good}","over\ntwo lines"',
        f'c5,"{good}" tail,broken',
        f'c6,"{good}",fine',
        "c7,too,many,fields,here",
        "c8,too few",
        "",
        f'c9,"He said ""{good}""",fine',
        f'c10,"the last quote is open {good}',
    ]
    (folder / "c.csv").write_bytes("\r\n".join(lines).encode())
    return Horror("c.csv", "csv with broken quoting", ["c1", "c3", "c4", "c6", "c9"], 5)


def _encodings(folder: Path, text: str) -> Iterator[Horror]:
    line = "The café stayed open until nine. " + text.replace('"', "'").replace("\n", " ")
    western = line.encode("cp1252", "ignore").decode("cp1252")
    for number, encoding in enumerate(("utf-16", "utf-8-sig", "cp1252")):
        name = f"d{number}"
        data = f'id,text\n{name},"{western}"\n'.encode(encoding)
        (folder / f"{name}.csv").write_bytes(data)
        yield Horror(f"{name}.csv", f"csv in {encoding}", [name], 0)


def _mixed(folder: Path, text: str) -> Horror:
    western = text.encode("cp1252", "ignore").decode("cp1252")
    lines = [
        json.dumps({"id": "e0", "text": text}, ensure_ascii=False).encode(),
        json.dumps({"id": "e1", "text": "A café. " + western}, ensure_ascii=False).encode("cp1252"),
        b'{"id": "e2", "text": "\x81\x8d\xff\xfe\x98 \xd0\xcf"}',
        json.dumps({"id": "e3", "text": "half \ud800 a character. " + text}).encode(),
        json.dumps({"id": "e4", "text": text}).encode(),
    ]
    (folder / "e.jsonl").write_bytes(b"\n".join(lines))
    return Horror("e.jsonl", "JSON with lines in mixed encodings", ["e0", "e1", "e4"], 2)


def _huge(folder: Path, text: str) -> Horror:
    good = json.dumps({"id": "f0", "text": text}).encode()
    phrase = b"The army moved. "
    huge = b'{"id": "f1", "text": "' + phrase * (HUGE // len(phrase)) + b'"}'
    (folder / "f.jsonl").write_bytes(b"\n".join([good, huge, good.replace(b"f0", b"f2")]))
    return Horror("f.jsonl", "a row of 50 MB", ["f0", "f2"], 1)


def _nulls(folder: Path, text: str) -> Horror:
    content: list[dict[str, Any]] = [
        {"id": "g0", "text": text},
        {"id": "g1", "text": None},
        {"id": "g2"},
        {"id": "g3", "text": "   "},
        {"id": "g4", "text": 17},
        {"id": "g5", "text": "nul \x00 inside. " + text},
    ]
    lines = [json.dumps(row) for row in content]
    (folder / "g.jsonl").write_text("\n".join([*lines[:3], "null", *lines[3:]]), encoding="utf-8")
    return Horror("g.jsonl", "nulls, missing and empty texts", ["g0", "g5"], 5)


def _entities(folder: Path, text: str) -> Horror:
    page = f"<html><body><article><h1>Report</h1><p>{text}</p><p>{text}</p></article></body></html>"
    nested = "".join(
        f'<!ENTITY {name} "{"&" + inner + ";" if inner else "ha"}{("&" + inner + ";") * 9 if inner else ""}">'
        for inner, name in zip(["", *"abcdefgh"], "abcdefghi", strict=True)
    )
    content = [
        {"id": "h0", "text": page},
        {"id": "h1", "text": "<html><body><p>" + "&amp;lt;&#x41;&NotEqualTilde;" * 60_000 + "</p></body></html>"},
        {"id": "h2", "text": f"<!DOCTYPE html [{nested}]><html><body><p>{'&i;' * 4}</p></body></html>"},
        {"id": "h3", "text": page},
    ]
    (folder / "h.jsonl").write_text("\n".join(map(json.dumps, content)), encoding="utf-8")
    return Horror("h.jsonl", "pages with a bomb of HTML entities", ["h0", "h3"], 2)


def _bomb(folder: Path, text: str) -> Horror:
    bomb = b'{"id": "i1", "text": "<html><body><p>' + b"&amp;" * (HUGE // 5) + b'</p></body></html>"}'
    good = json.dumps({"id": "i0", "text": text}).encode()
    data = b"\n".join([good, bomb, good.replace(b"i0", b"i2")])
    (folder / "i.jsonl.gz").write_bytes(gzip.compress(data, mtime=0))
    return Horror("i.jsonl.gz", "a zip bomb: 50 MB of HTML entities in some 50 kB", ["i0", "i2"], 1)


def _cut_short(folder: Path, texts: Sequence[str]) -> Horror:
    # two members: the first is whole, the second breaks off before its first line has come out
    first = _rows("j", texts, 30)
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in first).encode(), mtime=0)
    second = gzip.compress(json.dumps({"id": "j30", "text": " ".join(texts)}).encode(), mtime=0)
    (folder / "j.jsonl.gz").write_bytes(whole + second[:20])
    return Horror("j.jsonl.gz", "a packed file that breaks off", _ids(first), 1)
