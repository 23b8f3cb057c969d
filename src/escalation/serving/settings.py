"""How the service behaves: its limits, its workers and who may ask."""

import os
from dataclasses import dataclass, field

from escalation.errors import ConfigError

TOKEN = "ESCALATION_TOKEN"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """What `escalation serve` may be told.

    Parameters
    ----------
    workers : int
        Processes that each hold the model.
    batch : int
        Most articles that one worker scores at once.
    queue : int
        Most articles that wait; what comes then is refused.
    max_bytes : int
        Largest body of a request.
    max_articles : int
        Most articles of a request.
    timeout : float
        Seconds for a body to arrive, and again for its articles to be scored.
    poll : float
        Seconds between two looks whether the model's alias has moved; 0: only ``POST /v1/reload`` looks.
    log_text : bool
        Whether the log holds the articles.
    token : str
        What a client must show; '': anyone may ask, and nobody may reload.
    """

    workers: int = field(default_factory=cores)
    batch: int = 8
    queue: int = 256
    max_bytes: int = 2_000_000
    max_articles: int = 64
    timeout: float = 30.0
    poll: float = 0.0
    log_text: bool = False
    token: str = field(default_factory=lambda: os.environ.get(TOKEN, ""), repr=False)

    def check(self) -> None:
        """Refuse values out of their range.

        Raises
        ------
        ConfigError
            Names the option and what is valid.
        """
        rules = {
            "workers": (1 <= self.workers <= 64, "from 1 to 64"),
            "batch": (1 <= self.batch <= 1024, "from 1 to 1024"),
            "queue": (1 <= self.queue <= 100_000, "from 1 to 100000"),
            "max_bytes": (self.max_bytes >= 1, "at least 1"),
            "max_articles": (1 <= self.max_articles <= self.queue, f"from 1 to the queue's {self.queue}"),
            "timeout": (0 < self.timeout <= 3600, "seconds, above 0 and up to 3600"),
            "poll": (self.poll >= 0, "seconds, 0 for never"),
        }
        for name, (holds, valid) in rules.items():
            if not holds:
                raise ConfigError(f"--{name.replace('_', '-')} is {getattr(self, name)}: it must be {valid}")
        if self.token and not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise ConfigError(
                f"{TOKEN} holds a space or a character that no header can: take letters, digits and marks"
            )
