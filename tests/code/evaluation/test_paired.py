"""Two models on the same rows: differences by hand, intervals of groups, McNemar's test, and the edges of each."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from escalation import project
from escalation.codebook import Codebook
from escalation.errors import ConfigError, CorpusError
from escalation.evaluation.metrics import evaluate
from escalation.evaluation.paired import compare, distances, mcnemar

LADDER = Codebook.load("ladder", project.codebooks())
PENTA = Codebook.load("penta", project.codebooks())


def sure(labels: list[str], book: Codebook = LADDER) -> NDArray[np.float64]:
    """Probabilities of a model that is certain of these labels."""
    return np.eye(len(book.names))[[book.index(label) for label in labels]]


def drawn(n: int, right: float, seed: int) -> tuple[list[str], list[str]]:
    """Labels, and answers of which a share is right."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(LADDER.names, n)
    answers = np.where(rng.random(n) < right, truth, rng.choice(LADDER.names, n))
    return truth.tolist(), answers.tolist()


def test_a_model_against_itself_differs_in_nothing() -> None:
    truth, answers = drawn(60, 0.7, 1)
    found = compare(truth, sure(answers), sure(answers), LADDER)
    assert all(
        one.difference == 0 and one.low in (0, None) and one.high in (0, None) for one in found.differences.values()
    )
    assert not any(one.decided for one in found.differences.values())
    assert found.mcnemar == {"only_first": 0, "only_second": 0, "p": 1.0}


def test_few_groups_give_no_interval() -> None:
    truth, answers = drawn(60, 0.7, 1)
    groups = [f"document {row % 9}" for row in range(60)]
    found = compare(truth, sure(answers), sure(truth), LADDER, groups)
    assert found.groups == 9
    assert found.differences["qwk"].low is None
    assert not found.differences["qwk"].decided
    assert compare(truth, sure(answers), sure(truth), LADDER, [*groups[:59], ""]).differences["qwk"].decided


def test_differences_are_those_of_the_single_evaluations() -> None:
    truth, answers = drawn(200, 0.6, 2)
    better = [label if k % 3 else answer for k, (label, answer) in enumerate(zip(truth, answers, strict=True))]
    found = compare(truth, sure(answers), sure(better), LADDER)
    one, two = (evaluate(truth, sure(each), LADDER, resamples=0).scalars for each in (answers, better))
    for name, difference in found.differences.items():
        assert difference.difference == pytest.approx(two[name] - one[name])
    assert found.differences["qwk"].decided
    assert found.differences["mae"].high < 0
    assert found.differences["ece"].low is None


def test_pairing_sees_what_two_separate_intervals_cannot() -> None:
    """Two models that err on the same rows, one on a few more: the separate intervals overlap, the paired one is clear."""
    truth, answers = drawn(300, 0.5, 3)
    right = [k for k in range(300) if truth[k] == answers[k]][:15]
    worse = [LADDER.names[(LADDER.index(answer) + 3) % 7] if k in right else answer for k, answer in enumerate(answers)]
    found = compare(truth, sure(worse), sure(answers), LADDER)
    apart = [evaluate(truth, sure(each), LADDER).intervals["accuracy"] for each in (worse, answers)]
    assert apart[0][1] > apart[1][0]
    assert found.differences["accuracy"].low > 0


def test_groups_widen_the_interval_and_rows_without_one_stand_alone() -> None:
    truth, answers = drawn(200, 0.5, 4)
    better = [truth[k] if k < 60 else answer for k, answer in enumerate(answers)]  # all that is gained lies together
    tables = sure(answers), sure(better)
    rows = compare(truth, *tables, LADDER)
    grouped = compare(truth, *tables, LADDER, groups=[f"g{k // 20}" for k in range(200)])
    assert (rows.groups, grouped.groups) == (200, 10)

    def width(found) -> float:
        one = found.differences["accuracy"]
        return one.high - one.low

    assert width(grouped) > 1.5 * width(rows)
    assert compare(truth, *tables, LADDER, groups=[""] * 200).differences == rows.differences


def test_same_seed_same_interval_in_any_order() -> None:
    truth, answers = drawn(80, 0.5, 5)
    better = [truth[k] if k % 4 == 0 else answer for k, answer in enumerate(answers)]
    groups = [f"g{k // 3}" for k in range(80)]
    order = np.random.default_rng(0).permutation(80)
    found = compare(truth, sure(answers), sure(better), LADDER, groups)
    again = compare(
        [truth[k] for k in order], sure(answers)[order], sure(better)[order], LADDER, [groups[k] for k in order]
    )
    assert {name: (one.low, one.high) for name, one in found.differences.items()} == {
        name: (one.low, one.high) for name, one in again.differences.items()
    }


def test_mcnemar_is_the_binomial_tail() -> None:
    first = np.array([True] * 9 + [False] * 2 + [True] * 30)
    second = np.array([False] * 9 + [True] * 2 + [True] * 30)
    found = mcnemar(first, second)
    assert (found["only_first"], found["only_second"]) == (9, 2)
    assert found["p"] == pytest.approx(2 * binom.cdf(2, 11, 0.5))


def test_distances_count_rungs_and_end_at_the_farthest() -> None:
    truth = np.array([0, 1, 2, 6])
    assert distances(truth, (np.array([0, 2, 2, 6]), np.array([0, 1, 2, 3])), 7) == [[3, 3], [1, 0], [0, 0], [0, 1]]


def test_one_row_and_one_label() -> None:
    found = compare(["none"], sure(["none"]), sure(["friction"]), LADDER)
    assert found.n == found.groups == 1
    assert found.differences["accuracy"].difference == -1
    assert found.distances == [[1, 0], [0, 1]]


def test_a_codebook_without_order_has_no_distances() -> None:
    truth = [PENTA.names[0], PENTA.names[1]]
    found = compare(truth, sure(truth, PENTA), sure(truth[::-1], PENTA), PENTA)
    assert found.distances == []
    assert "qwk" not in found.differences
    assert found.differences["macro_f1"].difference == -1


def test_what_cannot_be_compared() -> None:
    with pytest.raises(CorpusError, match="same rows"):
        compare(["none"] * 2, sure(["none"] * 2), sure(["none"]), LADDER)
    with pytest.raises(CorpusError, match="no rows"):
        compare([], np.empty((0, 7)), np.empty((0, 7)), LADDER)
    with pytest.raises(ConfigError, match="resamples"):
        compare(["none"], sure(["none"]), sure(["none"]), LADDER, resamples=10)
