"""Reading what is to be scored: a file, a web address or standard input, as text or HTML."""

import logging
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escalation.errors import ConfigError, InputError
from escalation.scoring.encodings import decode

LIMIT = 2_000_000  # bytes
TIMEOUT = 10.0  # seconds for an address to answer, and between two pieces of its answer
PATIENCE = 30.0  # seconds for the whole answer

_HTML_SUFFIXES = (".html", ".htm", ".xhtml", ".xht")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_HTML_BYTES = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Document:
    """A text to score: what is scored, what it is called, and where it came from."""

    text: str
    title: str
    name: str


def read(source: str, limit: int | None = None) -> Document:
    """Read a text or an HTML page.

    Parameters
    ----------
    source : str
        A path, an address with http or https, or ``-`` for standard input.
    limit : int, optional
        Most bytes that are taken; default ``ESCALATION_MAX_BYTES``, else 2,000,000.

    Raises
    ------
    InputError
        It cannot be read, is too large, no text, in no clear encoding, or has nothing to score.
    ConfigError
        The limit is no number of bytes.
    """
    most = bytes_allowed(limit)
    if source == "-":
        name, title, declared, html = "standard input", "standard input", None, None
        data = _from_standard_input(most)
    elif re.match(r"https?://", source, re.IGNORECASE):
        name = title = source
        data, declared, html = _from_web(source, most)
    else:
        name, title, declared = source, Path(source).name, None
        data = _from_file(source, most)
        html = True if Path(source).suffix.lower() in _HTML_SUFFIXES else None
    if not data:
        raise InputError(f"{name} is empty: give a text to score")
    maybe_html = html is not False and (html is True or _HTML_BYTES.search(data, 0, 4096) is not None)
    content = decode(data, name, declared, maybe_html)
    text, found = _article(content, html, name)
    return Document(text, found or title, name)


def parse(content: str, html: bool | None = None, name: str = "the text") -> str:
    """The text to score of a text or an HTML page.

    Parameters
    ----------
    content : str
    html : bool, optional
        Whether it is HTML; by default a page that begins like one is.
    name : str
        What to call it in an error.

    Raises
    ------
    InputError
        There is nothing to score in it.
    """
    return _article(content, html, name)[0]


def _article(content: str, html: bool | None, name: str) -> tuple[str, str]:
    """Text, with every line end a newline, and title (empty for a plain text)."""
    title = ""
    if html or (html is None and _HTML.match(content)):
        content, title = _from_html(content, name)
    content = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not content.strip():
        raise InputError(f"{name} is empty but for white space: give a text to score")
    if not any(map(str.isalpha, content)):
        raise InputError(f"{name} has no letters, so nothing to score: give a text in sentences")
    return content, title


def _from_html(content: str, name: str) -> tuple[str, str]:
    import trafilatura

    if not content.strip():
        raise InputError(f"{name} is empty but for white space: give a text to score")
    logging.getLogger("trafilatura").addHandler(logging.NullHandler())  # what it misses is said below, once
    # a str that declares an encoding is refused by lxml, and the declaration has done its work
    page = re.sub(r"^\s*<\?xml[^>]*\?>", "", content)
    found: Any = trafilatura.bare_extraction(page, include_comments=False, with_metadata=True)
    text = (found.text or "") if found else ""
    # what trafilatura finds on a page without an article is a menu
    if not any(len(line.split()) > 3 for line in text.splitlines()):
        raise InputError(
            f"{name} has no article text that can be told from the page: save the text as .txt and score that"
        )
    # trafilatura gives a paragraph a line; between blank lines no sentence is joined, and a reader sees the paragraphs
    return "\n\n".join(text.splitlines()), str(found.title or "")


def bytes_allowed(limit: int | None) -> int:
    """The most bytes that are taken of a text: `limit`, else ``ESCALATION_MAX_BYTES``, else 2,000,000.

    Raises
    ------
    ConfigError
        It is no number of bytes.
    """
    named = os.environ.get("ESCALATION_MAX_BYTES")
    if limit is None and named:
        if not named.strip().isdecimal():
            raise ConfigError(f"ESCALATION_MAX_BYTES is {named!r}: it must be a number of bytes, for example {LIMIT}")
        limit = int(named)
    if limit is not None and limit < 1:
        raise ConfigError(f"the limit is {limit}: it must be a number of bytes, for example {LIMIT}")
    return LIMIT if limit is None else limit


def _over(name: str, most: int, size: int | None = None) -> InputError:
    has = f"has {size:,} bytes" if size else "has more bytes than allowed"
    return InputError(
        f"{name} {has}, over the limit of {most:,}: split it, or raise the limit with --max-bytes or ESCALATION_MAX_BYTES"
    )


def _from_file(source: str, most: int) -> bytes:
    if "://" in source:
        raise InputError(f"{source} is neither a file nor an address with http or https: give one of these")
    path = Path(source)
    try:
        with path.open("rb") as stream:
            data = stream.read(most + 1)
            size = os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        hint = "; a web address begins with https://" if source.startswith("www.") else ""
        raise InputError(f"no file {source}: check the path{hint}") from None
    except IsADirectoryError:
        raise InputError(
            f"{source} is a folder: give the files in it, for example {source.rstrip('/')}/*.txt"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {source!r}: {reason}; check the path and its rights") from error
    if len(data) > most:
        raise _over(source, most, size if size > most else None)
    return data


def _from_standard_input(most: int) -> bytes:
    if sys.stdin is None:
        raise InputError("there is no standard input: give a file")
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise _over("standard input", most)
    return data


def _from_web(url: str, most: int) -> tuple[bytes, str | None, bool | None]:
    """Body, encoding of the header, and whether the header says that it is HTML."""
    import requests
    import urllib3

    deadline = time.monotonic() + PATIENCE
    try:
        with requests.get(url, headers={"User-Agent": "escalation-risk"}, timeout=TIMEOUT, stream=True) as response:
            if not response.ok:
                raise InputError(
                    f"{url} answers {response.status_code} {response.reason}: check the address, or save the page"
                )
            kind, _, parameters = response.headers.get("Content-Type", "").lower().partition(";")
            html = _is_html(url, kind.strip())
            size = response.headers.get("Content-Length", "")
            if size.isdecimal() and int(size) > most:
                raise _over(url, most, int(size))
            data = b""
            while chunk := response.raw.read1(
                _CHUNK, decode_content=True
            ):  # what has come, where others wait for a full chunk
                data += chunk
                if len(data) > most:
                    raise _over(url, most)
                if time.monotonic() > deadline:
                    raise InputError(f"{url} takes more than {PATIENCE:.0f} seconds: try later, or save the page")
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError, ValueError) as error:
        raise InputError(f"{url} does not answer ({_reason(error)}): check the address and the connection") from error
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters)
    return data, charset[1] if charset else None, html


def _is_html(url: str, kind: str) -> bool | None:
    """What a content type says: HTML, not HTML, or nothing."""
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    if kind in ("", "application/octet-stream", "application/xml") or kind.startswith("text/"):
        return None
    raise InputError(f"{url} is {kind}, not text: give the address of the article's page, or save its text")


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words; the outer ones repeat it with the names of their classes."""
    import requests

    if isinstance(error, requests.Timeout):
        return f"nothing within {TIMEOUT:.0f} seconds"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    text = " ".join(str(error).split())
    found = re.search(r"(?:\[Errno -?\d+\] ?)([^'\")]+)", text)
    return (found[1] if found else text)[:200]
