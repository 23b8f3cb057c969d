"""One look at every request that has been answered, for all who tell of it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Tell = Callable[[Scope, int, float, dict[str, Any]], None]


class Watch:
    """Tells of each request when it has been answered: its scope, status, seconds, and what an endpoint noted.

    Endpoints add to `request.state.notes`.
    """

    def __init__(self, app: ASGIApp, tell: Sequence[Tell]):
        self.app = app
        self.tell = tell

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
            seconds = time.perf_counter() - began
            for tell in self.tell:
                tell(scope, status, seconds, notes)
