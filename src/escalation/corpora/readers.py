"""From a file to rows: one pure function a source format.

Every reader takes a path and the names of the label columns, and gives a DataFrame of strings with `id` (the row's
number, from 1, where the file has none), `text`, `document` ('' where a row stands alone), `date` ('' where unknown),
and the label columns as they stand. It reads no column that it is not told to: predictions of others stay outside.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from escalation.errors import CorpusError

INDIA_POLICE = ("KILL", "ARREST", "ANY_ACTION", "FAIL", "FORCE")


def table(
    path: Path,
    labels: Sequence[str],
    text: str = "text",
    id: str = "",
    document: str | Sequence[str] = (),
    position: str = "",
    date: str = "",
    names: Sequence[str] = (),
    quoted: bool = True,
) -> pd.DataFrame:
    """Read a csv, tsv, jsonl or parquet file, told by its extension.

    Columns of a csv or tsv may be told by position, counted from 0: numbers that its first line does not hold mean that
    there is no header.

    Parameters
    ----------
    path : Path
    labels : list of str
        Label columns.
    text, date : str
        Columns; '' where there is none.
    id : str
        Column; by default a column `id` if there is one, else the rows are numbered.
    document : str or list of str
        Column, or several that name the document together.
    position : str
        Column with the place of a sentence in its document, a whole number; empty where it stands alone. The sentences
        with the numbers next to its own are then its neighbours.
    names : list of str
        Column names of a csv or tsv without a header.
    quoted : bool
        Whether quotation marks around a cell of a csv or tsv are no part of it. In a tsv whose every line is a row, a
        mark that is not closed in its own cell is text.

    Raises
    ------
    CorpusError
        Another extension, a column that is not there, a line that cannot be parsed, or bytes that are not UTF-8.
    """
    documents = [document] if isinstance(document, str) else list(document)
    wanted = list(dict.fromkeys([text, *(name for name in (id, *documents, position, date, *labels) if name)]))
    cells = _cells(path, wanted, () if id or "id" in wanted else ("id",), names, quoted)
    key = id or ("id" if "id" in cells and "id" not in wanted else "")
    rows = len(cells[text])
    parts = zip(*(cells[name] for name in documents if name), strict=True) if any(documents) else [("",)] * rows
    columns = {
        "id": cells[key] if key else _numbers(rows),
        "text": [value.strip() for value in cells[text]],
        "document": [":".join(part) if any(part) else "" for part in parts],
        "date": cells[date] if date else [""] * rows,
    }
    if position:
        columns["before"], columns["after"] = _beside(path, columns["document"], cells[position], columns["text"])
    return pd.DataFrame({**{name: cells[name] for name in labels}, **columns}, dtype=object)[[*columns, *labels]]


def _beside(
    path: Path, documents: Sequence[str], positions: Sequence[str], texts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The sentence before and after each, '' where there is none."""
    places = []
    for row, (document, position) in enumerate(zip(documents, positions, strict=True), 1):
        if position and not position.isdecimal():
            raise CorpusError(f"{path}, row {row}: the position {position!r} must be a whole number from 0, or empty")
        places.append((document, int(position)) if document and position else None)
    known = {place: text for place, text in zip(places, texts, strict=True) if place}
    before, after = (
        [known.get((place[0], place[1] + step), "") if place else "" for place in places] for step in (-1, 1)
    )
    return before, after


def unscon(path: Path, labels: Sequence[str], text: str) -> pd.DataFrame:
    """UNSCon, clauses or sentences of Security Council speeches; the document is the speech.

    `file_id` is `<meeting>_spch<number>_<country>_neg_<part>.txt`: a speech's parts stay together.
    """
    frame = table(path, labels, text=text, document="file_id")
    return frame.assign(document=frame["document"].str.replace(r"(_spch\d+).*", r"\1", regex=True))


def india_police(path: Path, labels: Sequence[str], story: str = "") -> pd.DataFrame:
    """IndiaPoliceEvents: a text and five columns of 0 or 1, and `any`, 1 where one of the five is.

    Parameters
    ----------
    path : Path
    labels : list of str
    story : str
        How the first sentence of a story begins, for the file of sentences, which names no document but keeps their
        order. Stories that lack the line stay with the one before: groups may be too large, never too small.
    """
    frame = table(path, INDIA_POLICE, names=("text", *INDIA_POLICE))
    wrong = ~frame[list(INDIA_POLICE)].isin(["0", "1"]).all(axis=1)
    if wrong.any():
        raise CorpusError(f"{path}, row {frame['id'][wrong].iloc[0]}: {', '.join(INDIA_POLICE)} must each be 0 or 1")
    frame["any"] = (frame[list(INDIA_POLICE)] == "1").any(axis=1).astype(int).astype(str).astype(object)
    if story:
        number = frame["text"].str.startswith(story).cumsum().astype(str)
        frame["document"] = f"{path.stem}:" + number.astype(object)
    _require(path, labels, frame.columns)
    return frame[["id", "text", "document", "date", *labels]]


def muc4(path: Path, labels: Sequence[str]) -> pd.DataFrame:
    """MUC-4 as JSON, id -> {doc, roles}; `incident` is no where every role is empty, and yes otherwise."""
    _require(path, labels, ("incident",))
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}, line {error.lineno}: no valid JSON ({error.msg}); fetch it again") from error
    rows = []
    for key, entry in _items(path, content):
        document = entry.get("doc") if isinstance(entry, dict) else None
        roles = entry.get("roles") if isinstance(entry, dict) else None
        if not isinstance(document, str) or not isinstance(roles, dict):
            raise CorpusError(f"{path}, record {key}: needs `doc`, a text, and `roles`, a mapping; fetch it again")
        rows.append((str(key), document.strip(), "", "", "yes" if any(roles.values()) else "no"))
    frame = pd.DataFrame(rows, columns=["id", "text", "document", "date", "incident"], dtype=object)
    return frame[["id", "text", "document", "date", *labels]]


def plover_records(path: Path, labels: Sequence[str], text: str = "text", date: str = "") -> pd.DataFrame:
    """Gold standard records of PLOVER: one record after the other, blank lines between them.

    Assumed, as the file could not be seen when this was written: a record is a JSON object (on one line or many), or
    else lines of `field: value`, of which a line without a field continues the one before. Fields are told apart by
    name only, so others may stand beside those asked for. The labels are event types (`event: ASSAULT`).

    Raises
    ------
    CorpusError
        No such record, or one that lacks a field.
    """
    wanted = list(dict.fromkeys(name for name in (text, date, *labels) if name))
    rows = []
    for line, record in _records(path):
        _require(f"{path}, record at line {line}", wanted, record)
        rows.append([_cell(record[name]).strip() for name in wanted])
    frame = pd.DataFrame(rows, columns=wanted, dtype=object)
    frame = frame.assign(id=_numbers(len(rows)), text=frame[text], document="", date=frame[date] if date else "")
    return frame[["id", "text", "document", "date", *labels]].astype(object)


def _cells(
    path: Path, wanted: Sequence[str], welcome: Sequence[str], names: Sequence[str], quoted: bool
) -> dict[str, list[str]]:
    """Columns of a file by name: those wanted, and of those welcome the ones that there are."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _parquet(path, wanted, welcome)
    if kind == ".jsonl":
        rows = _jsonl(path, wanted, welcome)
    elif kind in (".csv", ".tsv"):
        rows = _delimited(path, wanted, welcome, "," if kind == ".csv" else "\t", names, quoted)
    else:
        raise CorpusError(f"{path}: cannot tell the format; the extension must be csv, tsv, jsonl or parquet")
    columns: dict[str, list[str]] = {name: [] for name in next(rows)}
    for row in rows:
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns


def _delimited(
    path: Path, wanted: Sequence[str], welcome: Sequence[str], mark: str, names: Sequence[str], quoted: bool
) -> Iterator[list[str]]:
    """Names of the columns read, then their cells row by row."""
    lines = _lines(path, mark, quoted)
    first = next(lines, None)
    header = list(names) or (first[1] if first else [])
    by_position = not names and all(name.isdecimal() for name in wanted) and not set(wanted) <= set(header)
    if by_position:
        header = [str(position) for position in range(len(header))]
    chosen = _chosen(path, wanted, welcome, header)
    positions = [header.index(name) for name in chosen]
    yield chosen
    for number, row in chain([first] if first and (names or by_position) else [], lines):
        if len(row) != len(header):
            raise CorpusError(f"{path}, line {number}: {len(row)} columns where there should be {len(header)}; mend it")
        yield [row[position] for position in positions]


def _lines(path: Path, mark: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row of a csv or tsv."""
    content = _text(path)
    if mark == "\t":
        lines = [line.rstrip("\r") for line in content.split("\n")]
        if (
            len({line.count(mark) for line in lines if line}) == 1
        ):  # every line is a row: no cell holds a mark or a break
            for number, line in enumerate(lines, start=1):
                if line:
                    yield number, [_bare(cell) if quoted else cell for cell in line.split(mark)]
            return
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=mark, quoting=quoting, strict=True)
    try:
        for row in rows:
            if row:
                yield rows.line_num, row
    except csv.Error as error:
        raise CorpusError(f"{path}, line {rows.line_num}: cannot be parsed ({error}); mend it") from error


def _bare(cell: str) -> str:
    """Take off the quotation marks around a cell, if they are such."""
    inner = cell[1:-1].replace('""', "")
    around = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner
    return cell[1:-1].replace('""', '"') if around else cell


def _jsonl(path: Path, wanted: Sequence[str], welcome: Sequence[str]) -> Iterator[list[str]]:
    """Names of the fields read, then their values row by row."""
    chosen: list[str] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}, line {number}: no valid JSON ({error.msg}); mend it") from error
        if not isinstance(record, dict):
            raise CorpusError(f"{path}, line {number}: must be a JSON object with {', '.join(wanted)}")
        if not chosen:
            chosen = _chosen(f"{path}, line {number}", wanted, welcome, record)
            yield chosen
        _require(f"{path}, line {number}", chosen, record)
        yield [_cell(record[name]) for name in chosen]
    if not chosen:
        yield list(wanted)


def _parquet(path: Path, wanted: Sequence[str], welcome: Sequence[str]) -> dict[str, list[str]]:
    import pyarrow
    import pyarrow.parquet

    try:
        chosen = _chosen(path, wanted, welcome, pyarrow.parquet.read_schema(path).names)
        content = pyarrow.parquet.read_table(path, columns=chosen)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(
            f"{path} cannot be read as parquet ({' '.join(str(error).split())}); write it anew"
        ) from error
    return {name: [_cell(value) for value in content[name].to_pylist()] for name in chosen}


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and fields of every record."""
    content = _text(path)
    if content.lstrip().startswith("{"):
        yield from _json_records(path, content)
        return
    record: dict[str, Any] = {}
    start = last = ""
    for number, line in enumerate([*content.split("\n"), ""], start=1):
        key, separator, value = line.partition(":")
        if not line.strip():
            if record:
                yield int(start), record
            record, last = {}, ""
        elif separator and key.strip().isidentifier():
            start, last = start if record else str(number), key.strip()
            record[last] = value.strip()
        elif last:
            record[last] += " " + line.strip()
        else:
            raise CorpusError(f"{path}, line {number}: a record must begin with `field: value` or `{{`; see its reader")


def _json_records(path: Path, content: str) -> Iterator[tuple[int, dict[str, Any]]]:
    decoder, position = json.JSONDecoder(), 0
    while True:
        position += len(content[position:]) - len(content[position:].lstrip(", \t\r\n"))
        if position >= len(content):
            return
        line = content.count("\n", 0, position) + 1
        try:
            record, position = decoder.raw_decode(content, position)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}, line {error.lineno}: no valid JSON ({error.msg}); mend the record") from error
        if not isinstance(record, dict):
            raise CorpusError(f"{path}, line {line}: a record must be a JSON object")
        yield line, record


def _text(path: Path) -> str:
    """Content of a UTF-8 file, without its byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CorpusError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error


def _items(path: Path, content: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, dict):
        raise CorpusError(f"{path}: must be a JSON object of id -> {{doc, roles}}; fetch it again")
    yield from content.items()


def _chosen(where: object, wanted: Sequence[str], welcome: Sequence[str], there: Any) -> list[str]:
    """Names to read of those that are there."""
    _require(where, wanted, there)
    return [*wanted, *(name for name in welcome if name in there)]


def _require(where: object, wanted: Sequence[str], there: Any) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise CorpusError(f"{where}: no column {', '.join(missing)}; there are {', '.join(map(str, there)) or 'none'}")


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # a gap of a number column is not equal to itself


def _numbers(rows: int) -> list[str]:
    return [str(number) for number in range(1, rows + 1)]
