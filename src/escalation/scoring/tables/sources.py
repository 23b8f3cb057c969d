"""Which files an input means: a file, a folder or a glob, on a disk or in any store that fsspec reaches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from escalation.errors import InputError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}


@dataclass(frozen=True)
class Source:
    """A file of rows.

    Parameters
    ----------
    address : str
        What fsspec opens.
    name : str
        What messages call it: its path below the input.
    kind : {"jsonl", "csv", "tsv", "parquet"}
    packed : str or None
        How it is compressed.
    size : int
        Bytes.
    stamp : str
        Changes when the file does.
    """

    address: str
    name: str
    kind: str
    packed: str | None
    size: int
    stamp: str

    def open(self) -> Any:
        """Bytes of the file, unpacked."""
        import fsspec

        return fsspec.open(self.address, "rb", compression=self.packed).open()


def store(address: str) -> tuple["AbstractFileSystem", str]:
    """The file system of an address and the path in it.

    Raises
    ------
    InputError
        The protocol is unknown or its package is missing.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise InputError(f"cannot reach {address}: {' '.join(str(error).split())}") from error
    return system, str(path)


def found(address: str) -> list[Source]:
    """The files that an input means, sorted by path; those whose name begins with a dot or an underscore are left out.

    Raises
    ------
    InputError
        There is none, or the one that is named has another format.
    """
    system, path = store(address)
    try:
        if any(sign in path for sign in "*?["):
            paths = [one for one in system.glob(path) if _format(one)]
            base = path[: min(path.index(sign) for sign in "*?[" if sign in path)].rpartition("/")[0]
        elif system.isdir(path):
            paths = [one for one in system.find(path) if _format(one) and not _hidden(one, path)]
            base = path
        elif system.exists(path):
            if not _format(path):
                raise InputError(f"{address} is not one of {', '.join(FORMATS)} (with or without {', '.join(PACKED)})")
            paths, base = [path], path.rpartition("/")[0]
        else:
            raise InputError(f"no file {address}: check the path")
        entries = [_source(system, one, base) for one in sorted(paths)]
    except OSError as error:
        raise InputError(f"cannot read {address}: {error.strerror or error}; check the path and its rights") from error
    if not entries:
        raise InputError(f"no {', '.join(FORMATS)} in {address}: name a file, a folder or a glob with some")
    return entries


def _format(path: str) -> str | None:
    suffixes = PurePosixPath(path).suffixes
    if suffixes and suffixes[-1].lower() in PACKED and len(suffixes) > 1:
        kind = FORMATS.get(suffixes[-2].lower())
        return None if kind == "parquet" else kind
    return FORMATS.get(suffixes[-1].lower()) if suffixes else None


def _hidden(path: str, base: str) -> bool:
    return any(part.startswith((".", "_")) for part in _below(path, base).split("/"))


def _below(path: str, base: str) -> str:
    return path.removeprefix(base).lstrip("/")


def _source(system: "AbstractFileSystem", path: str, base: str) -> Source:
    facts = system.info(path)
    stamp = next((str(facts[key]) for key in ("mtime", "ETag", "LastModified", "updated") if facts.get(key)), "")
    local = "file" in system.protocol
    address = path if local else system.unstrip_protocol(path)
    packed = PACKED.get(PurePosixPath(path).suffix.lower())
    return Source(address, _below(path, base), str(_format(path)), packed, int(facts["size"] or 0), stamp)


def total(sources: list[Source]) -> int:
    """Bytes of all."""
    return sum(source.size for source in sources)


def names(sources: list[Source]) -> Iterator[tuple[str, int, str]]:
    """What a second look must find the same."""
    return ((source.name, source.size, source.stamp) for source in sources)
