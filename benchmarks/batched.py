"""`escalation batch` as a process that is watched, killed and compared. The tests use it too."""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

LOOK = 0.2  # seconds between two looks at the memory
FIGURES = ("escalation", "de_escalation", "threat", "act")


@dataclass(frozen=True)
class Run:
    """What a call has taken.

    Parameters
    ----------
    seconds : float
        Of the whole process, its start included.
    own_seconds : float
        As the call itself says: from when Spark's session, if there is one, stands and the input has been looked at. The
        start of worker processes and their loading of the model is in it, with either engine.
    processor_seconds : float
        Of all its processes.
    peak_mb : float
        The most memory of all its processes together, shared pages counted in proportion.
    """

    seconds: float
    own_seconds: float
    processor_seconds: float
    peak_mb: float


def begun(*words: Any, **more: Any) -> "subprocess.Popen[str]":
    """The command at work; its errors can be read."""
    binary = str(Path(sys.executable).with_name("escalation"))
    command = [binary, "batch", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **more)


def ended(process: "subprocess.Popen[str]") -> str:
    """What a call that must end well says."""
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, process.args))} failed: {said}")  # type: ignore[arg-type]
    return said


def watched(*words: Any) -> Run:
    """Run it to its end."""
    began = time.perf_counter()
    process = begun(*words)
    processor: dict[int, float] = {}
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_looked_at(one, processor) for one in family(process.pid)))
        time.sleep(LOOK)
    seconds = time.perf_counter() - began
    return Run(seconds, own_seconds(ended(process)), sum(processor.values()), peak / 2**20)


def own_seconds(said: str) -> float:
    """The time that the last line of a call names."""
    found = re.search(r"articles scored in ([\d,.]+) s", said)
    if not found:
        raise SystemExit(f"escalation batch says no time: {said}")
    return float(found[1].replace(",", ""))


def family(pid: int) -> list[psutil.Process]:
    """A process and all that come from it."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _looked_at(process: psutil.Process, processor: dict[int, float]) -> int:
    """Bytes of a process; its processor time so far is noted."""
    with contextlib.suppress(psutil.Error):  # it has just ended
        times = process.cpu_times()
        processor[process.pid] = times.user + times.system
        return int(process.memory_full_info().pss)
    return 0


def killed(process: "subprocess.Popen[str]") -> bool:
    """Kill the call itself, not its workers, by signal 9; False when it had ended by itself."""
    process.kill()
    process.communicate()
    return process.returncode != 0


def spark_worker_killed(process: "subprocess.Popen[str]", folder: Path, deadline: float = 600) -> bool:
    """Kill, by signal 9, a Python worker of Spark once there is a part in the folder; False when the call ends before."""
    until = time.monotonic() + deadline
    while process.poll() is None and time.monotonic() < until:
        for one in family(process.pid) if any(folder.glob("part-*")) else []:
            with contextlib.suppress(psutil.Error):  # it has just ended
                forked = "pyspark.daemon" in " ".join(one.cmdline()) and one.ppid() != process.pid
                if forked and not one.children():
                    one.kill()
                    return True
        time.sleep(0.02)
    return False


def compared(one: Path, other: Path) -> dict[str, Any]:
    """Two outputs of parquet, file or folder of parts, row by row in order.

    Returns
    -------
    dict
        ``rows`` of each, the largest ``difference`` between two figures of a score, and how many rows ``differ`` in anything
        else, or in which figures there are. Whatever the length, a block of rows is in memory.
    """
    rows, differ, largest = [0, 0], 0, 0.0
    left, right = _blocks(one), _blocks(other)
    while True:
        first, second = next(left, None), next(right, None)
        rows[0] += len(first or ())
        rows[1] += len(second or ())
        if first is None or second is None:
            rows[0] += sum(map(len, left))
            rows[1] += sum(map(len, right))
            return {"rows": rows, "difference": largest, "differ": differ + abs(rows[0] - rows[1])}
        for row, wanted in zip(first, second, strict=False):
            pairs = list(zip(_numbers(row), _numbers(wanted), strict=True))
            same = all((a is None) == (b is None) for a, b in pairs) and _rest(row) == _rest(wanted)
            differ += not same
            largest = max([largest, *(abs(a - b) for a, b in pairs if a is not None and b is not None)])


def _numbers(row: Mapping[str, Any]) -> list[float | None]:
    return [*(row[name] for name in FIGURES), *(row["interval"] or (None, None))]


def _rest(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (*FIGURES, "interval")}


def _blocks(path: Path, size: int = 1000) -> Iterator[list[dict[str, Any]]]:
    """Rows in blocks of `size`, wherever the parts end."""
    held: list[dict[str, Any]] = []
    for part in sorted(path.glob("part-*")) if path.is_dir() else [path]:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(size):
                held += batch.to_pylist()
                while len(held) >= size:
                    yield held[:size]
                    held = held[size:]
    if held:
        yield held
