"""Sources cut into stretches: several machines read them apart, one reads them in turn, and the chunks are the same."""

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from escalation.scoring.tables.lines import BLOCK
from escalation.scoring.tables.reading import DAMAGE, Chunk, Piece, chunks
from escalation.scoring.tables.sources import Source

SIZE = 8_000_000  # bytes: some seconds of work, and thousands of stretches of a large input


def cut(sources: Sequence[Source]) -> Iterator[Piece]:
    """Stretches in the order of the input: of JSON some bytes, of parquet some row groups, the rest are whole files.

    Where a row of comma-separated text begins depends on all quotes before it, and a packed file has no middle.
    """
    for place, source in enumerate(sources):
        bounds = [(0, -1, 1)]
        try:
            if source.kind == "parquet":
                bounds = _groups(source)
            elif source.kind == "jsonl" and not source.packed and source.size > SIZE and not _marked(source):
                steps = range(0, source.size, SIZE)
                bounds = [(start, min(start + SIZE, source.size), 1) for start in steps]
        except DAMAGE:
            pass  # who reads it says so
        for number, bound in enumerate(bounds):
            yield Piece(source, place, number, *bound)


def in_turn(pieces: Iterable[Piece], rows: int, most: int, columns: list[str] | None) -> Iterator[Chunk]:
    """Chunks of all pieces as `chunks` gives them, the lines of a file numbered on from each piece to the next."""
    last = 1
    for piece in pieces:
        goes_on = piece.number > 0 and piece.source.kind == "jsonl"  # of parquet, the footer tells the numbers
        last = yield from chunks(replace(piece, first=last) if goes_on else piece, rows, most, columns)


def line_ends(piece: Piece) -> int:
    """How many lines end in the piece, moved by one byte to the front."""
    position, stop = max(piece.start - 1, 0), piece.stop - 1
    count = 0
    with piece.source.open() as stream:
        stream.seek(position)
        while position < stop and (block := stream.read(min(BLOCK, stop - position))):
            count += block.count(b"\n")
            position += len(block)
    return count


def numbered(pieces: Sequence[Piece], ends: Mapping[Piece, int]) -> list[Piece]:
    """The pieces with the number of the first line of each, from the line ends of those before it in its file."""
    found = []
    before = 0
    for piece in pieces:
        if piece.number == 0:
            before = 0
        found.append(replace(piece, first=1 + before) if piece in ends else piece)
        before += ends.get(piece, 0)
    return found


def _groups(source: Source) -> list[tuple[int, int, int]]:
    """Runs of row groups of about `SIZE` bytes each: the first, the one after the last, and the number of the first row."""
    import pyarrow.parquet as pq

    with source.open() as stream, pq.ParquetFile(stream) as file:
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    bounds: list[tuple[int, int, int]] = []
    begin = size = 0
    row = first = 1
    for index, group in enumerate(groups, start=1):
        size += group.total_byte_size
        row += group.num_rows
        if size >= SIZE or index == len(groups):
            bounds.append((begin, index, first))
            begin, size, first = index, 0, row
    return bounds or [(0, -1, 1)]


def _marked(source: Source) -> bool:
    """Whether a byte order mark begins it: such a file may have characters of several bytes, and is read as one."""
    with source.open() as stream:
        begin: bytes = stream.read(4)
    return begin.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
