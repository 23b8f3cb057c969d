"""`escalation evaluate`: words that say nothing of a corpus are refused before a model is asked; what a person reads."""

import argparse

import numpy as np
import pandas as pd
import pytest

from escalation import project
from escalation.codebook import Codebook
from escalation.commands import evaluate
from escalation.corpora.corpus import Corpus
from escalation.corpora.split import HASH, text_hash
from escalation.errors import ConfigError
from escalation.labelled import evaluate_corpus, report

LADDER = Codebook.load("ladder", project.codebooks())


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    evaluate.add(parser.add_subparsers())
    options = parser.parse_args(["evaluate", *words])
    options.run(options)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--map", "1=conflict"], "leave out --map,"),
        (["--text-column", "text"], "leave out --text-column,"),
        (["--map", "1=conflict", "--label-column", "gold"], "leave out --map and --label-column,"),
    ],
)
def test_words_for_a_file_beside_a_corpus(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match="plv is a corpus") as refused:
        run("plv", *words)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_report_tells_what_was_left_out_and_who_was_asked() -> None:
    frame = pd.DataFrame({"id": ["a", "b", "c"], "text": ["One.", "Two.", "Three."], "label": "none", "group": ""})
    corpus = Corpus("c", LADDER, frame.assign(source="c", date=""), "")

    def answers(texts):
        return LADDER, np.full((len(texts), len(LADDER.names)), 1 / len(LADDER.names))

    found = evaluate_corpus(corpus, answers, (frozenset([text_hash("Two.")[:HASH]]), frozenset()))
    assert "2 rows under codebook ladder, 1 left out that the model learnt from" in report(found)
    assert "model" not in report(found)[report(found).index("\n") :]
    asked = report({**found, "model": {"uri": "models:/escalation@champion", "version": "3"}})
    assert "models:/escalation@champion, version 3\n" in asked
    assert "  model        made/model\n" in report({**found, "model": {"uri": "made/model", "version": ""}})
