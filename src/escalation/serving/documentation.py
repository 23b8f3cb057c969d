"""The OpenAPI document, and a page that shows it and loads nothing from elsewhere."""

import importlib.resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from escalation.serving.schemas import Problem

REFERENCE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Serve /docs: Swagger UI from the package fastapi-offline, in a page without the inline script that its own has."""
    own = Path(__file__).parent / "docs"

    @app.get("/docs", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(own / "index.html")

    app.mount("/docs/swagger", StaticFiles(directory=str(importlib.resources.files("fastapi_offline") / "static")))
    app.mount("/docs/own", StaticFiles(directory=own))
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document = generated()
        schemas = document["components"]["schemas"]
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template=REFERENCE)
            schemas |= {**problem.pop("$defs"), "Problem": problem}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
