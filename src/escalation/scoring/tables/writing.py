"""Scored rows as bytes of one format: JSON a line, comma-separated, or parquet."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from escalation.scoring.tables.columns import FIELDS, FIGURES, renamed

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
Scores = Sequence[Mapping[str, Any]]


def fields(sentences: bool) -> list[str]:
    """Names of the fields of a score, in order."""
    return [name for name in FIELDS if sentences or name != "sentences"]


def as_jsonl(rows: Sequence[Row], scores: Scores) -> bytes:
    """A line a row: its own columns, then the fields of its score."""
    lines = []
    for row, score in zip(rows, scores, strict=True):
        names = renamed(row) if any(name in FIELDS for name in row) else None
        own = {names[name]: value for name, value in row.items()} if names else row
        lines.append(json.dumps({**own, **score}, ensure_ascii=False, default=_plain))
    return _encoded("\n".join(lines) + "\n")


def as_csv(rows: Sequence[Row], scores: Scores, columns: Sequence[str], names: Sequence[str]) -> bytes:
    """A header and comma-separated rows, what is nested as JSON.

    Parameters
    ----------
    columns, names : list of str
        Of the input's columns and of the fields of a score.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    shown = renamed(columns)
    writer.writerow([*(shown[name] for name in columns), *names])
    for row, score in zip(rows, scores, strict=True):
        writer.writerow([*(_cell(row.get(name)) for name in columns), *(_cell(score[name]) for name in names)])
    return _encoded(text.getvalue())


def as_parquet(rows: "Sequence[Row] | pa.Table", scores: Scores, own: "pa.Schema", added: "pa.Schema") -> bytes:
    """A parquet file of one row group.

    Parameters
    ----------
    rows : list of dict, or pyarrow.Table
    own, added : pyarrow.Schema
        Of the input's columns, under their names there, and of the fields of a score.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [_column(rows, field) for field in own]
    columns += [pa.array([score[field.name] for score in scores], field.type) for field in added]
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=output(own, added)), sink)
    return sink.getvalue()


def counted(data: bytes, form: str) -> list[int]:
    """Rows of a part, and those of them with an error."""
    if form == "parquet":
        import pyarrow.parquet as pq

        column = pq.read_table(io.BytesIO(data), columns=["error"])["error"]
        return [len(column), len(column) - column.null_count]
    if form == "jsonl":
        errors = [json.loads(line)["error"] is not None for line in data.splitlines()]
    else:
        errors = [bool(row["error"]) for row in csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))]
    return [len(errors), sum(errors)]


def output(own: "pa.Schema", added: "pa.Schema") -> "pa.Schema":
    """Types of a parquet output."""
    import pyarrow as pa

    shown = renamed(own.names)
    return pa.schema([*((shown[field.name], field.type) for field in own), *added])


def score_schema(labels: Sequence[str], sentences: bool) -> "pa.Schema":
    """Types of the fields of a score.

    Parameters
    ----------
    labels : list of str
        Names of the codebook's labels.
    sentences : bool
        Whether sentences are among them.
    """
    import pyarrow as pa

    number, text = pa.float64(), pa.string()
    sentence = {
        "text": text,
        "start": pa.int64(),
        "end": pa.int64(),
        "label": text,
        "escalation": number,
        "probabilities": pa.struct([(label, number) for label in labels]),
        "counted": pa.bool_(),
    }
    kinds: dict[str, pa.DataType] = {
        **dict.fromkeys(FIGURES, number),
        "level": text,
        "interval": pa.list_(number),
        "language": text,
        "warnings": pa.list_(text),
        "model": pa.struct([("uri", text), ("version", text), ("codebook", text)]),
        "sentences": pa.list_(pa.struct(list(sentence.items()))),
        "error": text,
    }
    return pa.schema([(name, kinds[name]) for name in fields(sentences)])


def _column(rows: "Sequence[Row] | pa.Table", field: "pa.Field") -> "pa.Array | pa.ChunkedArray":
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        if field.name not in rows.column_names:
            return pa.nulls(len(rows), field.type)
        column = rows[field.name]
        if column.type == field.type:
            return column
        if field.type != pa.string():
            return column.cast(field.type)
        values = column.to_pylist()
    else:
        values = [row.get(field.name) for row in rows]
    if field.type == pa.string():
        values = [None if value is None else _text(value) for value in values]
    return pa.array(values, field.type)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _cell(value: Any) -> Any:
    return _text(value) if isinstance(value, (list, dict, tuple, bytes)) else value


def _plain(value: Any) -> Any:
    """What JSON has no word for: dates as ISO 8601, bytes as text, the rest as Python prints it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a character, as broken JSON escapes make it
        return text.encode("utf-8", "replace")
