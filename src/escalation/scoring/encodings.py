"""Bytes to text: decoded when the encoding is clear, refused when it is not."""

import codecs
import re

from escalation.errors import InputError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP or Office file",
    b"\xd0\xcf\x11\xe0": "an Office file",
    b"{\\rtf": "an RTF file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x1f\x8b": "a gzip file",
    b"\x7fELF": "a program",
}
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)

_LATIN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŒŠŽŸàáâãäåæçèéêëìíîïñòóôõöøùúûüÿßœšž"
_WESTERN = re.compile(rf"[\x00-\x7f{_LATIN}‘’“”«»–—…•€£§°©®™·\u00a0¿¡]*")
# a capital in a word is another encoding's small letter or quote; the others are what damaged UTF-8 looks like
_MISREAD = re.compile(r"[a-z][À-ÝŒŠŽŸ]|â€|Ã[^A-Za-z\s]")

_SAMPLE = 1 << 16  # bytes that are enough to tell an encoding
_MESS, _COHERENCE = 0.02, 0.5  # charset-normalizer's measures: most and least of a guess that is clear
_AHEAD = 0.2  # coherence by which it must lead readings that are as clean


def decode(data: bytes, name: str, declared: str | None = None, html: bool = False) -> str:
    """Text of bytes that are UTF-8, have a byte order mark, say what they are, or leave no doubt.

    Parameters
    ----------
    data : bytes
    name : str
        What to call them in an error.
    declared : str, optional
        The encoding that the HTTP header names.
    html : bool
        Whether a ``<meta charset>`` may tell.

    Raises
    ------
    InputError
        They are binary, or the encoding is not clear.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = _strictly(data, encoding)
            if text is None:
                raise InputError(
                    f"{name} begins like {encoding.removesuffix('-sig').upper()} but is not: save it as UTF-8"
                )
            return text
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise InputError(f"{name} is binary ({kind}): save its text as .txt and score that")
    if len(_CONTROLS.findall(data)) > len(data) // 1000 or b"\x00" in data:
        raise InputError(f"{name} is binary, not text: give a text or HTML file")
    text = _strictly(data, "utf-8")
    said = declared or _meta(data) if html else declared
    if text is None and said:
        text = _strictly(data, said)
    if text is None:
        text = _western(data)
    if text is None:
        text = _guessed(data)
    if text is None:
        raise InputError(
            f"{name} is not in UTF-8 and its encoding is not clear: save it as UTF-8 (for example with iconv)"
        )
    return text


def _strictly(data: bytes, encoding: str) -> str | None:
    """The text if every byte is valid in the encoding, as browsers understand its name."""
    try:
        codec = codecs.lookup(encoding).name
        text = data.decode("cp1252" if codec in ("iso8859-1", "ascii") else codec)
    except (LookupError, UnicodeError, ValueError):
        return None
    return text


def _meta(data: bytes) -> str | None:
    found = _META.search(data, 0, 4096)
    return found[1].decode("ascii", "ignore") if found else None


def _western(data: bytes) -> str | None:
    """Windows-1252 when all its marks and accents stand where western text has them, and most letters have none.

    Statistics tell it badly from its cousins, which have the same curly quotes, on the few such bytes of a wire text.
    """
    text = _strictly(data, "cp1252")
    if text is None or not _WESTERN.fullmatch(text) or _MISREAD.search(text):
        return None
    letters = sum(map(str.isalpha, text))
    accents = sum(character in _LATIN for character in text if character > "\x7f")
    return text if accents * 4 <= letters else None


def _guessed(data: bytes) -> str | None:
    """What charset-normalizer reads, if no other reading comes near."""
    import charset_normalizer

    sample = data if len(data) <= _SAMPLE else data[:_SAMPLE].rpartition(b" ")[0]
    best, *others = [*charset_normalizer.from_bytes(sample)] or [None]
    if best is None or best.chaos > _MESS or best.coherence < _COHERENCE:
        return None
    near = (other for other in others if other.chaos < best.chaos + _MESS and other.coherence > best.coherence - _AHEAD)
    return None if any(str(other) != str(best) for other in near) else _strictly(data, best.encoding)
