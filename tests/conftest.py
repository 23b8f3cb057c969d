"""Where the tests work: a home of their own, the mirror if there is one, and a store with a trained model."""

import os
import signal
from pathlib import Path

import pytest
from commands import MIRROR, run
from filelock import FileLock
from tiny_encoder import make_tiny

# two test processes with two threads each wait for one another most of the time
os.environ.setdefault("OMP_NUM_THREADS", "1")
# a shell that runs the tests in the background has interrupts ignored, and so would every command that a test interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home: no store, no corpora."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the default training has run; made once for all workers."""
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    folder = shared / "trained"
    with FileLock(shared / "trained.lock"):
        if not (folder / "summary.txt").is_file():
            done = run(folder, "train.py")
            assert done.returncode == 0, done.stderr
            (folder / "summary.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained encoder of our own, too small to know anything: its weights are random."""
    return make_tiny(tmp_path_factory.mktemp("tiny"))


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
