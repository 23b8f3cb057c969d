"""An output that is killed at its most awkward moments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batches import article, read, write_jsonl

from escalation.codebook import Codebook
from escalation.errors import InputError
from escalation.scoring import batch
from escalation.scoring.article import ArticleScorer
from escalation.scoring.tables import parts, pieces

MODEL = {"uri": "a model", "version": "1"}


@pytest.fixture
def plan(tmp_path: Path) -> batch.Plan:
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": number, "text": article(number)} for number in range(6)])
    return batch.plan(batch.Job(str(source), str(tmp_path / "out" / "scores.jsonl"), rows=2))


def finished(plan: batch.Plan, scorer: ArticleScorer, resume: bool = False) -> tuple[batch.Tally, list[str]]:
    """The call in one process, and the parts that it scored."""
    work, scored = batch.Work(plan, lambda: scorer).begin(), []

    def results(done: Any, _: Any) -> Iterator[batch.Result]:
        for chunk in pieces.in_turn(pieces.cut(plan.sources), plan.job.rows, plan.job.most, None):
            if plan.part(chunk) not in done:
                scored.append(plan.part(chunk))
                yield work(chunk, {})

    return batch.finished(plan, MODEL, resume, results), scored


def test_killed_while_the_parts_are_deleted(
    plan: batch.Plan, model: Any, ladder: Codebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, target = ArticleScorer(model, ladder, {}), Path(plan.job.target)

    def half(folder: parts.Folder) -> None:
        Path(folder.at(min(folder.names() - {parts.MANIFEST}))).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(parts.Folder, "remove", half)
        with pytest.raises(KeyboardInterrupt):
            finished(plan, scorer)
    whole = read(target)
    with pytest.raises(InputError, match="exists"):
        finished(plan, scorer)
    tally, scored = finished(plan, scorer, resume=True)
    assert (tally.rows, tally.errors, scored) == (6, 0, [])
    assert read(target) == whole
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_killed_while_a_file_is_written(plan: batch.Plan, model: Any, ladder: Codebook) -> None:
    scorer, target = ArticleScorer(model, ladder, {}), Path(plan.job.target)
    folder = Path(plan.folder.path)
    folder.mkdir(parents=True)
    (folder / "._manifest.json.x1.part").write_text("{", encoding="utf-8")  # before there was anything else
    (target.parent / f".{target.name}.x2.part").write_text("{", encoding="utf-8")
    (target.parent / ".another.jsonl.x3.part").write_text("{", encoding="utf-8")
    assert finished(plan, scorer, resume=True)[0].rows == 6
    assert len(read(target)) == 6
    assert sorted(path.name for path in target.parent.iterdir()) == [".another.jsonl.x3.part", target.name]
