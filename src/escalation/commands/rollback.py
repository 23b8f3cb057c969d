"""`escalation rollback`: the alias moved back."""

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    rollback = commands.add_parser("rollback", help="let an alias name again the version that it named before")
    rollback.add_argument("--alias", default="champion")
    rollback.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.tracking import registry

    left, now = registry.rollback(options.alias)
    print(f"{options.alias} is version {now} again, no longer {left}")
