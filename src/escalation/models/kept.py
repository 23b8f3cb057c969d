"""Features kept from one fit to the next: children of a sweep that differ in the classifier make them once a process."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Self

MOST_BYTES = 400_000_000  # of matrices; the vocabularies come on top, about as much again


class Kept:
    """What scikit-learn's Pipeline takes as `memory`: fitted transformers in memory, not on disk, where they would be pickles.

    Parameters
    ----------
    most : int
        Bytes of matrices; those not asked for the longest go first.
    """

    location = "memory"  # not None: the Pipeline then fits a clone, and what is kept is never fitted again

    def __init__(self, most: int = MOST_BYTES):
        self.most = most
        self.found: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def cache(self, function: Callable[..., Any], ignore: Sequence[str] = ()) -> Callable[..., Any]:
        """The function, which is asked once for the same arguments; those in `ignore` do not count."""
        from joblib import hash as digest

        def remembered(*parts: Any, **named: Any) -> Any:
            counted = {name: value for name, value in named.items() if name not in ignore}
            key = digest(([part.tolist() if hasattr(part, "tolist") else part for part in parts], counted))
            if key in self.found:
                self.found.move_to_end(key)
                return self.found[key][1]
            result = function(*parts, **named)
            self._keep(key, result)
            return result

        return remembered

    def __sklearn_clone__(self) -> Self:
        """The same: a clone of a model goes on with what is kept."""
        return self

    def _keep(self, key: str, result: Any) -> None:
        matrix = result[0]
        parts = [matrix.data, matrix.indices, matrix.indptr] if hasattr(matrix, "indptr") else [matrix]
        self.found[key] = (sum(part.nbytes for part in parts), result)
        while sum(size for size, _ in self.found.values()) > self.most:
            self.found.popitem(last=False)


FEATURES = Kept()
