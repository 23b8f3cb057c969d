"""Run the project's commands as a user would, in a home of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MIRROR = Path(os.environ.get("ESCALATION_MIRROR", ROOT.parent / "shared" / "mirror"))


def environment(home: Path, **more: str) -> dict[str, str]:
    """The process's own environment with the project's home at `home` and the mirror, if it is there."""
    own = {
        key: value for key, value in os.environ.items() if key not in ("MLFLOW_TRACKING_URI", "ESCALATION_MAX_BYTES")
    }
    mirror = {"ESCALATION_MIRROR": str(MIRROR)} if MIRROR.is_dir() else {}
    return {
        **own,
        **mirror,
        "ESCALATION_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        **more,
    }


def run(
    home: Path, *words: str, stdin: str | bytes | None = None, cwd: Path = ROOT, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command of the project as a user would type it: `train.py …` or `escalation …`."""
    program, *rest = words
    launch = [sys.executable, "train.py"] if program == "train.py" else [str(Path(sys.executable).with_name(program))]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*launch, *rest], cwd=cwd, env=environment(home, **more), input=data, capture_output=True, timeout=600
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def one_line_error(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a user's mistake must end in."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def json_of(done: subprocess.CompletedProcess[str]) -> object:
    """Standard output of a command that succeeded, as JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
