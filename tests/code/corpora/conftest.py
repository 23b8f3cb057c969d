import os
from collections.abc import Callable
from pathlib import Path

import pytest

from escalation import files, project
from escalation.corpora.catalogue import CorpusSpec

Make = Callable[..., CorpusSpec]
MIRROR = Path(os.environ.get("ESCALATION_MIRROR") or project.checkout().parent / "shared" / "mirror").resolve()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Give a home of the test's own, and no mirror but the one that a test names."""
    monkeypatch.setenv("ESCALATION_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ESCALATION_MIRROR", raising=False)
    return tmp_path / "home"


@pytest.fixture
def mirror() -> Path:
    """Give the mirror of public corpora."""
    if not MIRROR.is_dir():
        pytest.skip(f"no mirror of public corpora at {MIRROR}: set ESCALATION_MIRROR")
    return MIRROR


@pytest.fixture
def local(tmp_path) -> Make:
    """Make a corpus of one's own from a file's content."""

    def make(content: str, name: str = "mine.csv", **fields: object) -> CorpusSpec:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        mapping = {"name": "mine", "description": "mine", "reader": "escalation.corpora.readers.table"}
        return CorpusSpec.from_mapping(mapping | {"labels": {"ladder": "label"}, "path": str(path), **fields})

    return make


@pytest.fixture
def published(tmp_path) -> Make:
    """Make a corpus of published files, `split -> content`, that lie below tmp_path/<host>/."""

    def make(host: str = "example.org", scheme: str = "https", **contents: str) -> CorpusSpec:
        entries = []
        for split, content in contents.items():
            path = tmp_path / host / "data" / f"{split}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            url = f"{scheme}://{host}/data/{path.name}"
            size = path.stat().st_size
            entries.append({"url": url, "sha256": files.sha256(path), "bytes": size, "split": split})
        return CorpusSpec.from_mapping(
            {
                "name": "public",
                "description": "a published corpus",
                "reader": "escalation.corpora.readers.table",
                "columns": {"names": ["text", "label"]},
                "labels": {"penta": "label"},
                "files": entries,
            }
        )

    return make
