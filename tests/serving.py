"""Start the service as a user would, and ask it things."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import ROOT, environment

ARTICLE = (
    "Tanks massed at the Orlava crossing on Sunday, and officials in the capital expect an attack within days.\n\n"
    "“We will answer every shot,” the marshal told U.S. reporters. The harvest festival went ahead in the rain."
)
HTML = """<!doctype html><html lang="en"><head><title>Border tension</title></head><body>
<nav><a href="/">Home</a> <a href="/world">World</a></nav>
<article><h1>Tanks at the crossing</h1>
<p>Tanks massed at the Orlava crossing on Sunday, and officials in the capital expect an attack within days.</p>
<p>“We will answer every shot,” the marshal told reporters. The harvest festival went ahead in the rain all the same.</p>
</article><footer>All rights reserved</footer></body></html>"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> Answer:
        """One request over a connection of its own; `content` is sent as JSON unless it is bytes or an iterator of them."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if content is not None and not isinstance(content, bytes) and not hasattr(content, "__next__"):
            content = json.dumps(content).encode()
        if content is not None:
            named.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=180)
        try:
            # an iterator has no length, so it is sent in chunks
            connection.request(method, path, content, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def score(self, content: Any, **headers: str) -> Answer:
        return self.ask("POST", "/v1/score", content, **headers)

    def metric(self, name: str) -> float:
        """The value of one figure without labels."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def logged(self) -> list[dict[str, Any]]:
        """The log so far; every line must be JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def scored(self, least: int = 0) -> list[dict[str, Any]]:
        """The log's lines of requests for scores, once there are so many: a line is written after its answer is sent."""
        deadline = time.monotonic() + 30
        while True:
            found = [one for one in self.logged() if one["message"] == "request" and one["path"] == "/v1/score"]
            if len(found) >= least or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def workers(self) -> list[int]:
        """Ids of the processes that score."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                command = path.with_name("cmdline").read_bytes()
                if int(fields[1]) == self.process.pid and b"spawn_main" in command:
                    found.append(int(path.parent.name))
        return found


@contextlib.contextmanager
def serving(home: Path, folder: Path, *options: str, **more: str) -> Iterator[Service]:
    """A service with a free port, stopped afterwards; it must then end well."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    command = [str(Path(sys.executable).with_name("escalation")), "serve", "--port", "0", *options]
    settings = {"ESCALATION_TOKEN": "", **more}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(home, **settings), stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        service = _up(process, log)
        yield service
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def _up(process: subprocess.Popen[bytes], log: Path) -> Service:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if entry.get("message") == "serving":
                    host, _, port = entry["address"].removeprefix("http://").rpartition(":")
                    return Service(process, host, int(port), log)
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def mlflow_serving(home: Path, folder: Path) -> Iterator[str]:
    """The address of `mlflow models serve` of the champion, for POST."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    binaries = Path(sys.executable).parent
    settings = environment(
        home, MLFLOW_TRACKING_URI=f"sqlite:///{home / 'mlflow.db'}", PATH=f"{binaries}:{os.environ['PATH']}"
    )
    command = [f"{binaries}/mlflow", "models", "serve", "-m", "models:/escalation@champion", "--env-manager", "local"]
    log = folder / "mlflow.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [*command, "--port", str(port)],
            env=settings,
            cwd=folder,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 180
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            assert time.monotonic() < deadline, log.read_text()
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)
