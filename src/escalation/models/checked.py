"""Find a wrong parameter before any data is read."""

from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

from escalation.errors import ConfigError


def check_parameters(model: Any) -> None:
    """Let every estimator inside `model` check its own parameters.

    Raises
    ------
    ConfigError
        A value of a wrong type or out of its range; the message says which are valid.
    """
    named = [model, *model.get_params(deep=True).values()]
    for part in [one for value in named for one in (value if isinstance(value, list) else [value])]:
        if hasattr(part, "_parameter_constraints"):
            try:
                part._validate_params()
            except InvalidParameterError as error:
                raise ConfigError(" ".join(str(error).split())) from error
