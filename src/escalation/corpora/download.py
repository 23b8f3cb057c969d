"""Getting one file from the web or from a mirror folder, whole and as published, or not at all."""

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from escalation import files
from escalation.errors import CorpusError

TIMEOUT = 30.0  # seconds without a byte
CHUNK = 1 << 16


def mirrored(url: str, mirror: Path) -> Path:
    """Where a mirror laid out as by `wget -x` has a URL.

    Examples
    --------
    >>> mirrored("https://example.org/data/train.tsv", Path("mirror")).as_posix()
    'mirror/example.org/data/train.tsv'
    """
    parts = urlsplit(url)
    return mirror / parts.netloc / parts.path.lstrip("/")


def download(
    url: str, target: Path, size: int, sha256: str, mirror: Path | None = None, advance: Callable[[int], object] = int
) -> None:
    """Bring the file of a URL to `target` when it is what it should be.

    Parameters
    ----------
    url : str
        http or https.
    size : int
        Bytes that it must have.
    sha256 : str
        Hex sum that it must have.
    mirror : Path, optional
        Folder to take it from in place of the web.
    advance : callable
        Told the number of bytes of each piece.

    Raises
    ------
    CorpusError
        The address does not answer, or what came is not the published file; `target` is as it was before.
    InputError
        `target` cannot be written.
    """
    digest, count = hashlib.sha256(), 0
    with files.replacing(target) as temporary:
        with temporary.open("wb") as out:
            for chunk in _from_web(url) if mirror is None else _from_folder(mirrored(url, mirror)):
                count += len(chunk)
                if count > size:
                    break  # whatever it is, it need not fill the disk
                out.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        if count != size or digest.hexdigest() != sha256:
            got = f"more than {size} bytes" if count > size else f"{count} bytes with sha256 {digest.hexdigest()}"
            raise CorpusError(
                f"{url}: expected {size} bytes with sha256 {sha256}, got {got}; fetch it again, or report it"
            )


def _from_web(url: str) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "escalation-risk"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            while chunk := response.read(CHUNK):
                yield chunk
    except HTTPError as error:
        raise CorpusError(
            f"{url} answers {error.code} {error.reason}; try later or name a mirror with --mirror DIR"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = " ".join(str(error.reason if isinstance(error, URLError) else error).split()) or type(error).__name__
        raise CorpusError(
            f"{url} does not answer ({reason}); check the connection or name a mirror with --mirror DIR"
        ) from error


def _from_folder(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise CorpusError(
            f"cannot read {path} of the mirror: {error.strerror}; mend the mirror or fetch without it"
        ) from error
