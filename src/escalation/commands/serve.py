"""`escalation serve`: articles scored over HTTP."""

import argparse
from typing import Any

_SERVE = (
    ("workers", int, "processes that each hold the model (default: one a core)"),
    ("batch", int, "most articles scored at once (default: 8)"),
    ("queue", int, "most articles that wait; then come answers of 503 (default: 256)"),
    ("max-bytes", int, "largest body of a request (default: 2000000)"),
    ("max-articles", int, "most articles of a request (default: 64)"),
    ("timeout", float, "seconds for a request to arrive, and to be scored (default: 30)"),
    ("poll", float, "seconds between looks for a new champion (default: 0, only POST /v1/reload looks)"),
)


def add(commands: Any) -> None:
    """Its arguments."""
    serve = commands.add_parser("serve", help="score articles over HTTP: a page at /, the API at /docs")
    serve.add_argument("--model", metavar="URI", help="default: models:/escalation@champion")
    serve.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines too (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: 8000)")
    for name, kind, said in _SERVE:
        serve.add_argument(f"--{name}", type=kind, metavar="N", help=said, default=argparse.SUPPRESS)
    serve.add_argument("--log-text", action="store_true", help="log the articles, not only that they came")
    serve.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    import functools

    from escalation.serving.server import serve
    from escalation.serving.settings import Settings
    from escalation.tracking import registry

    named = {name: value for name, value in vars(options).items() if name in Settings.__dataclass_fields__}
    uri = options.model or "models:/escalation@champion"
    locate, version = functools.partial(registry.locate, uri), functools.partial(registry.version, uri)
    serve(locate, version, options.host, options.port, Settings(**named))
