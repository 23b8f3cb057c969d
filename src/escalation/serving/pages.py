"""The web page at /."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse


def router() -> APIRouter:
    """Serves the page; it is no part of the OpenAPI document."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/", response_class=HTMLResponse)
    def page() -> str:
        return '<!doctype html><html lang="en"><title>escalation</title><a href="/docs">The API</a></html>'

    return routes
