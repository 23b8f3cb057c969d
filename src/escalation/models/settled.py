"""The same model as the same bytes: a skops file without what differs from one process to the next."""

import json
import zipfile
from pathlib import Path
from typing import Any

from escalation import files

SCHEMA = "schema.json"
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can tell


def settle(path: Path) -> None:
    """Number a skops file's objects in their order, name its parts by these numbers, and date them alike.

    skops names objects by their addresses in memory, and scikit-learn's vectorizers keep the address of their stop words.
    """
    with zipfile.ZipFile(path) as old:
        schema = json.loads(old.read(SCHEMA))
        parts = {info.filename: (info.compress_type, old.read(info)) for info in old.infolist()}
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    _number(schema, numbers, names)
    parts[SCHEMA] = (parts[SCHEMA][0], json.dumps(schema).encode())
    with files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as new:
        for name, (kind, content) in sorted((names.get(name, name), part) for name, part in parts.items()):
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = kind
            new.writestr(info, content)


def _number(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:
    """Renumber a node and those below it in place; `names` gets the new names of the files that they are in."""
    if isinstance(node, list):
        for one in node:
            _number(one, numbers, names)
    if not isinstance(node, dict):
        return
    if "__id__" in node:
        node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
    if isinstance(node.get("file"), str):
        old = Path(node["file"])
        node["file"] = names.setdefault(node["file"], f"{node['__id__']}{old.suffix}")
    for key, one in node.items():
        if key == "_stop_words_id" and isinstance(one, dict):
            one["content"] = "0"
        _number(one, numbers, names)
