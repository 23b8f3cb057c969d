"""Who may ask: a bearer token, if the service was given one."""

import hmac

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from escalation.serving.problems import Refused, problem
from escalation.serving.settings import TOKEN

CLOSED = ("/v1/", "/metrics")  # the page, the documentation and signs of life are open
CHALLENGE = {"WWW-Authenticate": "Bearer"}


class BearerToken:
    """Refuses requests without the token before their bodies are read."""

    def __init__(self, app: ASGIApp, token: str):
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"].startswith(CLOSED) and not self._shown(scope):
            refused = problem(401, "send the service's token: Authorization: Bearer TOKEN", headers=CHALLENGE)
            await refused(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        # in constant time, so that answers do not tell how much of a guess is right
        return (
            hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), self.token)
            and scheme.lower() == "bearer"
        )


def needs_token(request: Request) -> None:
    """Refuse what nobody may do at a service without a token."""
    if not request.app.state.settings.token:
        raise Refused(403, f"this service has no token, so it takes no orders: start it with {TOKEN} set")
