"""Counts of reviewed words by label, plain and negated: features that a person can read and argue with."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from escalation.errors import ConfigError, InputError

NEGATION = "negation"
NO_LABEL = "no label"

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_POSSESSIVE = re.compile(r"'s\b")
_ENTRY = re.compile(rf"{_WORD.pattern}\*?(?: {_WORD.pattern}\*?)*")
_SHIPPED = files("escalation.features") / "lexicons"

Pattern = tuple[str, bool]  # a word or its beginning, and whether any ending may follow
Candidate = tuple[int, int, tuple[Pattern, ...]]  # group, list, the words after the first
Lists = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Lexicon:
    """Word lists by label, word lists of cues, and the pairs of lists whose meeting is a feature."""

    labels: dict[str, list[str]]
    cues: dict[str, list[str]]
    interactions: list[list[str]]


class LexiconFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Count the words and phrases of a reviewed lexicon in each text.

    Columns: for every list ``log1p`` of its matches that are not negated, then of those that are; for every interaction
    1 when both lists have a match that is not negated; last, 1 when no label has any match.

    Parameters
    ----------
    lexicon : str, default="ladder"
        One that ships (``ladder``, ``root``) or the path of a YAML file of the same form.
    window : int, default=4
        A match is negated when a negation cue ends at most so many words before it; 0 turns negation off.
    normalise : bool, default=True
        Bring texts to NFKC, casefold and straight apostrophes first, as the entries are; only texts that have this form
        already do without.

    Attributes
    ----------
    lists_ : dict of str to list of str
        The entries of every list, labels first, as plain data.
    labels_ : list of str
        Which of the lists are labels.
    interactions_ : list of [str, str]
    feature_names_ : list of str, one a column

    Examples
    --------
    >>> features = LexiconFeatures(window=3).fit([])
    >>> row = features.transform(["Troops did not attack the town."]).toarray()[0]
    >>> [name for name, value in zip(features.feature_names_, row) if value]
    ['use_of_force (negated)', 'negation']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "lexicon": [str],
        "window": [Interval(Integral, 0, None, closed="left")],
        "normalise": ["boolean"],
    }

    def __init__(self, lexicon: str = "ladder", window: int = 4, normalise: bool = True):
        self.lexicon = lexicon
        self.window = window
        self.normalise = normalise

    def fit(self, texts: Sequence[str], y: Any = None) -> LexiconFeatures:
        """Read the lexicon; `texts` and `y` are not looked at.

        Raises
        ------
        ConfigError
            The lexicon is unknown, unreadable or breaks the form.
        sklearn.utils._param_validation.InvalidParameterError
            A parameter has a wrong type or is out of its range.
        """
        lexicon = self._validate_params()
        self.lists_ = {**lexicon.labels, **lexicon.cues}
        self.labels_ = list(lexicon.labels)
        self.interactions_ = lexicon.interactions
        self.feature_names_ = [
            *(f"{name}{suffix}" for name in self.lists_ for suffix in ("", " (negated)")),
            *(" & ".join(pair) for pair in self.interactions_),
            NO_LABEL,
        ]
        return self

    def _validate_params(self) -> Lexicon:
        """Check types and ranges as scikit-learn does, then that the lexicon is there; the lexicon."""
        super()._validate_params()
        return read_lexicon(self.lexicon)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Features of `n` texts, shape (n, n_features), float64.

        Raises
        ------
        InputError
            `texts` is one string, or one of them is no string.
        """
        check_is_fitted(self, "lists_")
        counts = self._count(_checked(texts))
        plain = dict(zip(self.lists_, counts[:, :, 0].T, strict=True))
        meetings = [(plain[one] > 0) & (plain[other] > 0) for one, other in self.interactions_]
        no_label = ~counts[:, : len(self.labels_)].any(axis=(1, 2))
        shape = (len(counts), 2 * len(self.lists_))
        return csr_matrix(np.column_stack([np.log1p(counts).reshape(shape), *meetings, no_label]), dtype=np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, shape (n_features,); `input_features` is not looked at."""
        check_is_fitted(self, "feature_names_")
        return np.array(self.feature_names_, dtype=object)

    def _count(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Matches by text and list, plain and negated, shape (n, n_lists, 2)."""
        names = list(self.lists_)
        # the compiled form is kept outside the estimator, so that nothing but plain data is ever saved
        matcher = _matcher(tuple(map(tuple, self.lists_.values())), len(self.labels_))
        negation = names.index(NEGATION) if NEGATION in names else -1
        width = 2 * len(names)
        cells: list[int] = []
        for row, text in enumerate(texts):
            matches = list(matcher.find(_words(text, self.normalise)))
            ends = [end for column, _, end in matches if column == negation]
            for column, start, _ in matches:
                negated = any(end <= start < end + self.window for end in ends)
                cells.append(row * width + 2 * column + negated)
        flat = np.bincount(np.array(cells, dtype=np.int64), minlength=len(texts) * width)
        return flat.reshape(len(texts), len(names), 2)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


class _Matcher:
    """Finds the entries of many lists in one pass over the words of a text.

    The first `n_labels` lists are one group, every other list its own: within a group a word belongs to one match, the
    leftmost and there the longest.
    """

    def __init__(self, lists: Lists, n_labels: int):
        self.exact: dict[str, list[Candidate]] = defaultdict(list)
        self.stems: dict[str, list[Candidate]] = defaultdict(list)
        self.groups = 1 + len(lists)
        for column, entry in ((column, entry) for column, entries in enumerate(lists) for entry in entries):
            group = 0 if column < n_labels else 1 + column
            first, *rest = (_pattern(word) for word in entry.split())
            (self.stems if first[1] else self.exact)[first[0]].append((group, column, (first, *rest)))
        # news repeats its words, and the rarest need not be remembered
        self.starting = lru_cache(maxsize=1 << 16)(self._starting)

    def _starting(self, word: str) -> tuple[Candidate, ...]:
        """Entries that may begin at a word, longest first."""
        found = list(self.exact.get(word, ()))
        for length in range(1, len(word) + 1):
            found.extend(self.stems.get(word[:length], ()))
        found.sort(key=lambda candidate: (-len(candidate[2]), -sum(len(stem) for stem, _ in candidate[2])))
        return tuple((group, column, patterns[1:]) for group, column, patterns in found)

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """List, first word and end (exclusive) of every match, by first word."""
        free = [0] * self.groups
        for start, word in enumerate(words):
            for group, column, rest in self.starting(word):
                if free[group] <= start and _follows(words, start + 1, rest):
                    free[group] = start + 1 + len(rest)
                    yield column, start, free[group]


@lru_cache(maxsize=8)
def _matcher(lists: Lists, n_labels: int) -> _Matcher:
    return _Matcher(lists, n_labels)


def _pattern(word: str) -> Pattern:
    return word.removesuffix("*"), word.endswith("*")


def _follows(words: Sequence[str], start: int, patterns: tuple[Pattern, ...]) -> bool:
    """Whether the words from `start` on fit the patterns."""
    if start + len(patterns) > len(words):
        return False
    for word, (stem, open_ended) in zip(words[start : start + len(patterns)], patterns, strict=True):
        if not (word.startswith(stem) if open_ended else word == stem):
            return False
    return True


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")


def _words(text: str, normalise: bool) -> list[str]:
    """Words of a text without punctuation, hyphens and the possessive s."""
    if normalise:
        text = _normal(text)
    if "'s" in text:
        text = _POSSESSIVE.sub("", text)
    return _WORD.findall(text)


def _checked(texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise InputError("texts is one string: pass a list of strings")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {row} is a {type(text).__name__}, not a string: leave it out or make it empty")
    return texts


def shipped_lexicons() -> list[str]:
    """Names of the lexicons that come with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".yaml"))


def read_lexicon(name: str) -> Lexicon:
    """Read and check a lexicon by shipped name or path of a YAML file.

    Raises
    ------
    ConfigError
        Unknown name (the message lists those that ship), no valid YAML, or content that breaks the form.
    """
    if name in shipped_lexicons():
        source = (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    elif Path(name).is_file():
        source = _read_file(Path(name))
    else:
        known = ", ".join(shipped_lexicons())
        raise ConfigError(f"no lexicon {name!r}: choose one of {known}, or give the path of a YAML file of their form")
    try:
        content = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise ConfigError(f"lexicon {name} is no valid YAML: {' '.join(str(error).split())}") from error
    return _parse(name, content)


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read lexicon {path}: {error}; it must be a readable UTF-8 file") from error


def _parse(name: str, content: Any) -> Lexicon:
    if not isinstance(content, dict) or not content.get("labels"):
        raise ConfigError(f"lexicon {name}: needs `labels`, a mapping from label to list of entries")
    unknown = set(content) - {"name", "labels", "cues", "interactions"}
    if unknown:
        wrong = ", ".join(sorted(map(str, unknown)))
        raise ConfigError(f"lexicon {name}: unknown {wrong}; the fields are name, labels, cues, interactions")
    labels, cues = (_checked_lists(name, key, content.get(key) or {}) for key in ("labels", "cues"))
    shared = set(labels) & set(cues)
    if shared:
        raise ConfigError(f"lexicon {name}: {', '.join(sorted(shared))} is both a label and a cue; rename one")
    return Lexicon(labels, cues, _checked_pairs(name, content.get("interactions") or [], {*labels, *cues}))


def _checked_lists(name: str, key: str, lists: Any) -> dict[str, list[str]]:
    if not isinstance(lists, dict):
        raise ConfigError(f"lexicon {name}: `{key}` must map names to lists of entries")
    for title, entries in lists.items():
        where = f"lexicon {name}: {title}"
        if not isinstance(title, str) or not isinstance(entries, list) or not entries:
            raise ConfigError(f"{where} must be a name with a list of one or more entries")
        for entry in entries:
            _check_entry(where, entry)
        twice = [entry for entry, times in Counter(entries).items() if times > 1]
        if twice:
            raise ConfigError(f"{where} has {', '.join(twice)} twice; remove one")
    return {title: list(entries) for title, entries in lists.items()}


def _check_entry(where: str, entry: Any) -> None:
    if not isinstance(entry, str):
        raise ConfigError(f"{where}: entry {entry!r} is no text; put it in quotes (YAML reads a bare no as false)")
    if not _ENTRY.fullmatch(entry) or entry != _normal(entry) or _POSSESSIVE.search(entry):
        raise ConfigError(
            f"{where}: entry {entry!r} must be lower-case words with one space between them, without hyphens or 's, "
            "each with at most one * at its end"
        )


def _checked_pairs(name: str, pairs: Any, known: set[str]) -> list[list[str]]:
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, list) or len(pair) != 2 or any(one not in known for one in map(str, pair)):
            names = ", ".join(sorted(known))
            raise ConfigError(f"lexicon {name}: interaction {pair!r} must be a pair of its lists: {names}")
    return [list(map(str, pair)) for pair in pairs]
