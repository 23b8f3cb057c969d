"""The leaderboard's rows: runs that differ in the seed alone are one, and the figure says which kind it is."""

from types import SimpleNamespace

from escalation import project
from escalation.tracking.leaderboard import COLUMNS, _row, markdown

NOTES = project.checkout() / "experiments"


def run(seed: int, qwk: float, run_id: str = "a", **more: float) -> SimpleNamespace:
    metrics = {"heldout.qwk": qwk, "heldout.qwk.low": qwk - 0.1, "heldout.qwk.high": qwk + 0.1}
    metrics |= {"heldout.macro_f1": 0.5, "heldout.ece": 0.04, **more}
    tags = {"codebook": "ladder", "experiment": "baseline", "corpora": "authored", "held_out": "0123456789"}
    data = SimpleNamespace(
        metrics=metrics, tags=tags, params={"seed": str(seed), "features": "union", "classifier": "svc"}
    )
    return SimpleNamespace(data=data, info=SimpleNamespace(run_id=run_id, start_time=seed))


def test_one_run_shows_its_interval() -> None:
    row = _row([run(1, 0.6)], {"champion": "a"})
    assert row["held out"] == "0.600 [0.500, 0.700]"
    assert row["champion"] == "champion"
    assert row["real news"] == ""
    assert list(row) == list(COLUMNS)


def test_seeds_show_mean_and_spread_and_a_rerun_counts_once() -> None:
    runs = [run(1, 0.5), run(2, 0.6), run(3, 0.7), run(3, 0.7, "again")]
    row = _row(runs, {})
    assert row["held out"] == "0.600 ± 0.100 [0.500, 0.700]"
    assert row["seeds"] == "1, 2, 3"


def test_real_news_and_behaviour_where_they_were_measured() -> None:
    more = {"real_test.qwk": 0.5, "behaviour.direction": 0.875, "behaviour.invariance": 0.97, "behaviour.benign": 0.7}
    row = _row([run(1, 0.6, **more)], {})
    assert row["real news"] == "0.500"
    assert row["behaviour"] == "88 / 97 / 70"


def test_model_is_features_and_classifier_or_an_encoder() -> None:
    assert _row([run(1, 0.6)], {})["model"] == "union + svc"
    tuned = run(1, 0.6)
    tuned.data.params = {"seed": "1", "model": "encoder", "model.pretrained": "all-MiniLM-L6-v2"}
    assert _row([tuned], {})["model"] == "all-MiniLM-L6-v2 encoder"


def test_markdown_is_a_table_with_every_column() -> None:
    lines = markdown([_row([run(1, 0.6)], {})], NOTES).splitlines()
    assert "[baseline](baseline/README.md)" in lines[-1]
    assert lines[-1].count("|") == len(COLUMNS) + 1
    assert "0.600 [0.500, 0.700]" in lines[-1]


def test_markdown_says_when_it_is_of_one_codebook() -> None:
    rows = [_row([run(1, 0.6)], {})]
    assert "`escalation leaderboard --md`." in markdown(rows, NOTES)
    assert "`escalation leaderboard --md --codebook ladder`" in markdown(rows, NOTES, "ladder")


def test_markdown_kept_elsewhere_links_to_the_notes_all_the_same() -> None:
    assert "[baseline](../experiments/baseline/README.md)" in markdown([_row([run(1, 0.6)], {})], NOTES.parent / "docs")
