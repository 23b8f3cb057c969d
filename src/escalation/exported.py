"""The exported form of a model: a folder with its weights (skops or ONNX) and plain JSON, and how it is read back."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from escalation.codebook import Codebook, answer, check_known
from escalation.errors import ConfigError, InputError, ModelError
from escalation.models import onnx, settled
from escalation.scoring.article import ArticleScorer
from escalation.scoring.familiar import FILE, Familiar

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS, WORDS, ENCODER, CARD = "model.skops", "vocabulary.json", "encoder", "model.json"
LEARNT = "trained_on.csv"  # beside a model that stands in a folder of its own
# Our own types that a model file may hold. A file's own list proves nothing, so this one decides.
TRUSTED = [
    "escalation.features.lexicon.LexiconFeatures",
    "escalation.features.sentence.SentenceFeatures",
    "escalation.features.static.StaticFeatures",
    "escalation.models.calibrated.CalibratedModel",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
]


@dataclass(frozen=True)
class Exported:
    """A model read back: it answers the codebooks that it learnt and those above them.

    Parameters
    ----------
    heads : list of classifier over texts
        `predict_proba` of shape (n, n_labels), columns in the order of the head's codebook.
    chains : list of list of Codebook
        For each head its own codebook, then that one's parents upwards.
    info : dict
        Where it comes from: uri, version, run, corpora, metrics.
    familiar : Familiar, optional
        The words that it learnt from.
    """

    heads: list[Any]
    chains: list[list[Codebook]]
    info: dict[str, Any]
    familiar: Familiar | None = None

    @property
    def codebooks(self) -> list[Codebook]:
        """All codebooks that it answers, the run's own first."""
        return [book for chain in self.chains for book in chain]

    def probabilities(self, texts: Sequence[str], codebook: str) -> tuple[Codebook, NDArray[np.float64]]:
        """The codebook of that name and probabilities under it, shape (n, n_labels).

        Raises
        ------
        ModelError
            The model does not know the codebook; the message lists what it knows.
        """
        check_known(self.codebooks, codebook)  # before the model has worked for nothing
        pairs = zip(self.heads, self.chains, strict=True)
        head, chain = next(pair for pair in pairs if codebook in [book.name for book in pair[1]])
        return answer(head.predict_proba(list(texts)), chain, codebook)

    def codebook(self, name: str) -> Codebook:
        """The codebook of that name, as the model knows it.

        Raises
        ------
        ModelError
            The model does not know it; the message lists what it knows.
        """
        check_known(self.codebooks, name)
        return next(book for book in self.codebooks if book.name == name)

    def points(self, texts: Sequence[str], codebook: str) -> NDArray[np.float64]:
        """Escalation of each text under the codebook of that name, 0 … 100, shape (n,)."""
        book, probabilities = self.probabilities(texts, codebook)
        points: NDArray[np.float64] = probabilities @ book.escalation
        return points

    def scorer(self) -> ArticleScorer:
        """What scores whole articles by the model's own codebook."""
        return ArticleScorer(self.heads[0], self.chains[0][0], self.info, self.familiar)


def save(
    folder: Path,
    model: Any,
    chains: Sequence[Sequence[Codebook]],
    info: Mapping[str, Any],
    familiar: Familiar | None = None,
) -> None:
    """Write a model that `load` takes back.

    Parameters
    ----------
    model : classifier over texts
        One of scikit-learn or a fine-tuned encoder.
    chains : list of list of Codebook
        For each head its own codebook, then those above it.
    familiar : Familiar, optional
        The words that it learnt from.

    Raises
    ------
    ModelError
        It holds a type that `load` would refuse.
    """
    from escalation.models.multihead import MultiHead

    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(model, MultiHead):
        onnx.export(model, folder, integers=None)
    else:
        _save_linear(folder, model)
    if familiar:
        familiar.save(folder)
    card = {"codebooks": [[book.to_mapping() for book in chain] for chain in chains], "info": dict(info)}
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def check_replaceable(folder: Path) -> None:
    """Refuse a folder that holds anything but a model: `keep` would delete it.

    Raises
    ------
    ConfigError
        It does.
    """
    if folder.exists() and not (folder / CARD).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"export is {folder}, which holds other things than a model: name a new folder")


def keep(
    folder: Path,
    model: Any,
    chains: Sequence[Sequence[Codebook]],
    info: Mapping[str, Any],
    familiar: Familiar,
    trained_on: "pd.DataFrame",
) -> None:
    """Write a model, and traces of what it learnt from, to a folder of its own, whole or not at all.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-", ignore_cleanup_errors=True) as temporary:
            made = Path(temporary) / "model"
            save(made, model, chains, info, familiar)
            trained_on.to_csv(made / LEARNT, index=False)
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    except OSError as error:
        raise InputError(
            f"cannot write {folder}: {error.strerror or error}; free some space or name another"
        ) from error


def _save_linear(folder: Path, model: Any) -> None:
    import skops.io

    with _without_words(model) as words:
        skops.io.dump(model, folder / WEIGHTS)
    settled.settle(folder / WEIGHTS)
    (folder / WORDS).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    for number, part in enumerate(_parts(model, "restore")):
        part.save(folder / f"{ENCODER}{number}")
    refused = set(skops.io.get_untrusted_types(file=folder / WEIGHTS)) - set(TRUSTED)
    if refused:
        raise ModelError(
            f"the model holds {', '.join(sorted(refused))}, which no exported model may: "
            "use classes of scikit-learn or of this package"
        )


def load(folder: Path, uri: str = "", version: str = "", threads: int = 0) -> Exported:
    """Read a model from the folder that `save` wrote.

    Parameters
    ----------
    folder : Path
    uri, version : str
        Repeated in what the model says of itself.
    threads : int
        Of an encoder; 0: as many as there are cores.

    Raises
    ------
    ModelError
        Something is missing, or the file holds types that are not trusted.
    """
    if not (folder / CARD).is_file():
        raise ModelError(f"{uri or folder} is no model of this project: it lacks {CARD}; train one with train.py")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    if not all(isinstance(chain, list) for chain in card["codebooks"]):
        raise ModelError(
            f"{uri or folder} was exported by an older version of this package: train it again with train.py"
        )
    chains = [[Codebook.from_mapping(mapping) for mapping in chain] for chain in card["codebooks"]]
    if (folder / onnx.WEIGHTS).is_file():
        encoder = onnx.OnnxEncoder(folder, threads)
        heads = [encoder.head(chain[0].name) for chain in chains]
    else:
        heads = [_load_linear(folder, uri)]
    info = {"uri": uri, "version": version, "codebook": chains[0][0].name, **card["info"]}
    return Exported(heads, chains, info, Familiar.load(folder) if (folder / FILE).is_file() else None)


def _load_linear(folder: Path, uri: str) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if not all((folder / name).is_file() for name in (WEIGHTS, WORDS)):
        raise ModelError(f"{uri or folder} lacks {WEIGHTS} or {WORDS}: train it again with train.py")
    try:
        model = skops.io.load(folder / WEIGHTS, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise ModelError(f"{uri or folder} is not loaded: {' '.join(str(error).split())}") from error
    words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
    for part, terms in zip(_parts(model, "vocabulary_"), words, strict=True):
        part.vocabulary_ = {term: column for column, term in enumerate(terms)}
    for number, part in enumerate(_parts(model, "restore")):
        part.restore(folder / f"{ENCODER}{number}")
    return model


def _parts(model: Any, attribute: str) -> list[Any]:
    """The parts inside a fitted model that have an attribute, always in the same order."""
    fitted = getattr(model, "fitted_estimator", model)
    return [part for part in fitted.get_params(deep=True).values() if hasattr(part, attribute)]


@contextlib.contextmanager
def _without_words(model: Any) -> Iterator[list[list[str]]]:
    """Take the vocabularies out for a while: skops keeps a node a word, and reading them back would take a second."""
    parts = _parts(model, "vocabulary_")
    kept = [part.vocabulary_ for part in parts]
    try:
        for part in parts:
            part.vocabulary_ = {}
        yield [sorted(vocabulary, key=vocabulary.__getitem__) for vocabulary in kept]
    finally:
        for part, vocabulary in zip(parts, kept, strict=True):
            part.vocabulary_ = vocabulary
