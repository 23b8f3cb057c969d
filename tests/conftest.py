"""Where the tests work: a home of their own, the mirror if there is one, and a store with a trained model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]
MIRROR = Path(os.environ.get("ESCALATION_MIRROR", ROOT.parent / "shared" / "mirror"))

Command = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The process's own environment with the project's home at `home` and the mirror, if it is there."""
    own = {key: value for key, value in os.environ.items() if key not in ("MLFLOW_TRACKING_URI", "ESCALATION_MAX_BYTES")}
    mirror = {"ESCALATION_MIRROR": str(MIRROR)} if MIRROR.is_dir() else {}
    return {**own, **mirror, "ESCALATION_HOME": str(home), "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1", **more}


def run(home: Path, *words: str, stdin: str | bytes | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of the project as a user would type it: `train.py …` or `escalation …`."""
    program, *rest = words
    launch = [sys.executable, "train.py"] if program == "train.py" else [str(Path(sys.executable).with_name(program))]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*launch, *rest], cwd=ROOT, env=environment(home, **more), input=data, capture_output=True, timeout=600
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home: no store, no corpora."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the default training has run; made once for all workers."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    folder = shared / "trained"
    with FileLock(shared / "trained.lock"):
        if not (folder / "summary.txt").is_file():
            done = run(folder, "train.py")
            assert done.returncode == 0, done.stderr
            (folder / "summary.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def article(tmp_path: Path) -> Path:
    """A short article of our own."""
    path = tmp_path / "article.txt"
    path.write_text(
        "Tanks massed at the Orlava crossing on Sunday, and officials in the capital expect an attack within days.\n\n"
        "“We will answer every shot,” the marshal told U.S. reporters. The harvest festival went ahead in the rain.\n\n"
        "Categorised under:\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def mirror() -> Path:
    """The mirror of public corpora, or a skip."""
    if not MIRROR.is_dir():
        pytest.skip("no mirror of the public corpora: set ESCALATION_MIRROR")
    return MIRROR


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
