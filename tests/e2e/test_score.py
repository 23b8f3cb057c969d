"""`escalation score` on every kind of input and in every form of output."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import json_of, run
from serving import HTML

FIELDS = {
    "escalation",
    "de_escalation",
    "threat",
    "act",
    "level",
    "interval",
    "language",
    "warnings",
    "model",
    "sentences",
    "drivers",
}


def test_json_has_the_fields_of_the_design(trained: Path, article: Path) -> None:
    score = json_of(run(trained, "escalation", "score", str(article), "--json"))
    assert set(score) >= FIELDS
    text = article.read_text(encoding="utf-8")
    for sentence in score["sentences"]:
        assert text[sentence["start"] : sentence["end"]] == sentence["text"]
        assert sum(sentence["probabilities"].values()) == pytest.approx(1, abs=0.01)
    low, high = score["interval"]
    assert 0 <= low <= score["escalation"] <= high <= 100
    assert score["threat"] + score["act"] == pytest.approx(score["escalation"], abs=0.05)
    assert score["model"]["version"] == "1"
    shown = [score["sentences"][driver["sentence"]]["text"] for driver in score["drivers"]]
    assert any("Tanks massed" in one for one in shown)
    assert not any("Categorised" in one for one in shown)
    assert all(driver["words"] for driver in score["drivers"])


def test_terminal_view_shows_score_sentences_and_drivers(trained: Path, article: Path) -> None:
    done = run(trained, "escalation", "score", str(article))
    assert done.returncode == 0, done.stderr
    for part in ("threat", "act", "Tanks massed", "harvest festival"):
        assert part in done.stdout


def test_several_inputs_make_a_list(trained: Path, article: Path) -> None:
    scores = json_of(
        run(
            trained, "escalation", "score", str(article), "-", "--json", stdin="The choir sang at noon in the old hall."
        )
    )
    assert [type(one) for one in scores] == [dict, dict]


def test_html_page_is_self_contained(trained: Path, article: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run(trained, "escalation", "score", str(article), "--html", str(page))
    assert done.returncode == 0, done.stderr
    content = page.read_text(encoding="utf-8")
    assert "Tanks massed" in content
    assert "http://" not in content.replace("http://www.w3.org", "")
    assert "https://" not in content


def test_html_article_is_read_without_its_furniture(trained: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(HTML, encoding="utf-8")
    score = json_of(run(trained, "escalation", "score", str(page), "--json"))
    texts = " ".join(sentence["text"] for sentence in score["sentences"])
    assert "Tanks massed" in texts
    assert "All rights reserved" not in texts


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "story.html").write_text(HTML, encoding="utf-8")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_web_address(trained: Path, site: str) -> None:
    score = json_of(run(trained, "escalation", "score", f"{site}/story.html", "--json"))
    assert any("Tanks massed" in sentence["text"] for sentence in score["sentences"])
    assert "404" in run(trained, "escalation", "score", f"{site}/none.html").stderr
