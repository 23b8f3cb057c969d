"""The folder of an output's parts: each is written whole, and a manifest says which there are."""

import glob
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from escalation import files
from escalation.errors import InputError
from escalation.scoring.tables.sources import store

MANIFEST = "_manifest.json"  # readers of folders skip names that begin like this
PREFIX = "part-"
EVERY = 2.0  # seconds between two writings of the manifest
BLOCK = 1 << 20


class Folder:
    """A folder on a disk or in any store that fsspec reaches. It pickles.

    Parameters
    ----------
    address : str
    """

    def __init__(self, address: str):
        self.address = address
        self._reach()

    def _reach(self) -> None:
        self.system, self.path = store(self.address)
        self.local = "file" in self.system.protocol

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.address = state["address"]
        self._reach()

    def at(self, name: str) -> str:
        """Path of a file in it."""
        return f"{self.path.rstrip('/')}/{name}"

    def write(self, name: str, data: bytes) -> None:
        """Write a file that is either whole or not there; object stores show a file when it is whole.

        Raises
        ------
        InputError
            It cannot be written.
        """
        if self.local:
            with files.replacing(Path(self.at(name))) as temporary:
                temporary.write_bytes(data)
            return
        try:
            self.system.pipe_file(self.at(name), data)
        except OSError as error:
            raise InputError(f"cannot write {self.at(name)}: {' '.join(str(error).split())}") from error

    def read(self, name: str) -> bytes | None:
        """Bytes of a file; None where it is not there."""
        try:
            return bytes(self.system.cat_file(self.at(name)))
        except FileNotFoundError:
            return None

    def names(self) -> set[str]:
        """Names of the files in it, without those that a killed process has left half-written."""
        try:
            self.system.invalidate_cache()
            names = {str(path).rpartition("/")[2] for path in self.system.ls(self.path, detail=False)}
            return {name for name in names if not (name.startswith(".") and name.endswith(".part"))}
        except FileNotFoundError:
            return set()
        except NotADirectoryError:
            raise InputError(f"{self.address} is a file: name another output") from None

    def remove(self) -> None:
        """Delete it and what is in it, the manifest last: whoever is killed meanwhile can be followed by another call."""
        if rest := [self.at(name) for name in self.names() if name != MANIFEST]:
            self.system.rm(rest)
        self.system.rm(self.path, recursive=True)


class Parts:
    """Which parts are written, and with what result.

    Parameters
    ----------
    folder : Folder
    job : mapping
        What the output is made of and how, as plain data.
    """

    def __init__(self, folder: Folder, job: Mapping[str, Any]):
        self.folder = folder
        self.job = json.loads(json.dumps(job))
        self.done: dict[str, list[int]] = {}
        self.unlisted: list[str] = []  # whole parts, written after the manifest
        self.finished = False
        self.saved = 0.0

    def open(self, resume: bool, whole: bool = False) -> None:
        """Begin, or go on with what an earlier call left.

        Parameters
        ----------
        resume : bool
        whole : bool
            Whether one file has been made of the parts, so that none is needed any more.

        Raises
        ------
        InputError
            There is something already and `resume` is false, or it was made of something else.
        """
        there = self.folder.names()
        kept = self.folder.read(MANIFEST) if MANIFEST in there else None
        if kept is None:
            if there:
                raise InputError(f"{self.folder.address} is not empty: name another output")
            self.save()
            return
        if not resume:
            raise InputError(f"{self.folder.address} exists: go on with it by --resume, or name another output")
        manifest = json.loads(kept)
        for what, value in self.job.items():
            if manifest["job"].get(what) != value:
                raise InputError(
                    f"{self.folder.address} was begun with another {what}: call it as before, or name another output"
                )
        if self.folder.local:
            files.swept(Path(self.folder.path))
        self.done = {name: counts for name, counts in manifest["parts"].items() if whole or name in there}
        self.unlisted = sorted(name for name in there - set(self.done) if name.startswith(PREFIX))
        self.finished = whole or bool(manifest["finished"])

    def add(self, name: str, counts: list[int]) -> None:
        """A part is in its place; `counts` are its rows, and those of them with an error."""
        self.done[name] = counts
        if time.monotonic() - self.saved > EVERY:
            self.save()

    def save(self, finished: bool = False) -> None:
        """Write the manifest."""
        self.finished = finished
        content = {"job": self.job, "finished": finished, "parts": dict(sorted(self.done.items()))}
        self.folder.write(MANIFEST, json.dumps(content, indent=1).encode())
        self.saved = time.monotonic()


def join(folder: Folder, names: list[str], target: str, skipped: int) -> None:
    """Make one file of parts, whole or not at all; memory does not grow with it.

    Parameters
    ----------
    folder : Folder
    names : list of str
        Of the parts, in order.
    target : str
    skipped : int
        Bytes at the beginning of all parts but the first that are left out.
    """
    system, path = store(target)
    if "file" in system.protocol:
        files.swept(Path(path).parent, glob.escape(Path(path).name))
        with files.replacing(Path(path)) as temporary:
            _joined(folder, names, temporary.open("wb"), target, skipped)
    else:
        _joined(folder, names, system.open(path, "wb"), target, skipped)


def _joined(folder: Folder, names: list[str], stream: Any, target: str, skipped: int) -> None:
    with stream:
        if target.endswith(".parquet"):
            import pyarrow.parquet as pq

            writer = None
            for name in names:
                with folder.system.open(folder.at(name), "rb") as part:
                    table = pq.read_table(part)
                writer = writer or pq.ParquetWriter(stream, table.schema)
                writer.write_table(table)
            if writer:
                writer.close()
            return
        for place, name in enumerate(names):
            for block in _blocks(folder, name, skipped if place else 0):
                stream.write(block)


def _blocks(folder: Folder, name: str, skipped: int) -> Iterator[bytes]:
    with folder.system.open(folder.at(name), "rb") as part:
        part.seek(skipped)
        while block := part.read(BLOCK):
            yield block
