"""Runs the service until it is told to stop."""

import asyncio
import logging
import logging.config
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from escalation.errors import ConfigError, EscalationError, ModelError
from escalation.serving import logs
from escalation.serving.app import create_app
from escalation.serving.batching import Batcher
from escalation.serving.metrics import Metrics
from escalation.serving.settings import Settings
from escalation.serving.worker import Source, WorkerStoppedError

log = logging.getLogger("escalation.serving")
LEAVING = 1.0  # seconds at most that clients have to hear over their open connections that the service stops


def serve(locate: Callable[[], Source], version: Callable[[], str], host: str, port: int, settings: Settings) -> None:
    """Serve until SIGTERM or an interrupt; requests that were accepted by then are answered.

    Parameters
    ----------
    locate : callable
        Finds the model, and fetches it if it is elsewhere.
    version : callable
        Which version the model has now; asked at each poll.
    host : str
    port : int
        0 for any that is free; the log says which.
    settings : Settings

    Raises
    ------
    EscalationError
        A setting is wrong, the model cannot be loaded, or the address cannot be had.
    """
    settings.check()
    logging.config.dictConfig(logs.configuration())
    asyncio.run(_serve(locate, version, _bound(host, port), settings))


def _bound(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:  # the C library would take the rest of a division
        raise ConfigError(f"--port is {port}: it must be from 0 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot listen on {host} port {port} ({reason}): choose others with --host and --port"
        ) from error
    return bound


async def _serve(
    locate: Callable[[], Source], version: Callable[[], str], bound: socket.socket, settings: Settings
) -> None:
    metrics = Metrics()
    batcher = Batcher(settings, metrics.batch)
    try:
        await batcher.use(locate())
    except WorkerStoppedError as error:
        raise ModelError(
            "a scoring process ended while it loaded the model: is there enough memory? see --workers"
        ) from error
    app = create_app(batcher, locate, metrics, settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2 * int(settings.timeout) + 1,  # for a body to arrive and to be scored
    )
    # uvicorn hands a signal on when it has stopped, and without a handler this would end the process before its workers
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    polling = asyncio.create_task(_poll(locate, version, batcher, settings.poll)) if settings.poll else None
    await _Server(config).serve([bound])
    if polling:
        polling.cancel()
    await batcher.stop()
    log.info("stopped")


class _Server(uvicorn.Server):
    """Says when it takes requests, tells the app when a stop begins, and lets clients that are at it leave."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        source = self.config.app.state.batcher.crew.source  # type: ignore[union-attr]  # it is the app that it was given
        host, port = (sockets or [])[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log.info("serving", extra={"address": f"http://{shown}:{port}", "model": source.uri, "version": source.version})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would close connections between two requests at once, just as the next one may be on its way
        for server in self.servers:
            server.close()
        until = asyncio.get_running_loop().time() + LEAVING
        while self.server_state.connections and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.stopping = True  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


async def _poll(locate: Callable[[], Source], version: Callable[[], str], batcher: Batcher, seconds: float) -> None:
    """Look every so often whether the model has changed, and take the new one."""
    while True:
        await asyncio.sleep(seconds)
        try:
            number = await asyncio.to_thread(version)
            if batcher.crew and number != batcher.crew.source.version:
                source = await asyncio.to_thread(locate)
                await batcher.use(source)
                log.info("another model", extra={"model": source.uri, "version": source.version})
        except (EscalationError, WorkerStoppedError) as error:
            log.error("the model stays as it was", extra={"reason": str(error)})
