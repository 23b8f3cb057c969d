"""The exported form of a model: a folder with skops weights and plain JSON, and how it is read back."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook, answer, check_known
from escalation.errors import ModelError
from escalation.scoring.article import ArticleScorer

WEIGHTS, WORDS, CARD = "model.skops", "vocabulary.json", "model.json"
# Our own types that a model file may hold. A file's own list proves nothing, so this one decides.
TRUSTED = [
    "escalation.features.lexicon.LexiconFeatures",
    "escalation.models.calibrated.CalibratedModel",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
]


@dataclass(frozen=True)
class Exported:
    """A model read back: it answers its own codebook and those above it.

    Parameters
    ----------
    model : classifier over texts
        `predict_proba` of shape (n, n_labels), columns in the order of the first codebook.
    codebooks : list of Codebook
        The model's own first, then its parents upwards.
    info : dict
        Where it comes from: uri, version, run, corpora, metrics.
    """

    model: Any
    codebooks: list[Codebook]
    info: dict[str, Any]

    def probabilities(self, texts: Sequence[str], codebook: str) -> tuple[Codebook, NDArray[np.float64]]:
        """The codebook of that name and probabilities under it, shape (n, n_labels).

        Raises
        ------
        ModelError
            The model does not know the codebook; the message lists what it knows.
        """
        check_known(self.codebooks, codebook)  # before the model has worked for nothing
        return answer(self.model.predict_proba(list(texts)), self.codebooks, codebook)

    def points(self, texts: Sequence[str], codebook: str) -> NDArray[np.float64]:
        """Escalation of each text under the codebook of that name, 0 … 100, shape (n,)."""
        book, probabilities = self.probabilities(texts, codebook)
        points: NDArray[np.float64] = probabilities @ book.escalation
        return points

    def scorer(self) -> ArticleScorer:
        """What scores whole articles by the model's own codebook."""
        return ArticleScorer(self.model, self.codebooks[0], self.info)


def save(folder: Path, model: Any, codebooks: Sequence[Codebook], info: Mapping[str, Any]) -> None:
    """Write a model that `load` takes back.

    Raises
    ------
    ModelError
        It holds a type that `load` would refuse.
    """
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    with _without_words(model) as words:
        skops.io.dump(model, folder / WEIGHTS)
    (folder / WORDS).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    refused = set(skops.io.get_untrusted_types(file=folder / WEIGHTS)) - set(TRUSTED)
    if refused:
        raise ModelError(
            f"the model holds {', '.join(sorted(refused))}, which no exported model may: "
            "use classes of scikit-learn or of this package"
        )
    card = {"codebooks": [book.to_mapping() for book in codebooks], "info": dict(info)}
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def load(folder: Path, uri: str = "", version: str = "") -> Exported:
    """Read a model from the folder that `save` wrote.

    Raises
    ------
    ModelError
        Something is missing, or the file holds types that are not trusted.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if not all((folder / name).is_file() for name in (WEIGHTS, WORDS, CARD)):
        raise ModelError(
            f"{uri or folder} is no model of this project: it lacks {WEIGHTS} or {CARD}; train one with train.py"
        )
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    try:
        model = skops.io.load(folder / WEIGHTS, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"{uri or folder} is not loaded: {' '.join(str(error).split())}") from error
    words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
    for part, terms in zip(_vectorizers(model), words, strict=True):
        part.vocabulary_ = {term: column for column, term in enumerate(terms)}
    codebooks = [Codebook.from_mapping(mapping) for mapping in card["codebooks"]]
    info = {"uri": uri, "version": version, "codebook": codebooks[0].name, **card["info"]}
    return Exported(model, codebooks, info)


def _vectorizers(model: Any) -> list[Any]:
    """The fitted vectorizers inside a model, always in the same order."""
    fitted = getattr(model, "fitted_estimator", model)
    return [part for part in fitted.get_params(deep=True).values() if hasattr(part, "vocabulary_")]


@contextlib.contextmanager
def _without_words(model: Any) -> Iterator[list[list[str]]]:
    """Take the vocabularies out for a while: skops keeps a node a word, and reading them back would take a second."""
    parts = _vectorizers(model)
    kept = [part.vocabulary_ for part in parts]
    try:
        for part in parts:
            part.vocabulary_ = {}
        yield [sorted(vocabulary, key=vocabulary.__getitem__) for vocabulary in kept]
    finally:
        for part, vocabulary in zip(parts, kept, strict=True):
            part.vocabulary_ = vocabulary
