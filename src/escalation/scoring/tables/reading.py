"""Rows of a source in chunks that fit in memory, in order; what cannot be read is a row with a fault."""

import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from escalation.scoring.tables import separated
from escalation.scoring.tables.lines import lines
from escalation.scoring.tables.sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_BYTES = 8_000_000
SPREAD = 8  # bytes of a row for one of its text, which JSON and other columns may take
DELIMITERS = {"csv": ",", "tsv": "\t"}
GROUP = 256  # rows of a parquet file that are in memory at once beside those of the chunk

# what a damaged file raises while it is read; pyarrow's own errors are OSError and ValueError
DAMAGE = (OSError, EOFError, ValueError, zlib.error)

Item = tuple[int, Any, "str | None"]  # number of the row or line, what stands there, what is wrong with it


@dataclass(frozen=True)
class Piece:
    """A source or, where several machines share one, a stretch of it.

    Parameters
    ----------
    source : Source
    place : int
        Which of the input's sources it is.
    number : int
        Which of the source's pieces it is.
    start, stop : int
        Lines that begin in these bytes; of parquet, row groups. `stop` -1: to the end.
    first : int
        Number of the first row; of lines, of that which holds the byte before the piece.
    """

    source: Source
    place: int
    number: int = 0
    start: int = 0
    stop: int = -1
    first: int = 1


@dataclass(frozen=True)
class Chunk:
    """Rows that are scored and written together.

    Parameters
    ----------
    name : str
        Sorts as the chunks stand in the input.
    source : Source
    rows : list of Item, or pyarrow.Table
        Items hold a line of JSON (bytes) or the fields of a row, as the source's kind says.
    first : int
        Number of the table's first row.
    header : list of str
        Names of the fields.
    share : float
        Bytes of the source that it stands for.
    """

    name: str
    source: Source
    rows: "list[Item] | pa.Table"
    first: int
    header: list[str]
    share: float

    def __len__(self) -> int:
        return len(self.rows)


Chunks = Generator[Chunk, None, int]


def chunks(piece: Piece, rows: int, most: int, columns: list[str] | None = None) -> Chunks:
    """Chunks of at most `rows` rows and about 8 MB; the same for the same file, whenever it is read.

    Parameters
    ----------
    piece : Piece
    rows : int
    most : int
        Bytes of the longest text that is taken.
    columns : list of str, optional
        Those of a parquet file that are wanted.

    Returns
    -------
    int
        What the generator ends with: the `first` of the next piece, where that is one of lines.
    """
    return _parquet(piece, rows, columns) if piece.source.kind == "parquet" else _text(piece, rows, most)


def _names(piece: Piece) -> Iterator[str]:
    return (f"{piece.place:05d}-{piece.number:05d}-{number:05d}" for number in count())


def header(source: Source, most: int) -> list[str]:
    """Names of the columns of a csv file.

    Raises
    ------
    ValueError
        There are none, or one twice.
    """
    with source.open() as stream:
        return _header(
            separated.rows(lines(stream, SPREAD * most), source.name, DELIMITERS[source.kind], SPREAD * most)
        )


def _header(items: Iterable[Item]) -> list[str]:
    _, names, fault = next(iter(items), (0, None, "it is empty"))
    if names is None:
        raise ValueError(fault)
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"its header names {', '.join(sorted(twice))} twice: rename one")
    return [str(name) for name in names]


def _text(piece: Piece, rows: int, most: int) -> Chunks:
    """Chunks of lines of JSON or of comma-separated rows."""
    source, most, names = piece.source, SPREAD * most, _names(piece)
    columns: list[str] = []
    held: list[Item] = []
    size = 0
    # a packed file does not say how much of it has been read: progress then waits for its end
    left = float(source.size if piece.stop < 0 else piece.stop - piece.start)
    within = _Lines(piece)
    try:
        with source.open() as stream:
            read: Iterator[Item]
            if source.kind == "jsonl":
                read = within.read(stream, most)
            else:
                read = separated.rows(lines(stream, most), source.name, DELIMITERS[source.kind], most)
                columns = _header(read)
            for item in read:
                within.last = item[0]
                held.append(item)
                size += len(item[1]) if isinstance(item[1], bytes) else sum(map(len, item[1] or ())) + 1
                if len(held) >= rows or size >= CHUNK_BYTES:
                    share = 0.0 if source.packed else min(size, left)
                    yield Chunk(next(names), source, held, 1, columns, share)
                    held, size, left = [], 0, left - share
    except DAMAGE as error:
        number = within.last
        held.append((number, None, f"{source.name} cannot be read beyond line {number}: {_said(error)}"))
    if held:
        yield Chunk(next(names), source, held, 1, columns, left)
    return within.last


class _Lines:
    """Lines of JSON that begin within a piece; `last` is the number of the last that has been read, a blank one too."""

    def __init__(self, piece: Piece):
        self.piece = piece
        self.last = piece.first

    def read(self, stream: Any, most: int) -> Iterator[Item]:
        """Each once."""
        piece = self.piece
        # the end of the line before, or an empty rest, is read and left to the piece before
        begin = max(piece.start - 1, 0)
        if begin:
            stream.seek(begin)
        read = lines(stream, most)
        if piece.start:
            begin += next(read, (b"", 0))[1] + 1
        for number, (line, length) in enumerate(read, start=piece.first + bool(piece.start)):
            if 0 <= piece.stop <= begin:
                return
            self.last = number
            begin += length + 1
            if line is None:
                yield number, None, f"{piece.source.name} line {number} has more than {most:,} bytes"
            elif line.strip():
                yield number, line, None


def _parquet(piece: Piece, rows: int, columns: list[str] | None) -> Chunks:
    """Chunks of tables; a row group that is damaged is so many rows with a fault."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source, number, names = piece.source, piece.first, _names(piece)
    try:
        with source.open() as stream, pq.ParquetFile(stream) as file:
            last = file.num_row_groups if piece.stop < 0 else piece.stop
            wanted = [one for one in file.schema_arrow.names if columns is None or one in columns]
            weight = source.size / max(file.metadata.num_rows, 1)
            for group in range(piece.start, last):
                expected = file.metadata.row_group(group).num_rows
                end = number + expected
                try:
                    held: list[pa.RecordBatch] = []
                    for batch in file.iter_batches(GROUP, row_groups=[group], columns=wanted, use_threads=False):
                        held.append(batch)
                        size = sum(map(len, held))
                        if size >= rows or sum(one.nbytes for one in held) >= CHUNK_BYTES:
                            yield Chunk(next(names), source, pa.Table.from_batches(held), number, wanted, size * weight)
                            number, held = number + size, []
                    if held:
                        size = sum(map(len, held))
                        yield Chunk(next(names), source, pa.Table.from_batches(held), number, wanted, size * weight)
                        number += size
                except DAMAGE as error:
                    said = f"cannot be read: {_said(error)}"
                    faults = [(one, None, f"{source.name} row {one} {said}") for one in range(number, end)]
                    for start in range(0, len(faults), rows):
                        part = faults[start : start + rows]
                        yield Chunk(next(names), source, part, part[0][0], wanted, len(part) * weight)
                number = end
    except DAMAGE as error:
        fault = f"{source.name} cannot be read: {_said(error)}"
        yield Chunk(next(names), source, [(number, None, fault)], number, [], float(source.size))
    return number


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
