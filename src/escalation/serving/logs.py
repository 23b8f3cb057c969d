"""One JSON object a line on standard error; what the articles say is not in it unless the user wants it."""

import logging
from typing import Any

from starlette.types import Scope

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


def request(scope: Scope, status: int, seconds: float, notes: dict[str, Any]) -> None:
    """Log a request that has been answered."""
    fields = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": round(seconds, 4), **notes}
    log.info("request", extra=fields)
