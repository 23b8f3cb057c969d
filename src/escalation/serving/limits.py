"""Bodies that are too large or too slow are refused while they arrive, chunked ones too."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from escalation.serving.problems import Refused, problem


class BodyLimit:
    """Refuses a body over `most` bytes with 413, and one that takes over `seconds` with 408.

    Starlette's own limit answers in plain text, and knows no time.
    """

    def __init__(self, app: ASGIApp, most: int, seconds: float):
        self.app = app
        self.most = most
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > self.most:
            refused = self._too_large()
            # the rest of the body is not read, so the connection cannot be used again
            await problem(413, refused.detail, headers={"Connection": "close"})(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.seconds
        taken, complete = 0, False

        async def limited() -> Message:
            nonlocal taken, complete
            if complete:  # what comes now is the news that the client has gone
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise Refused(
                    408,
                    f"the body takes over {self.seconds:g} seconds: send it faster",
                    headers={"Connection": "close"},
                ) from error
            taken += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if taken > self.most:
                raise self._too_large()
            return message

        await self.app(scope, limited, send)

    def _too_large(self) -> Refused:
        return Refused(
            413,
            f"the body has over {self.most:,} bytes: send fewer or shorter articles, or raise --max-bytes",
            headers={"Connection": "close"},
        )
