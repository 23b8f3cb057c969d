"""The web page at / and the files that it is made of; everything it loads comes from here."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

KINDS = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
HEADERS = {"Cache-Control": "no-cache"}  # a browser asks whether it still has the newest


def router() -> APIRouter:
    """Serves the page; it is no part of the OpenAPI document."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        return _answer("index.html", request)

    @routes.api_route("/page/{name:path}", methods=["GET", "HEAD"])
    def part(name: str, request: Request) -> Response:
        return _answer(name, request)

    return routes


def _answer(name: str, request: Request) -> Response:
    """The file of that name, or nothing but "as before"."""
    found = _files().get(name)
    if found is None:
        raise HTTPException(404)
    content, tag, kind = found
    headers = {**HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)


@cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    """What there is to serve, by name: content, entity tag and media type. A name that is not here leads nowhere."""
    package = files("escalation")
    own = dict(_below(package / "serving" / "page", ""))
    contents = {name: path.read_bytes() for name, path in own.items()}
    # the look of a report is shared with `escalation score --html`
    contents["report.css"] = (package / "scoring" / "report.css").read_bytes()
    return {
        name: (content, f'"{sha256(content).hexdigest()[:16]}"', KINDS[name.rpartition(".")[2]])
        for name, content in contents.items()
    }


def _below(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for path in folder.iterdir():
        name = prefix + path.name
        found += _below(path, f"{name}/") if path.is_dir() else [(name, path)]
    return [(name, path) for name, path in found if name.rpartition(".")[2] in KINDS]
