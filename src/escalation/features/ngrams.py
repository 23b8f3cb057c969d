"""TF-IDF over runs of words and of characters within words, by the few numbers that are worth moving."""

from typing import Any


def ngrams(words: int = 2, characters: int = 5, min_df: int = 2) -> Any:
    """Two scikit-learn vectorizers side by side.

    Parameters
    ----------
    words, characters : int
        The longest run of each; of characters from three.
    min_df : int
        Rows that a run of characters must be in; of words one is enough.

    Examples
    --------
    >>> ngrams(words=1, min_df=1).fit_transform(["troops fired", "troops left"]).shape
    (2, 39)
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    kept = {"sublinear_tf": True, "strip_accents": "unicode"}
    return FeatureUnion(
        [
            ("word", TfidfVectorizer(ngram_range=(1, words), **kept)),
            ("char", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, characters), min_df=min_df, **kept)),
        ]
    )
