"""Lines of a stream of bytes, in memory that does not grow with their length."""

import codecs
from collections.abc import Callable, Iterator
from typing import Any

BLOCK = 1 << 20

Read = Callable[[int], bytes]


def lines(stream: Any, most: int) -> Iterator[tuple[bytes | None, int]]:
    """Lines without their end, None for one of more than `most` bytes, and how many bytes each has.

    Examples
    --------
    >>> import io
    >>> list(lines(io.BytesIO(b"one\\nfar too long\\ntwo"), 6))
    [(b'one', 3), (None, 12), (b'two', 3)]
    """
    # of a damaged archive `read` gives nothing where `read1` gives what stands before the damage
    read = getattr(stream, "read1", stream.read)
    block, read = _as_utf8(read(BLOCK), read)
    held, length = b"", 0  # of a line that goes on in the next block
    while block:
        *ended, tail = block.split(b"\n")
        for line in ended:
            length += len(line)
            yield (None if length > most else held + line), length
            held, length = b"", 0
        length += len(tail)
        held = b"" if length > most else held + tail
        block = read(BLOCK)
    if length:
        yield (None if length > most else held), length


def _as_utf8(block: bytes, read: Read) -> tuple[bytes, Read]:
    """The first block and what follows, without a byte order mark and out of the encoding that it names."""
    if block.startswith(codecs.BOM_UTF8):
        return block.removeprefix(codecs.BOM_UTF8), read
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if block.startswith(mark):
            again = _Recoded(block, read, encoding)
            return again(BLOCK), again
    return block, read


class _Recoded:
    """What reads a stream in another encoding, as UTF-8; what is damaged becomes U+FFFD."""

    def __init__(self, block: bytes, read: Read, encoding: str):
        self.block = block
        self.more = read
        self.decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def __call__(self, size: int) -> bytes:
        """About `size` bytes; none at the end."""
        while block := self.block or self.more(size):
            self.block = b""
            if text := self.decoder.decode(block):
                return text.encode("utf-8")
        return self.decoder.decode(b"", final=True).encode("utf-8")
