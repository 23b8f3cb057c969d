"""Rows of comma-separated text, also where its quoting is broken: a bad line costs itself and no other."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from escalation.errors import InputError
from escalation.scoring.encodings import decode

Item = tuple[int, "list[str] | None", "str | None"]  # line number, fields, what is wrong


def rows(
    lines: Iterable[tuple[bytes | None, int]], name: str, delimiter: str, most: int, width: int | None = None
) -> Iterator[Item]:
    """Rows in order, each with the number of its first line; a row has fields or a fault.

    Where quotes do not close, or close in the middle of a field, or the number of fields is wrong over several lines, the
    first line is at fault and the next is read as the beginning of a row.

    Parameters
    ----------
    lines : iterable of (bytes, int)
        As `lines.lines` gives them.
    name : str
        What to call the file.
    delimiter : str
    most : int
        Bytes of a row over several lines.
    """
    csv.field_size_limit(max(csv.field_size_limit(), most))
    taken = _Taken(lines, name, most)
    reader = csv.reader(taken, delimiter=delimiter, strict=True)
    width = 0
    while True:
        taken.begin()
        fault = None
        fields: list[str] = []
        try:
            fields = next(reader)
        except StopIteration:
            return
        except InputError as error:
            fault = str(error)
        except csv.Error as error:
            fault = f"{name} line {taken.lines[0][0]}: its quotes are broken ({error})"
        if not fields and fault is None:
            continue  # a blank line
        number = taken.lines[0][0]
        width = width or len(fields)  # of the header
        if fault is None and len(fields) != width:
            fault = f"{name} line {number} has {len(fields)} fields, the header {width}: are quotes missing?"
        if fault is None:
            yield number, fields, None
            continue
        yield number, None, fault
        taken.give_back()
        reader = csv.reader(taken, delimiter=delimiter, strict=True)


class _Taken:
    """Decoded lines for a csv reader, which remembers those of the row that it is in."""

    def __init__(self, lines: Iterable[tuple[bytes | None, int]], name: str, most: int):
        self.source = enumerate((line for line, _ in lines), start=1)
        self.name = name
        self.most = most
        self.waiting: deque[tuple[int, bytes | None]] = deque()
        self.begin()

    def begin(self) -> None:
        """Another row."""
        self.lines: list[tuple[int, bytes | None]] = []
        self.size = 0

    def give_back(self) -> None:
        """All lines of the row but the first, which is at fault."""
        self.waiting.extendleft(reversed(self.lines[1:]))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, line = self.waiting.popleft() if self.waiting else next(self.source)
        self.lines.append((number, line))
        if line is not None:
            self.size += len(line)
        if line is None or self.size > self.most:
            first = self.lines[0][0]
            raise InputError(f"{self.name} line {first} has more than {self.most:,} bytes: do its quotes close?")
        try:
            return line.decode("utf-8") + "\n"
        except UnicodeDecodeError:
            return decode(line, f"{self.name} line {number}") + "\n"
