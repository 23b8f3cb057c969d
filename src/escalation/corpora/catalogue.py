"""The catalogue: what each corpus is, where its files are, and getting those that are not here.

One YAML a corpus in configs/corpus; configs/corpus/authored.yaml explains the fields.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from escalation import files, project
from escalation.corpora.download import download, mirrored
from escalation.errors import ConfigError, CorpusError

SPLITS = ("train", "dev", "test", "all")
_WHAT: dict[type, str] = {str: "text", bool: "true or false", int: "a whole number", dict: "a mapping", list: "a list"}


@dataclass(frozen=True)
class RemoteFile:
    """One published file: where it is, what it must be, and which part of its corpus it holds."""

    url: str
    sha256: str
    bytes: int
    split: str

    @property
    def name(self) -> str:
        """File name, the last part of the URL's path."""
        return Path(urlsplit(self.url).path).name


@dataclass(frozen=True)
class CorpusSpec:
    """What a corpus is and where.

    Parameters
    ----------
    name, description : str
    reader : str
        Dotted path of a function in escalation.corpora.readers.
    columns : mapping
        The reader's keyword arguments: which column is the text, the document, the date.
    labels : mapping of str to str
        Codebook (or a scheme of the corpus's own) to the column that holds its labels.
    label_map : mapping of str to mapping
        Codebook to raw value to label name, for raw values that are neither a label's name nor its code.
    relational : bool
        Whether a text may have two labels, each for a source and a target of its own.
    path : str
        A file, a folder of `*.jsonl` or a glob, relative to the checkout; or else
    files : tuple of RemoteFile
        What to fetch.
    splits : tuple of str
        The splits that training reads.
    licence, citation : str
    """

    name: str
    description: str
    reader: str
    labels: Mapping[str, str]
    columns: Mapping[str, Any] = field(default_factory=dict)
    label_map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    relational: bool = False
    path: str = ""
    files: tuple[RemoteFile, ...] = ()
    splits: tuple[str, ...] = ("train", "all")
    licence: str = ""
    citation: str = ""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> CorpusSpec:
        """Build from plain data (a YAML file's content).

        Raises
        ------
        ConfigError
            A field is unknown, missing or of a wrong type or value; the message names it.
        """
        where = f"corpus {mapping.get('name', '?')}"
        types: dict[str, type] = {
            "name": str,
            "description": str,
            "reader": str,
            "labels": dict,
            "columns": dict,
            "label_map": dict,
        }
        types |= {"relational": bool, "path": str, "files": list, "splits": list, "licence": str, "citation": str}
        given = _checked(where, mapping, types, required=("name", "description", "reader", "labels"))
        remote: dict[str, type] = {"url": str, "sha256": str, "bytes": int, "split": str}
        entries = tuple(
            RemoteFile(**_checked(f"{where}, files[{n}]", one, remote, required=tuple(remote)))
            for n, one in enumerate(given.get("files", []))
        )
        _check_texts(f"{where}: labels", given["labels"])
        for scheme, values in given.get("label_map", {}).items():
            _check_texts(f"{where}: label_map.{scheme}", values)
        given["label_map"] = {
            scheme: {str(value): label for value, label in values.items()}  # YAML reads a bare 1 as a number
            for scheme, values in given.get("label_map", {}).items()
        }
        spec = cls(**{**given, "files": entries, "splits": tuple(given.get("splits", ("train", "all")))})
        _check_values(where, spec)
        return spec

    @classmethod
    def load(cls, name: str, folder: Path) -> CorpusSpec:
        """Read ``folder/name.yaml``; an unknown name lists those that there are."""
        path = folder / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(other.stem for other in folder.glob("*.yaml"))) or "none"
            raise ConfigError(f"no corpus {name!r}: choose one of {known}")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"cannot read {path}: {' '.join(str(error).split())}; mend the YAML") from error
        if not isinstance(content, dict):
            raise ConfigError(f"{path} must hold the fields of a corpus; see configs/corpus/authored.yaml")
        spec = cls.from_mapping(content)
        if spec.name != name:
            raise ConfigError(f"{path} has the name {spec.name!r}: make it {name!r} or rename the file")
        return spec

    def to_mapping(self) -> dict[str, Any]:
        """Plain data that `from_mapping` takes back."""
        mapping = asdict(self)
        return {**mapping, "files": list(mapping["files"]), "splits": list(self.splits)}

    @property
    def folder(self) -> Path:
        """Where fetched files are put."""
        return project.home() / "data" / "raw" / self.name

    @property
    def training(self) -> tuple[RemoteFile, ...]:
        """The published files that training reads."""
        return tuple(one for one in self.files if one.split in self.splits)


def catalogue(folder: Path) -> list[CorpusSpec]:
    """Every corpus of ``folder/*.yaml``: those in the checkout first, then those to fetch, by name."""
    specs = [CorpusSpec.load(path.stem, folder) for path in folder.glob("*.yaml")]
    return sorted(specs, key=lambda spec: (bool(spec.files), spec.name))


def ensure(spec: CorpusSpec) -> list[Path]:
    """Give the files that training reads, taken from the mirror ESCALATION_MIRROR if they are not here.

    Raises
    ------
    CorpusError
        They are not here (the message says how to get them), or not as they were published.
    """
    if spec.path:
        return _local(spec)
    if not spec.training:
        offered = ", ".join(one.split for one in spec.files)
        raise CorpusError(f"corpus {spec.name} has nothing for training: its splits are {offered}; add one to `splits`")
    states = {one.name: _state(spec, one) for one in spec.training}
    altered = [name for name, state in states.items() if state == "altered"]
    if altered:
        raise CorpusError(
            f"{spec.folder / altered[0]} is cut short or altered: its sha256 is not the published one; "
            f"replace it with `escalation fetch {spec.name} [--mirror DIR]`"
        )
    missing = [one for one in spec.training if states[one.name] == "missing"]
    mirror = known_mirror()
    if missing and mirror is None:
        raise CorpusError(f"corpus {spec.name} is not here: get it with `escalation fetch {spec.name} [--mirror DIR]`")
    if missing:
        _get(spec, missing, mirror, progress=False)
    return [spec.folder / one.name for one in spec.training]


def known_mirror() -> Path | None:
    """The mirror that ESCALATION_MIRROR names, if it names one."""
    named = os.environ.get("ESCALATION_MIRROR")
    return Path(named) if named else None


def fetch(
    spec: CorpusSpec, mirror: Path | None = None, progress: bool = True, report: Callable[[str], object] | None = None
) -> list[Path]:
    """Get every file of a corpus that is not here, and replace those that are altered.

    Parameters
    ----------
    spec : CorpusSpec
    mirror : Path, optional
        Folder with `<host>/<path>` in place of `https://<host>/<path>`.
    progress : bool
        Show a bar with the time left on standard error, when that is a terminal.
    report : callable, optional
        Told of every file that the mirror lacks and training does not read; default: a line on standard error.

    Returns
    -------
    list of Path
        What is here now.

    Raises
    ------
    CorpusError
        An address does not answer, a file is not what it should be, or the mirror lacks one that training reads.
    """
    if spec.path:
        return _local(spec)
    wanted = [one for one in spec.files if _state(spec, one) != "here"]
    skipped = []
    if mirror is not None:
        skipped = [one for one in wanted if one.split not in spec.splits and not mirrored(one.url, mirror).is_file()]
    _get(spec, [one for one in wanted if one not in skipped], mirror, progress)
    for one in skipped:
        (report or _say)(f"{spec.name}: {one.name} ({one.split}) is not in the mirror: skipped")
    return [spec.folder / one.name for one in spec.files if one not in skipped or (spec.folder / one.name).is_file()]


def status(spec: CorpusSpec) -> dict[str, str]:
    """Tell what `escalation corpora` shows: name, state, labels, licence, description.

    `state` is ``here``, ``missing``, or says which files are missing or altered.
    """
    if spec.path:
        state = "here" if _matches(spec) else "missing"
    else:
        states = {one.name: _state(spec, one) for one in spec.files}
        wrong = [
            f"{kind}: {', '.join(names)}"
            for kind in ("missing", "altered")
            if (names := [name for name, found in states.items() if found == kind])
        ]
        state = "missing" if set(states.values()) == {"missing"} else "; ".join(wrong) or "here"
    shown = {"name": spec.name, "state": state, "labels": ", ".join(spec.labels)}
    return {**shown, "licence": spec.licence, "description": spec.description}


def _get(spec: CorpusSpec, wanted: Sequence[RemoteFile], mirror: Path | None, progress: bool) -> None:
    if not wanted:
        return
    if mirror is not None and not mirror.is_dir():
        raise ConfigError(f"no mirror folder {mirror}: name one with --mirror DIR or ESCALATION_MIRROR, or do without")
    for one in wanted:
        if mirror is not None and not mirrored(one.url, mirror).is_file():
            raise CorpusError(
                f"the mirror lacks {mirrored(one.url, mirror)}: complete it or fetch {spec.name} without a mirror"
            )
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not (progress and console.is_terminal)) as bar:
        for one in wanted:
            advance = partial(bar.advance, bar.add_task(one.name, total=one.bytes))
            download(one.url, spec.folder / one.name, one.bytes, one.sha256, mirror, advance)


def _state(spec: CorpusSpec, one: RemoteFile) -> str:
    path = spec.folder / one.name
    if not path.is_file():
        return "missing"
    right = path.stat().st_size == one.bytes and files.sha256(path) == one.sha256
    return "here" if right else "altered"


def _matches(spec: CorpusSpec) -> list[Path]:
    named = project.checkout() / spec.path
    if named.is_dir():
        return sorted(named.glob("*.jsonl"))
    if named.is_file():
        return [named]
    names = glob.glob(spec.path, root_dir=project.checkout(), recursive=True)  # noqa: PTH207  # Path.glob takes no absolute one
    found = (project.checkout() / name for name in names)
    return sorted(path for path in found if path.is_file())


def _local(spec: CorpusSpec) -> list[Path]:
    found = _matches(spec)
    if not found:
        raise CorpusError(f"corpus {spec.name}: nothing at {project.checkout() / spec.path}; mend its `path`")
    return found


def _checked(where: str, mapping: Any, types: Mapping[str, type], required: Sequence[str]) -> dict[str, Any]:
    """Give the fields that are there, each of its type."""
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"{where} must be a mapping with {', '.join(types)}")
    unknown = [str(key) for key in mapping if key not in types]
    if unknown:
        raise ConfigError(f"{where}: unknown field {', '.join(unknown)}; the fields are {', '.join(types)}")
    given = {key: value for key, value in mapping.items() if value is not None}
    missing = [key for key in required if key not in given]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} missing; see configs/corpus/authored.yaml")
    for key, value in given.items():
        if not isinstance(value, types[key]) or (types[key] is int and isinstance(value, bool)):
            raise ConfigError(f"{where}: {key} is {value!r}, must be {_WHAT[types[key]]}")
    return given


def _check_texts(where: str, mapping: Any) -> None:
    if not isinstance(mapping, dict) or not mapping or not all(isinstance(value, str) for value in mapping.values()):
        raise ConfigError(f"{where} is {mapping!r}, must map names to text; put a bare number in quotes")


def _check_values(where: str, spec: CorpusSpec) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", spec.name):
        raise ConfigError(f"{where}: name must be made of letters, digits, _ and -")
    if bool(spec.path) == bool(spec.files):
        raise ConfigError(f"{where}: needs either `path` (a file here) or `files` (to fetch), and not both")
    for split in (*spec.splits, *(one.split for one in spec.files)):
        if split not in SPLITS:
            raise ConfigError(f"{where}: split is {split!r}, must be one of {', '.join(SPLITS)}")
    for one in spec.files:
        parts = urlsplit(one.url)
        if parts.scheme not in ("http", "https") or not parts.netloc or not one.name or ".." in parts.path.split("/"):
            raise ConfigError(f"{where}: url {one.url!r} must be http(s)://host/path/file")
        if not re.fullmatch("[0-9a-f]{64}", one.sha256):
            raise ConfigError(f"{where}: sha256 of {one.name} must be 64 digits of 0-9a-f")
    if len({one.name for one in spec.files}) != len(spec.files):
        raise ConfigError(f"{where}: two files have the same name; make two corpora of them")


def _say(line: str) -> None:
    print(line, file=sys.stderr)
