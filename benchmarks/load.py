"""The service against `mlflow models serve` of the same model under the same load: `make bench-load` writes experiments/load/.

Both run all the while; the load goes to one and then to the other, in turns, so that whatever else the machine does hits both.
Each request is another article, so that nothing can be remembered.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from escalation import files, project
from escalation.tracking import registry, store

ROOT = project.checkout()
SENTENCES = 20
UP = 180.0  # seconds for a server to start
SERVICE, MLFLOW = "escalation serve", "mlflow models serve"


@dataclass
class Server:
    """A server under test, and what it has done so far."""

    name: str
    url: str
    key: str
    process: subprocess.Popen[bytes]
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    processor_seconds: float = 0.0

    def body(self, article: str) -> bytes:
        """A request for one article."""
        return json.dumps({self.key: [article] if self.key == "inputs" else article}).encode()


def articles(seed: int) -> Iterator[str]:
    """Endless articles of 20 authored sentences each, no two alike."""
    rows = [
        json.loads(line)
        for path in sorted((ROOT / "data" / "authored").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    sentences, chance = [row["text"] for row in rows], random.Random(seed)
    while True:
        # each a line, so that it stays one sentence; the number makes it another one than in any other article
        yield "\n\n".join(f"{one} ({chance.randrange(10**6)})" for one in chance.sample(sentences, SENTENCES))


async def loaded(server: Server, clients: int, seconds: float, seed: int, counted: bool = True) -> None:
    """Let so many clients ask one server, each again as soon as it has its answer."""
    source = articles(seed)
    began, worked = time.perf_counter(), processor_seconds(server.process.pid)
    done: list[float] = []

    async def client(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() - began < seconds:
            body = server.body(next(source))
            asked = time.perf_counter()
            try:
                async with session.post(server.url, data=body) as response:
                    answer = await response.read()
                    if response.status != 200 or b'"escalation"' not in answer:
                        raise aiohttp.ClientError(f"{response.status}: {answer[:200]!r}")
            except (aiohttp.ClientError, TimeoutError) as error:
                server.errors.append(f"{type(error).__name__}: {error}")
            else:
                done.append(time.perf_counter() - asked)

    connector = aiohttp.TCPConnector(limit=clients)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    if counted:
        server.seconds += done
        server.rates.append(len(done) / (time.perf_counter() - began))
        server.processor_seconds += processor_seconds(server.process.pid) - worked


@contextlib.contextmanager
def started(name: str, command: Sequence[str], path: str, key: str, port: int, log: Path) -> Iterator[Server]:
    """A server that answers, ended with its group afterwards."""
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": store.uri(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("ESCALATION_TOKEN", None)
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, start_new_session=True)
    server = Server(name, f"http://127.0.0.1:{port}{path}", key, process)
    try:
        deadline = time.monotonic() + UP
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def processor_seconds(session: int) -> float:
    """Seconds of processor time that the processes of a session have taken so far (Linux)."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def figures(server: Server) -> dict[str, Any]:
    """Requests a second, their times in milliseconds, and errors."""
    p50, p95, p99 = np.percentile(server.seconds, [50, 95, 99]) * 1000
    return {
        "requests": len(server.seconds),
        "requests_per_second": round(float(np.mean(server.rates)), 1),
        "of_each_turn": [round(rate, 1) for rate in server.rates],
        "p50_ms": round(p50),
        "p95_ms": round(p95),
        "p99_ms": round(p99),
        "processor_ms_per_request": round(1000 * server.processor_seconds / len(server.seconds), 1),
        "errors": len(server.errors),
        "first_errors": server.errors[:3],
    }


def processor() -> str:
    """Name of the processor, as Linux tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def report(found: dict[str, Any]) -> str:
    """The result as a page."""
    machine, model, load = found["machine"], found["model"], found["load"]
    lines = [
        "# Load",
        "",
        f"Made by `make bench-load`: {load['clients']} clients, each asking again as soon as it has its answer, for "
        f"{load['seconds']:g} seconds a turn,",
        f"{load['turns']} turns of each server in alternation; every request is another article of {SENTENCES} authored "
        "sentences, and every answer has all fields.",
        f"The model is `{model['uri']}` version {model['version']} (experiment {model['experiment']}), the same files for both. "
        f"Clients and servers share {machine['cores']} cores",
        f"of {machine['processor']}; Python {machine['python']}, MLflow {machine['mlflow']}. Load average before: "
        f"{machine['load_average']:.2f}.",
        "",
        "| server | requests/s | p50 ms | p95 ms | p99 ms | errors | processor ms a request |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in found["servers"].items():
        times = " | ".join(
            f"{row[key]:,}" for key in ("p50_ms", "p95_ms", "p99_ms", "errors", "processor_ms_per_request")
        )
        lines.append(f"| `{name}` | {row['requests_per_second']:,.1f} | {times} |")
    lines += ["", f"Requests a second of the service are {found['times']:.2f} times those of MLflow's server.", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="models:/escalation@champion", metavar="URI")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=2, help="of each server")
    parser.add_argument("--out", type=Path, default=ROOT / "experiments" / "load", metavar="FOLDER")
    parser.add_argument("serve", nargs="*", metavar="-- OPTION", help="options of `escalation serve`")
    options = parser.parse_args()
    info = registry.load(options.model).info
    before = os.getloadavg()[0]
    bin_folder = Path(sys.executable).parent
    ours, theirs = free_port(), free_port()
    own = [str(bin_folder / "escalation"), "serve", "--model", options.model, "--port", str(ours), *options.serve]
    mlflow = [str(bin_folder / "mlflow"), "models", "serve", "-m", options.model, "--env-manager", "local"]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        logs = Path(folder)
        servers = [
            stack.enter_context(started(SERVICE, own, "/v1/score", "text", ours, logs / "service.log")),
            stack.enter_context(
                started(MLFLOW, [*mlflow, "--port", str(theirs)], "/invocations", "inputs", theirs, logs / "mlflow.log")
            ),
        ]
        for server in servers:
            asyncio.run(loaded(server, options.clients, 3.0, 0, counted=False))
        for turn in range(options.turns):
            for server in servers if turn % 2 == 0 else reversed(servers):
                asyncio.run(loaded(server, options.clients, options.seconds, 1 + turn))
                print(f"turn {turn + 1}: {server.name} {server.rates[-1]:.1f} requests/s", file=sys.stderr)
    rows = {server.name: figures(server) for server in servers}
    found = {
        "servers": rows,
        "times": round(rows[SERVICE]["requests_per_second"] / rows[MLFLOW]["requests_per_second"], 2),
        "model": {key: info.get(key, "") for key in ("uri", "version", "experiment", "run")},
        "load": {
            **{key: getattr(options, key) for key in ("clients", "seconds", "turns")},
            "sentences": SENTENCES,
            "options": options.serve,
        },
        "machine": {
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "mlflow": importlib.metadata.version("mlflow"),
            "load_average": round(before, 2),
        },
    }
    files.write_text(options.out / "load.json", json.dumps(found, indent=1) + "\n")
    files.write_text(options.out / "README.md", report(found))
    print(report(found))


if __name__ == "__main__":
    main()
