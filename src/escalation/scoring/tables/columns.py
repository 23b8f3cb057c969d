"""The columns of an output: the input's own, under names that do not clash with ours, and what type each has in parquet."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from escalation.scoring.tables.lines import lines
from escalation.scoring.tables.reading import DAMAGE, SPREAD, header
from escalation.scoring.tables.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

FIGURES = ("escalation", "de_escalation", "threat", "act")
FIELDS = (*FIGURES, "level", "interval", "language", "warnings", "model", "sentences", "error")
OWN = "input_"
PEEK = 100  # lines that tell the columns of a file of JSON


def renamed(names: Iterable[str]) -> dict[str, str]:
    """What the input's columns are called in the output: one that has the name of a field of a score begins with `input_`.

    Examples
    --------
    >>> renamed(["id", "language", "input_language"])
    {'id': 'id', 'language': 'input_input_language', 'input_language': 'input_language'}
    """
    known = set(names)
    found = {}
    for name in names:
        shown = name
        while shown in FIELDS or (shown != name and shown in known):
            shown = OWN + shown
        found[name] = shown
    return found


def peeked(source: Source, most: int) -> list[str]:
    """Names of the columns of a file, of JSON those of its first lines.

    Raises
    ------
    OSError, EOFError, ValueError, zlib.error
        It cannot be read.
    """
    if source.kind == "parquet":
        return list(_footer(source).names)
    if source.kind != "jsonl":
        return header(source, most)
    with source.open() as stream:
        seen: dict[str, None] = {}
        for number, (line, _) in enumerate(lines(stream, SPREAD * most)):
            if number >= PEEK:
                break
            seen.update(dict.fromkeys(_object(line)))
        return list(seen)


def typed(sources: Sequence[Source], most: int, keep: Sequence[str] | None) -> "pa.Schema":
    """Columns of all sources together with their types, in order of first appearance; files of JSON are read for it.

    A column keeps its type where all files agree on it, or on kinds of number; else it becomes text, in which whatever is no
    string is JSON.
    """
    import pyarrow as pa

    fields: dict[str, list[pa.DataType]] = {}
    for source in sources:
        try:
            found = _types(source, most)
        except DAMAGE:
            continue  # its rows have a fault each
        for name, kind in found.items():
            if keep is None or name in keep:
                fields.setdefault(name, []).append(kind)
    return pa.schema([(name, _common(kinds)) for name, kinds in fields.items()])


def _types(source: Source, most: int) -> Mapping[str, "pa.DataType"]:
    import pyarrow as pa

    if source.kind == "parquet":
        schema = _footer(source)
        return dict(zip(schema.names, schema.types, strict=True))
    if source.kind != "jsonl":
        return dict.fromkeys(header(source, most), pa.string())
    kinds: dict[str, set[str]] = {}
    with contextlib.suppress(*DAMAGE), source.open() as stream:  # what stands before the damage counts
        for line, _ in lines(stream, SPREAD * most):
            for name, value in _object(line).items():
                kinds.setdefault(name, set()).add(_kind(value))
    return {name: _arrow(one) for name, one in kinds.items()}


def _object(line: bytes | None) -> Mapping[str, Any]:
    """The object of a line of JSON; an empty one where there is none."""
    try:
        value = json.loads(line or b"null")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _kind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return "large"
    return type(value).__name__


def _arrow(kinds: set[str]) -> "pa.DataType":
    import pyarrow as pa

    known = kinds - {"NoneType"}
    simple = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
    if not known:
        return pa.null()
    if known == {"int", "float"}:
        return pa.float64()
    return simple.get(next(iter(known)), pa.string()) if len(known) == 1 else pa.string()


def _common(kinds: Sequence["pa.DataType"]) -> "pa.DataType":
    import pyarrow as pa

    known = list(dict.fromkeys(kind for kind in kinds if not pa.types.is_null(kind)))
    if len(known) == 1:
        return known[0]
    if known and all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in known):
        return pa.int64() if all(pa.types.is_integer(kind) for kind in known) else pa.float64()
    return pa.string()


def _footer(source: Source) -> "pa.Schema":
    import pyarrow.parquet as pq

    with source.open() as stream:
        return pq.read_schema(stream)
