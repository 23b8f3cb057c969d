"""Sources cut into stretches: whether one machine reads them in turn or several apart, the chunks are the same."""

from pathlib import Path

import pytest

from escalation.scoring.tables import pieces, reading, sources

LINES = [
    b"short",
    b"",
    b"a line that is longer than a whole stretch of thirty bytes, and than the one after it too",
    b"x" * 29,  # its end is the last byte of a stretch
    b"",
    b"",
    b"y" * 30,
    b"z",
    b"the last, without an end",
]


@pytest.mark.parametrize("size", [1, 7, 30, 31, 1000])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_have_their_numbers_whoever_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: bytes
) -> None:
    monkeypatch.setattr(pieces, "SIZE", size)
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(LINES) + end)
    cut = list(pieces.cut(sources.found(str(tmp_path))))
    wanted = [(number, line, None) for number, line in enumerate(LINES, start=1) if line]
    in_turn = list(pieces.in_turn(cut, 2, 1000, None))
    assert [item for chunk in in_turn for item in chunk.rows] == wanted * 2
    apart = pieces.numbered(cut, {piece: pieces.line_ends(piece) for piece in cut if piece.stop >= 0})
    assert [chunk for piece in apart for chunk in reading.chunks(piece, 2, 1000)] == in_turn
    assert [chunk.name for chunk in in_turn] == sorted({chunk.name for chunk in in_turn})
