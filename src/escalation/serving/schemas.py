"""What goes in and what comes out, as the OpenAPI document shows it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag

EXAMPLE = "Tanks massed at the Orlava crossing on Sunday. Officials in the capital expect an attack within days."

Content = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    """Takes no field that it does not know, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Wanted(_Strict):
    """Which fields scores have."""

    drivers: bool = Field(
        True, description="Whether scores have `drivers`; without them scoring is several times faster."
    )
    sentences: bool = Field(True, description="Whether scores have `sentences`.")


class Text(_Strict):
    """An article as plain text."""

    text: Content = Field(description="The article; a blank line parts paragraphs.", examples=[EXAMPLE])


class Html(_Strict):
    """An article as the HTML of its page, whose furniture is left out."""

    html: Content = Field(description="The source of the page. An address is not fetched.")


class TextRequest(Text, Wanted):
    """One article as plain text."""


class HtmlRequest(Html, Wanted):
    """One article as HTML."""


def _kind(value: Any) -> str:
    """The field that says what a request or an article is."""
    names = value if isinstance(value, dict) else ()
    return next((name for name in ("articles", "html") if name in names), "text")


Article = Annotated[Annotated[Text, Tag("text")] | Annotated[Html, Tag("html")], Discriminator(_kind)]


class ListRequest(Wanted):
    """Several articles; each counts for itself."""

    articles: list[Article] = Field(min_length=1, description="Each with `text` or with `html`.")


Request = Annotated[
    Annotated[TextRequest, Tag("text")] | Annotated[HtmlRequest, Tag("html")] | Annotated[ListRequest, Tag("articles")],
    Discriminator(_kind),
]

Points = Annotated[float, Field(ge=0, le=100)]


class ModelName(BaseModel):
    """Which model scored."""

    uri: str
    version: str
    codebook: str


class Word(BaseModel):
    """A word and what it adds to the escalation of its sentence, in points."""

    word: str
    start: int = Field(description="Offset in the text.")
    end: int
    contribution: float


class Driver(BaseModel):
    """A sentence that drives the score."""

    sentence: int = Field(description="Its index among the sentences.")
    escalation: Points
    words: list[Word] = Field(description="The strongest first.")


class Sentence(BaseModel):
    """A sentence and what the model says of it."""

    text: str
    start: int = Field(description="Offset in the text: of HTML, in the text that was found on the page.")
    end: int
    label: str
    escalation: Points
    probabilities: dict[str, float] = Field(description="By label.")
    counted: bool = Field(description="False for fragments and repetitions, which no figure of the article holds.")


class Score(BaseModel):
    """The score of an article."""

    escalation: Points
    de_escalation: Points
    threat: Points = Field(description="The part of `escalation` from words.")
    act: Points = Field(description="The part of `escalation` from deeds.")
    level: str
    interval: list[Points] = Field(min_length=2, max_length=2, description="90 % interval of `escalation`.")
    language: str = Field(description="ISO 639 code, `und` when it is not clear.")
    warnings: list[str]
    model: ModelName
    sentences: list[Sentence] = Field(default=[], description="In order; left out on request.")
    drivers: list[Driver] = Field(default=[], description="The largest share first; left out on request.")


Answer = Score | list[Score]


class Model(BaseModel):
    """The model that is served."""

    uri: str
    version: str = Field(description="Of the registered model; empty when it is none.")
    codebook: str = Field(description="The one that articles are scored by.")
    run: str = Field(description="Of the tracking store.")
    experiment: str
    corpora: dict[str, dict[str, Any]] = Field(description="What it learnt from: rows and sha256 by name.")
    metrics: dict[str, dict[str, float]] = Field(description="On rows held out, by codebook.")
    codebooks: list[dict[str, Any]] = Field(description="All that it answers, with labels, weights and levels.")


class Health(BaseModel):
    """A sign of life."""

    status: Literal["ok"] = "ok"


class FieldError(BaseModel):
    """What is wrong with a field of the request."""

    detail: str
    pointer: str = Field(description="JSON pointer to the field, for example `#/articles/3/text`.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default=[], description="One a field that is wrong.")
