"""Where a sentence ends, and that offsets lead back to the text."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.scoring.sentences import LONGEST, plain, split


def texts(text: str) -> list[str]:
    return [plain(span.text) for span in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("U.S. troops left. Gen. Ruiz stayed.", ["U.S. troops left.", "Gen. Ruiz stayed."]),
        ("“Stop!” he said. “We will not.” They fired.", ["“Stop!” he said.", "“We will not.”", "They fired."]),
        ("Talks fail\n\nThe envoy left.", ["Talks fail", "The envoy left."]),
        ("Talks fail\r\n \r\nThe envoy left.", ["Talks fail", "The envoy left."]),
        ("talks fail\n\nthe envoy left", ["talks fail", "the envoy left"]),
        ("He left.\n\n“ » ***\n\nShe stayed.", ["He left.", "She stayed."]),
        ("The paper called it “a mistake.” ».\n\nNext.", ["The paper called it “a mistake.” ».", "Next."]),
        (
            "Three demands:\n- The army leaves\n- The port opens",
            ["Three demands:", "- The army leaves", "- The port opens"],
        ),
        (
            "Filed under\nTroops crossed the river at dawn on Monday.",
            ["Filed under", "Troops crossed the river at dawn on Monday."],
        ),
        ("", []),
        ("12 … 34 – 56!", []),
    ],
)
def test_sentence_ends(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_wrapped_lines_are_joined_and_headings_are_not() -> None:
    text = (
        "Ministers leave the capital\n"
        "The defence minister and two generals of the northern army\n"
        "Command left the capital on Sunday night. They were on the way\n"
        "to the border, a spokesman said.\n\n"
        "An aide of the president who was not named told the daily\n"
        "Orlava Times that talks would go on.\n"
    )
    assert texts(text) == [
        "Ministers leave the capital",
        "The defence minister and two generals of the northern army Command left the capital on Sunday night.",
        "They were on the way to the border, a spokesman said.",
        "An aide of the president who was not named told the daily Orlava Times that talks would go on.",
    ]


def test_paragraph_a_line() -> None:
    first = "The convoy waited at the bridge for the whole of the night while officers argued over the papers " * 2
    assert texts(f"{first.strip()}\nThe mayor spoke\nHe blamed both sides for it.") == [
        first.strip(),
        "The mayor spoke",
        "He blamed both sides for it.",
    ]


@given(st.text(alphabet=st.sampled_from("aB. \n\r\t“”?!-1:\u2028\u00a0é"), max_size=200))
def test_spans_are_the_text_in_order_and_lose_no_letter(text: str) -> None:
    spans = split(text)
    assert all(text[span.start : span.end] == span.text == span.text.strip() for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert sum(map(str.isalpha, "".join(span.text for span in spans))) == sum(map(str.isalpha, text))


def test_endless_sentence_is_cut_between_words() -> None:
    text = "and the troops marched on " * 4000
    spans = split(text)
    assert all(span.cut and len(span.text) <= LONGEST for span in spans)
    assert len(spans) < 1.1 * len(text) / LONGEST + 1
    assert " ".join(span.text for span in spans).split() == text.split()
    assert [text[span.start : span.end] for span in spans] == [span.text for span in spans]


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a.b," * 25_000, "U.S. " * 20_000, '"a' * 50_000, "a\n" * 50_000, "a\n\n" * 50_000]
)
def test_hostile_texts_take_bounded_time(text: str) -> None:
    began = time.monotonic()
    spans = split(text)
    assert time.monotonic() - began < 10  # far above what linear time needs, far below what quadratic would
    assert "".join("".join(span.text for span in spans).split()) == "".join(text.split())


def test_a_cut_is_told_from_a_sentence() -> None:
    assert not any(span.cut for span in split("One sentence. Another one."))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
def test_line_ends_of_every_system(end: str) -> None:
    assert texts(f"Talks fail{end}{end}The envoy left.{end}{end}She flew home.") == [
        "Talks fail",
        "The envoy left.",
        "She flew home.",
    ]


def test_endless_word_is_cut_too() -> None:
    spans = split("x" * 2500)
    assert [len(span.text) for span in spans] == [LONGEST, LONGEST, 500]
    assert all(span.cut for span in spans)


def test_closing_quote_is_not_torn_off() -> None:
    assert texts('He said: "It is war. We will fight." They did.')[1] == 'We will fight."'
