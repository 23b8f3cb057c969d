"""Train, compare and serve classifiers that score escalation language in news articles."""

__version__ = "0.1.0"
