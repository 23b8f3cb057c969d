"""What needs torch, imported when it is needed: scoring does without."""

from typing import Any

from escalation.errors import ModelError

INSTALL = "make .venv/encoder, or pip install -e '.[encoder]'"


def torch_network() -> Any:
    """The module `escalation.models.network`.

    Raises
    ------
    ModelError
        torch or transformers is missing; the message says what to install.
    """
    try:
        from escalation.models import network
    except ImportError as error:
        raise ModelError(
            f"an encoder is trained with torch and transformers, and {error.name} is missing: {INSTALL}"
        ) from error
    return network
