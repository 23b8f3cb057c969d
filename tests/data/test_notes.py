"""Every experiment has a note: what it asks, word for word as its configuration does, and what was found."""

import re
from pathlib import Path

import pytest
from commands import ROOT

CONFIGS = sorted((ROOT / "configs" / "experiment").glob("*.yaml"))


def question(config: Path) -> str:
    """The comment that a configuration begins with, up to what it found."""
    lines = config.read_text(encoding="utf-8").splitlines()[1:]
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").strip())
    return " ".join(comment).removeprefix("Asks:").partition("Found:")[0].strip()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_note_says_what_was_asked_and_found(config: Path) -> None:
    folder = ROOT / "experiments" / config.stem
    note = (folder / "README.md").read_text(encoding="utf-8")
    assert note.startswith(f"# {config.stem}\n")
    assert f"**Asks:** {question(config)}\n" in note
    assert len(note.partition("**Found:**")[2].split()) > 5
    for target in re.findall(r"\]\(([^)]+)\)", note):
        assert (folder / target).exists(), target
    assert f"]({config.stem}/README.md)" in (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
