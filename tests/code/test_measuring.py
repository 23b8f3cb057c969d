"""Measuring: every row predicted by a model that has not seen its group, on every level, the same way twice."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from escalation import project
from escalation.codebook import Codebook, chain
from escalation.context import neighbours
from escalation.corpora.corpus import Corpus, joined
from escalation.errors import ConfigError, CorpusError
from escalation.measuring import measure, transfer, yielding
from escalation.settings import Settings
from escalation.training import check

LADDER = chain(Codebook.load("ladder", project.codebooks()), project.codebooks())
ROOT = chain(Codebook.load("root", project.codebooks()), project.codebooks())
SETTINGS = Settings(folds=3, calibration_folds=3, resamples=200)


def rows(labels: list[str], n: int = 60) -> pd.DataFrame:
    """Rows in groups of two; the label's own word is in the text, and so is a word of the group."""
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "label": [labels[i // 2 % len(labels)] for i in range(n)]})
    frame["group"] = [f"g{i // 2}" for i in range(n)]
    frame["text"] = [f"about {label} in place{i // 2} said {i % 7}" for i, label in enumerate(frame["label"])]
    return frame.assign(source="test", date="", document=frame["group"])


def model(books: list[Codebook]):
    return check(make_pipeline(CountVectorizer(), LogisticRegression()), [books], SETTINGS)


def test_held_out_part_is_measured_and_reproducible() -> None:
    frame = rows(["none", "friction", "use_of_force"])
    first, second = (measure(model(LADDER), frame, [LADDER], SETTINGS, progress=False) for _ in range(2))
    assert len(first.folds) == 3
    assert first.held_out["ladder"].scalars["qwk"] == 1
    assert 0 < first.held_out["ladder"].n < len(frame)
    assert first.held_out["ladder"].n + first.cross_validated["ladder"].n == len(frame)
    pd.testing.assert_frame_equal(first.predictions, second.predictions)
    held = set(first.held_out_rows["group"])
    assert not held & set(first.predictions.loc[first.predictions["part"] == "cross-validation", "group"])


def test_without_a_held_out_part_the_cross_validated_rows_stand_for_it() -> None:
    frame = rows(["none", "use_of_force"])
    settings = Settings(folds=3, calibration_folds=3, resamples=200, holdout=0)
    found = measure(model(LADDER), frame, [LADDER], settings, progress=False)
    assert found.held_out == found.cross_validated
    assert found.held_out["ladder"].n == len(frame) == len(found.held_out_rows)


def test_rows_are_held_out_from_the_corpora_named_alone() -> None:
    own, other = rows(["none", "use_of_force"]), rows(["none", "use_of_force"], n=40)
    shared = own.iloc[0]["group"]
    other = other.assign(
        source="other", text="further " + other["text"], group=[shared] * 2 + [f"o{i}" for i in range(38)]
    )
    settings = replace(SETTINGS, holdout_from=["test"])
    alone = measure(model(LADDER), own, [LADDER], SETTINGS, progress=False)
    found = measure(model(LADDER), pd.concat([own, other], ignore_index=True), [LADDER], settings, progress=False)
    assert found.held_out_digest == alone.held_out_digest
    trained = found.predictions[found.predictions["part"] == "cross-validation"]
    held = set(found.held_out_rows["group"])
    assert (trained["source"] == "other").sum() == 40 - 2 * (shared in held)
    assert not held & set(trained["group"])


def test_other_training_seed_keeps_the_held_out_rows() -> None:
    frame = rows(["none", "use_of_force"])
    one = measure(model(LADDER), frame, [LADDER], SETTINGS, progress=False)
    two = measure(
        model(LADDER), frame, [LADDER], Settings(folds=3, calibration_folds=3, resamples=200, seed=9), progress=False
    )
    assert one.held_out_digest == two.held_out_digest


def test_a_corpus_that_counts_more_wins_where_two_disagree() -> None:
    """The same words under two labels: the corpus with the weight decides, and is measured no more often."""
    one, two = rows(["none", "use_of_force"]), rows(["use_of_force", "none"])
    two = two.assign(source="other", id="o" + two["id"], group="o" + two["group"], document="o" + two["group"])
    two["text"] = one["text"] + " again"
    frame = pd.concat([one, two], ignore_index=True)
    settings = replace(SETTINGS, holdout=0.0, weights={"other": 9})
    found = measure(model(LADDER), frame, [LADDER], settings, progress=False)
    told = dict(zip(LADDER[0].names, found.model.predict_proba(["about none in place0 said 0"])[0], strict=True))
    assert told["use_of_force"] > told["none"]
    assert found.held_out["ladder"].n == len(frame)


@pytest.mark.parametrize("weights", [{"other": 0}, {"other": 1000}])
def test_weights_out_of_range(weights: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="weights"):
        replace(SETTINGS, weights=weights).check()


def test_every_level_above_is_measured() -> None:
    found = measure(model(ROOT), rows(["AID", "ASSAULT", "ACCUSE", "NEUTRAL"], 120), [ROOT], SETTINGS, progress=False)
    assert list(found.held_out) == ["root", "penta", "polarity"]
    assert found.held_out["polarity"].scalars["accuracy"] >= found.held_out["root"].scalars["accuracy"]


def test_transfer_leaves_out_what_was_trained_on() -> None:
    frame = rows(["none", "use_of_force"])
    found = measure(model(LADDER), frame, [LADDER], SETTINGS, progress=False)
    new = pd.DataFrame(
        {"id": ["n1", "n2"], "text": ["All about none", "More about use_of_force"], "label": ["none", "use_of_force"]}
    ).assign(group="", source="new", date="")
    corpus = Corpus("new", LADDER[0], pd.concat([frame.assign(group=""), new]), "")
    assert transfer(found.model, corpus, frame, LADDER[0], SETTINGS).n == 2
    with pytest.raises(CorpusError, match="no rows"):
        transfer(found.model, Corpus("same", LADDER[0], frame, ""), frame, LADDER[0], SETTINGS)


def test_rows_for_other_heads_give_way_to_what_is_measured() -> None:
    own = rows(["none", "use_of_force"], n=10)
    other = rows(["", ""], n=6).assign(text=lambda frame: "for another head " + frame["text"], document="elsewhere")
    frame = pd.concat([own, other], ignore_index=True)
    test = pd.DataFrame({"id": ["a", "b"], "text": [other["text"][2].upper(), own["text"][0]], "label": "none"})
    left = yielding(frame, [Corpus("t", LADDER[0], test.assign(group="", source="t", date=""), "")])
    assert len(left) == len(frame) - 1  # the row of the model's own head stays: `transfer` leaves it out
    assert yielding(frame, [Corpus("t", LADDER[0], test[1:].assign(group="elsewhere"), "")]).equals(own)


def test_transfer_knows_a_document_whatever_joining_calls_its_group() -> None:
    books = LADDER[0]
    frame = rows(["none", "use_of_force"]).drop(columns="document")
    _, trained = joined([Corpus("one", books, frame, "")], project.checkout() / "data" / "holdout")
    fitted = check(make_pipeline(CountVectorizer(), LogisticRegression()), [[books]], SETTINGS)
    fitted.fit(trained["text"].tolist(), trained["label"].tolist(), trained["group"].tolist())
    test = pd.DataFrame(
        {"id": ["a", "b", "c"], "text": ["Entirely new.", "Quite new.", "Brand new."], "date": "", "source": "x"}
    )
    test = test.assign(label=["none", "use_of_force", "none"], group=["g0", "", "elsewhere"])
    assert transfer(fitted, Corpus("x", books, test, ""), trained, books, SETTINGS).n == 2


def test_progress_goes_to_standard_error_only(capsys) -> None:
    measure(model(LADDER), rows(["none", "use_of_force"]), [LADDER], SETTINGS, progress=True)
    assert capsys.readouterr().out == ""


class TwoHeads:
    """Remembers what it was shown; every answer is the same."""

    def __init__(self, codebooks=()):
        self.codebooks = codebooks

    def get_params(self, deep=True):
        return {"codebooks": self.codebooks}

    def fit(self, texts, labels, groups, weights, unlabelled):
        self.shown, self.weights = labels, weights
        return self

    def predict_proba(self, texts):
        names = self.codebooks[0][0].names
        return np.full((len(texts), len(names)), 1 / len(names))

    def head(self, name):
        chosen = next(chain for chain in self.codebooks if chain[0].name == name)
        return TwoHeads([chosen])


def test_rows_for_another_head_teach_unless_their_group_is_held_out() -> None:
    frame = rows(["none", "use_of_force"]).assign(ladder="", root="", source="news")
    frame["ladder"], frame["root"] = frame["label"], "NEUTRAL"
    events = frame.head(40).assign(label="", ladder="", root="ASSAULT", source="events")
    events["id"], events["text"] = "e" + events["id"], events["text"] + " again"
    settings = replace(SETTINGS, folds=0, weights={"events": 4})
    found = measure(TwoHeads([LADDER, ROOT]), pd.concat([frame, events]), [LADDER, ROOT], settings, progress=False)
    held = set(found.held_out_rows["group"])
    shown = found.model.shown
    assert held & set(events["group"])
    assert set(shown["group"]) == set(frame["group"]) - held
    assert set(shown["source"]) == {"news", "events"}
    assert found.model.weights == [4 if source == "events" else 1 for source in shown["source"]]
    assert found.cross_validated == {}
    assert found.folds == []
    assert set(found.held_out) == {book.name for chain in (LADDER, ROOT) for book in chain}
    assert found.held_out["root"].n == found.held_out["ladder"].n == len(found.held_out_rows)


def test_neighbours_reach_the_model() -> None:
    class Reading(TwoHeads):
        def fit(self, texts, labels, groups, weights, unlabelled):
            self.read = {text: neighbours(text) for text in texts}
            return self

        def predict_proba(self, texts):
            self.asked = {text: neighbours(text) for text in texts}
            return super().predict_proba(texts)

    frame = rows(["none", "use_of_force"]).assign(ladder="none", root="NEUTRAL", before="", after="They ate.")
    found = measure(Reading([LADDER]), frame, [LADDER], replace(SETTINGS, folds=0), progress=False)
    assert set(found.model.read.values()) == set(found.model.asked.values()) == {("", "They ate.")}
    assert len(found.model.read) + len(found.model.asked) == len(frame)


def test_what_was_learnt_from_is_remembered_and_what_was_held_out_is_not() -> None:
    frame = rows(["none", "use_of_force"])
    found = measure(model(LADDER), frame, [LADDER], SETTINGS, ["Said by a teacher."], progress=False)
    held = set(found.held_out_rows["group"])
    assert set(found.trained_on["document"]) == (set(frame["group"]) - held) | {""}
    everything = measure(model(LADDER), frame, [LADDER], replace(SETTINGS, holdout=0), progress=False)
    assert set(everything.trained_on["document"]) == set(frame["group"])
