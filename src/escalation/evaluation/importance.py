"""Which settings of a sweep mattered: the share of the figures' variance that each explains."""

from collections.abc import Mapping, Sequence

import numpy as np

FEWEST = 8  # figures from which a forest can be grown


def importance(settings: Sequence[Mapping[str, str]], figures: Sequence[float]) -> tuple[dict[str, float], str]:
    """Share of each key, and how it was measured.

    With optuna, and at least `FEWEST` figures, functional ANOVA over a random forest (Hutter et al. 2014, An Efficient
    Approach for Assessing Hyperparameter Importance). Else the correlation ratio: the variance of the means of each
    value, or of each third of the values where nearly all differ, over the whole variance; shares need not add up to 1.

    Parameters
    ----------
    settings : list of mapping
        For each figure the values that it was reached with.
    figures : list of float

    Returns
    -------
    dict of key to share, the largest first
        Without those of which nothing can be told: all values alike, or each met once.
    str

    Examples
    --------
    >>> importance([{"C": "1", "k": "a"}, {"C": "1", "k": "b"}, {"C": "9", "k": "a"}, {"C": "9", "k": "b"}], [1, 1, 3, 3])
    ({'C': 1.0, 'k': 0.0}, 'correlation ratio')
    """
    values = np.asarray(figures, dtype=float)
    keys = [key for key in settings[0] if len({one.get(key) for one in settings}) > 1]
    if np.ptp(values) == 0 or not keys:
        return {}, "nothing"
    columns = {key: column([one.get(key, "") for one in settings]) for key in keys}
    try:
        if len(values) < FEWEST:
            raise ImportError
        shares, how = _fanova(columns, values), "functional ANOVA"
    except ImportError:
        told = {key: _ratio(one, values) for key, one in columns.items()}
        shares, how = {key: share for key, share in told.items() if share is not None}, "correlation ratio"
    return dict(sorted(shares.items(), key=lambda pair: -pair[1])), how


def column(values: Sequence[str]) -> list[float] | list[str]:
    """Numbers where all values are, else the values."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return list(values)


def is_log(values: Sequence[float]) -> bool:
    """Whether numbers span so much that their ratios are what differs."""
    return min(values) > 0 and max(values) >= 20 * min(values)


def _ratio(values: Sequence[float] | Sequence[str], figures: np.ndarray) -> float | None:
    table = np.asarray(values)
    if len(np.unique(table)) > len(table) / 2 and table.dtype.kind == "f":
        table = np.searchsorted(np.quantile(table, [1 / 3, 2 / 3]), table)
    if len(np.unique(table)) == len(table):
        return None
    means = np.zeros(len(table))
    for value in np.unique(table):
        means[table == value] = figures[table == value].mean()
    return float(means.var() / figures.var())


def _fanova(columns: Mapping[str, Sequence[float] | Sequence[str]], figures: np.ndarray) -> dict[str, float]:
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    axes: dict[str, BaseDistribution] = {}
    for key, values in columns.items():
        if isinstance(values[0], str):
            axes[key] = CategoricalDistribution(sorted(set(map(str, values))))
        else:
            numbers = [float(value) for value in values]
            axes[key] = FloatDistribution(min(numbers), max(numbers), log=is_log(numbers))
    study = optuna.create_study()
    for row, figure in enumerate(figures):
        params = {key: values[row] for key, values in columns.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, value=float(figure)))
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=1)))
