"""Reading what is to be scored, and refusing in one line what cannot be."""

import contextlib
import gzip
import io
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from escalation.errors import ConfigError, InputError
from escalation.scoring import documents
from escalation.scoring.documents import parse, read

WIRE = "“We will answer,” the marshal said. The café stayed open, he’d heard, until nine – as ever."
RUSSIAN = (
    "Войска стоят у границы. Министр заявил во вторник, что переговоры провалились и армия приведена в готовность."
)
PAGE = """<!doctype html><html><head><title>Border tension</title></head><body>
<nav><a href="/">Home</a> <a href="/world">World</a></nav>
<article><h1>Tanks at the crossing</h1>
<p>Tanks massed at the Orlava crossing on Sunday, and officials in the capital expect an attack within days.</p>
<p>“We will answer every shot,” the marshal told reporters at the café. The festival went ahead in the rain.</p>
</article><footer>All rights reserved</footer></body></html>"""


def refusal(source: object, **arguments: int) -> str:
    with pytest.raises(InputError) as caught:
        read(str(source), **arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def file(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(content: bytes | str, name: str = "story.txt") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def test_text_is_taken_as_it_is(file) -> None:  # type: ignore[no-untyped-def]
    found = read(file("  First line.\r\n\r\nSecond “line”.\n"))
    assert found.text == "  First line.\n\nSecond “line”.\n"
    assert found.title == "story.txt"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
def test_clear_encodings(file, encoding: str) -> None:  # type: ignore[no-untyped-def]
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    assert read(file((mark + WIRE).encode(encoding))).text == WIRE


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
def test_other_alphabets_when_there_is_enough_to_tell(file, encoding: str) -> None:  # type: ignore[no-untyped-def]
    assert read(file((RUSSIAN * 3).encode(encoding))).text == RUSSIAN * 3


def test_a_sample_may_end_within_a_character(file) -> None:  # type: ignore[no-untyped-def]
    text = (WIRE + " ") * 3000
    assert read(file(text.encode("cp1252"))).text == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\t \n", "empty"),
        ("\ufeff".encode(), "empty"),
        (b"1234 5678 ... 90 --- !!!", "no letters"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00" * 50, "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20, "binary"),
        (b"%PDF-1.7 plain words", "PDF"),
        (gzip.compress(b"The army moved.", mtime=0), "gzip"),
        (b"The army\x00 moved.", "binary"),
        (bytes(range(1, 32)) * 9, "binary"),
        (b"\xff\xfeT\x00h", "UTF-16"),
        ("Войска у границы. ".encode("cp1251") + bytes(range(128, 160)) + b"\x98\xff\xfe\x81\x8d", "UTF-8"),
        ("Straße".encode("cp850") + b" \x81\x8d\x8f\x90\x9d", "UTF-8"),
        ("<html><body><nav><a href='/'>Home</a></nav></body></html>", "no article text"),
        ("<html></html>", "no article text"),
        ("<!doctype html>" + "<div>" * 50_000, "no article text"),
    ],
)
def test_refused(file, content: bytes | str, said: str) -> None:  # type: ignore[no-untyped-def]
    source = file(content)
    message = refusal(source)
    assert said in message
    assert source in message


def test_places_that_cannot_be_read(tmp_path: Path) -> None:
    assert "nowhere.txt" in refusal("nowhere.txt")
    assert "folder" in refusal(tmp_path)
    assert "https://" in refusal("www.example.org/story")
    assert "address" in refusal("ftp://example.org/story.txt")
    for strange in ("", "a\0b", "x" * 5_000):
        refusal(strange)


def test_limit_by_argument_and_by_environment(file, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    source = file("The army moved. " * 100)
    assert "1,000" in refusal(source, limit=1_000)
    assert "--max-bytes" in refusal(source, limit=1_000)
    monkeypatch.setenv("ESCALATION_MAX_BYTES", "1599")
    assert "ESCALATION_MAX_BYTES" in refusal(source)
    assert read(source, 1_600).text
    for wrong in ("lots", "0", "-3", "1e6"):
        monkeypatch.setenv("ESCALATION_MAX_BYTES", wrong)
        with pytest.raises(ConfigError):
            read(source)
    monkeypatch.setenv("ESCALATION_MAX_BYTES", "")
    assert read(source).text
    with pytest.raises(ConfigError):
        read(source, 0)


def test_default_limit_refuses_20_megabytes(file) -> None:  # type: ignore[no-untyped-def]
    assert "2,000,000" in refusal(file(b"The army moved. " * 1_300_000))


@pytest.mark.parametrize("name", ["story.html", "story.HTM", "story.txt", "story"])
def test_article_of_a_page_without_its_furniture(file, name: str) -> None:  # type: ignore[no-untyped-def]
    found = read(file(PAGE, name))
    assert found.title == "Border tension" or found.title == "Tanks at the crossing"
    assert "Tanks massed at the Orlava crossing" in found.text
    assert "All rights reserved" not in found.text
    assert "<" not in found.text


def test_page_says_its_own_encoding(file) -> None:  # type: ignore[no-untyped-def]
    page = f'<html><meta charset="windows-1251"><title>Н</title><body><article><p>{RUSSIAN}</p></article></body></html>'
    assert RUSSIAN in read(file(page.encode("cp1251"), "story.html")).text


def test_xhtml_with_a_declaration(file) -> None:  # type: ignore[no-untyped-def]
    page = '<?xml version="1.0" encoding="utf-8"?>\n' + PAGE.replace("<!doctype html>", "")
    assert "the marshal told reporters at the café" in read(file(page, "story.xhtml")).text


def test_parse_for_the_service() -> None:
    assert parse("The army moved.\r\nIt rained.") == "The army moved.\nIt rained."
    assert "Tanks massed" in parse(PAGE)
    assert "Tanks massed" in parse(PAGE.removeprefix("<!doctype html>"), html=True)
    assert parse("<html> is a tag", html=False) == "<html> is a tag"
    with pytest.raises(InputError, match="the text is empty"):
        parse(" ")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def give(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))

    give(WIRE.encode())
    assert read("-").text == WIRE
    give(PAGE.encode())
    assert read("-").text.startswith("Tanks")
    give(b"")
    assert "standard input is empty" in refusal("-")
    give(b"The army moved." * 10)
    assert "limit" in refusal("-", limit=20)


class Site(BaseHTTPRequestHandler):
    """Pages by path: content type and body; some misbehave."""

    protocol_version = "HTTP/1.1"

    pages: ClassVar[dict[str, tuple[str, bytes]]] = {
        "/story": ("text/html; charset=utf-8", PAGE.encode()),
        "/western": ("text/html; charset=ISO-8859-1", PAGE.encode("cp1252")),
        "/plain": ("text/plain", WIRE.encode()),
        "/nothing": ("", PAGE.encode()),
        "/picture": ("image/png", b"\x89PNG"),
        "/large": ("text/plain", b"The army moved. " * 200_000),
        "/empty": ("text/html", b""),
    }

    def do_GET(self) -> None:  # the name that http.server asks for
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/story")
            self.send_header("Connection", "close")
            self.end_headers()
        elif self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.send_header("Connection", "close")
            self.end_headers()
        elif self.path == "/drip":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for _ in range(200):
                    self.wfile.write(b"a ")
                    time.sleep(0.1)
            except OSError:
                pass
        elif self.path in ("/zipped", "/chunked", "/broken"):
            body = gzip.compress(WIRE.encode()) if self.path == "/zipped" else WIRE.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            if self.path == "/zipped":
                self.send_header("Content-Encoding", "gzip")
            else:
                self.send_header("Transfer-Encoding", "chunked")
                body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:30], body[30:]))
                body += b"0\r\n\r\n" if self.path == "/chunked" else b"40\r\ncut"
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        elif self.path in self.pages:
            kind, body = self.pages[self.path]
            self.send_response(200)
            if kind:
                self.send_header("Content-Type", kind)
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("path", ["story", "western", "nothing", "moved"])
def test_web_page(site: str, path: str) -> None:
    found = read(f"{site}/{path}")
    assert "the marshal told reporters at the café" in found.text
    assert "All rights reserved" not in found.text
    assert "tension" in found.title or "crossing" in found.title


@pytest.mark.parametrize("path", ["plain", "zipped", "chunked"])
def test_plain_text_from_the_web(site: str, path: str) -> None:
    assert read(f"{site}/{path}").text == WIRE


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "404"),
        ("picture", "image/png"),
        ("large", "2,000,000"),
        ("empty", "empty"),
        ("loop", "redirect"),
        ("broken", "does not answer"),
    ],
)
def test_web_address_refused(site: str, path: str, said: str) -> None:
    message = refusal(f"{site}/{path}")
    assert said in message
    assert f"{site}/{path}" in message


def test_address_that_never_ends_is_given_up(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PATIENCE", 0.5)
    began = time.monotonic()
    assert "seconds" in refusal(f"{site}/drip")
    assert time.monotonic() - began < 5


def test_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "127.0.0.1:9" in refusal("http://127.0.0.1:9/story.html")
    monkeypatch.setattr(documents, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "within" in refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    for wrong in ("http://", "http://[bad/", "http://a b/c", "https://:99999/"):
        refusal(wrong)
