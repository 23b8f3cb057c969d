"""Vectors of whole corpora made ahead: what `features=sentence` looks up, so that trainings do not wait for an encoder."""

import hashlib
from collections.abc import Sequence
from typing import Any

import yaml

from escalation import project
from escalation.codebook import Codebook
from escalation.context import texts
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import load
from escalation.errors import ConfigError
from escalation.features.sentence import SentenceFeatures

CONFIG = "configs/features/sentence.yaml"


def featurize(names: Sequence[str], codebook: str) -> dict[str, Any]:
    """Let the encoder of configs/features/sentence.yaml say its vectors of corpora; they are kept in the home folder.

    Returns
    -------
    dict
        `encoder` (the beginning of its weights' sha256, and the tokens that it reads), `width`, and for each corpus the
        number of different texts and their sha256.
    """
    folder = project.checkout() / "configs" / "corpus"
    book = Codebook.load(codebook, project.codebooks())
    corpora = [load(CorpusSpec.load(name, folder), book, project.codebooks()) for name in names]
    settings = yaml.safe_load((project.checkout() / CONFIG).read_text(encoding="utf-8"))
    settings.pop("_target_", None)
    try:
        features = SentenceFeatures(**settings)
    except TypeError as error:
        raise ConfigError(f"{CONFIG} does not fit SentenceFeatures: {error}") from error
    features.fit([])
    told: dict[str, Any] = {"encoder": features.encoder_.name, "width": features.encoder_.width, "corpora": {}}
    for corpus in corpora:
        known = sorted(set(texts(corpus.frame)))
        features.transform(known)
        digest = hashlib.sha256("\n".join(known).encode("utf-8", "surrogatepass")).hexdigest()
        told["corpora"][corpus.name] = {"texts": len(known), "sha256": digest}
    return told
