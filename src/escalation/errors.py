"""The exceptions that a user meets. Each message is one line and says how to mend what is wrong."""


class EscalationError(Exception):
    """A mistake that the user can mend: the command line prints the message and exits with 2."""


class ConfigError(EscalationError):
    """A name, type or value in the configuration is wrong."""


class CorpusError(EscalationError):
    """A labelled corpus is missing, altered or breaks the rules of a corpus."""


class InputError(EscalationError):
    """A text to score cannot be read or has nothing to score."""


class ModelError(EscalationError):
    """A model is missing, unreadable, or does not answer the codebook asked of it."""


class StoreError(EscalationError):
    """The tracking store cannot be reached or written."""


class Pruned(Exception):  # noqa: N818  # no mistake: a search ends a training that would not win
    """A training was ended because others of its search are better."""
