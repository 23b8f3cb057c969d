"""One JSON object a line on standard error; what the articles say is not in it unless the user wants it."""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("escalation.serving.requests")


def configuration() -> dict[str, Any]:
    """Logging of the service and of uvicorn, as `logging.config.dictConfig` takes it."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.orjson.OrjsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%S%z",
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {"escalation": {"level": "INFO"}, "uvicorn": {"level": "INFO"}},
    }


class RequestLog:
    """Logs each request when it has been answered; an endpoint adds fields by `note`."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        notes = scope.setdefault("state", {}).setdefault("notes", {})

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            seconds = round(time.perf_counter() - began, 4)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds, **notes}
            log.info("request", extra=fields)
