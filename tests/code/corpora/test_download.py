import hashlib

import pytest

from escalation.corpora.download import download
from escalation.errors import CorpusError

URL = "https://example.org/data/train.tsv"


def published(folder, content):
    path = folder / "example.org" / "data" / "train.tsv"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return len(content), hashlib.sha256(content).hexdigest()


def test_progress_is_told_piece_by_piece(tmp_path):
    size, digest = published(tmp_path, b"x" * 200_000)
    told = []
    download(URL, tmp_path / "home" / "a.tsv", size, digest, tmp_path, told.append)
    assert sum(told) == size
    assert len(told) > 1
    assert (tmp_path / "home" / "a.tsv").stat().st_size == size


def test_a_file_that_is_too_long_is_not_read_to_its_end(tmp_path):
    published(tmp_path, b"x" * 1_000_000)
    told = []
    with pytest.raises(CorpusError, match="got more than 100000 bytes"):
        download(URL, tmp_path / "home" / "a.tsv", 100_000, "0" * 64, tmp_path, told.append)
    assert sum(told) <= 100_000
    assert list((tmp_path / "home").iterdir()) == []


def test_a_mirror_that_cannot_be_read(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot read .*train\.tsv of the mirror"):
        download(URL, tmp_path / "home" / "a.tsv", 1, "0" * 64, tmp_path)
