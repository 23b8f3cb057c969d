"""Every error as application/problem+json (RFC 9457), with a pointer to each field that is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from escalation.serving.headers import SECURITY
from escalation.serving.schemas import FieldError, Problem

KIND = "application/problem+json"
RETRY_AFTER = {"Retry-After": "1"}

_MEND = {
    400: "the body cannot be read: send JSON in UTF-8, not nested deeply",
    404: "nothing is here: /docs lists what there is",
    405: "this address takes another method: see the header Allow, or /docs",
}


class Refused(HTTPException):
    """An answer that is an error; the handlers make a problem of it.

    Parameters
    ----------
    status : int
    detail : str
        One line that says how to mend it.
    fields : list of (path, str)
        What is wrong with which field of the body; a path is the keys and indices that lead to it.
    headers : mapping, optional
    """

    def __init__(
        self,
        status: int,
        detail: str,
        fields: Sequence[tuple[Sequence[str | int], str]] = (),
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(status, detail, dict(headers or {}))
        self.fields = fields


def problem(
    status: int,
    detail: str,
    fields: Iterable[tuple[Sequence[str | int], str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that says so."""
    errors = [FieldError(detail=said, pointer=pointer(path)) for path, said in fields]
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return Response(body.model_dump_json(exclude_defaults=False), status, dict(headers or {}), KIND)


def pointer(path: Sequence[str | int]) -> str:
    """JSON pointer (RFC 6901) as a fragment.

    Examples
    --------
    >>> pointer(["articles", 3, "text"])
    '#/articles/3/text'
    """
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that an operation may answer with, for the OpenAPI document."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": HTTPStatus(status).phrase, "content": {KIND: schema}} for status in statuses}


def install(app: FastAPI) -> None:
    """Make the app answer with problems alone."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    fields = error.fields if isinstance(error, Refused) else ()
    # errors that FastAPI raises itself say no more than their title
    detail = error.detail if isinstance(error, Refused) else _MEND.get(error.status_code, error.detail)
    return problem(error.status_code, detail, fields, error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return problem(415, "the body must be JSON, with the header Content-Type: application/json")
    fields = [(_path(one["loc"]), _said(one)) for one in error.errors()]
    detail = "; ".join(f"{'.'.join(map(str, path)) or 'the body'}: {said}" for path, said in fields[:3])
    return problem(422, detail, fields)


def _failed(_request: Request, _error: Exception) -> Response:
    return problem(500, "the service failed; its log says why", headers=SECURITY)


def _path(location: Sequence[str | int]) -> list[str | int]:
    """Where in the body an error is, without the names of the alternatives that pydantic tried: one of the whole body, and
    one of each article."""
    _body, *rest = location
    path = rest[1:]
    if path[:1] == ["articles"] and len(path) > 2:
        del path[2]
    return path


def _said(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"is no JSON ({error['ctx']['error']} at character {error['loc'][-1]})"
    messages = {
        "missing": "is missing: give `text`, `html` or `articles`" if error["loc"][-1] == "text" else "is missing",
        "extra_forbidden": "is not known here: leave it out",
        "string_unicode": "holds half of a surrogate pair: send valid Unicode",
    }
    return messages.get(error["type"]) or str(error["msg"])[:200]
