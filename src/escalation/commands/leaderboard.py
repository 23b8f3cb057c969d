"""`escalation leaderboard`: runs side by side."""

import argparse
import sys
from typing import Any

from escalation.commands.printed import print_table


def add(commands: Any) -> None:
    """Its arguments."""
    leaderboard = commands.add_parser("leaderboard", help="runs side by side, and which is champion")
    leaderboard.add_argument("--codebook", help="only this one")
    leaderboard.add_argument("--md", action="store_true", help="write experiments/leaderboard.md")
    leaderboard.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files, project
    from escalation.tracking import leaderboard

    rows = leaderboard.leaderboard(options.codebook)
    print_table(rows, leaderboard.COLUMNS)
    if options.md:
        target = project.checkout() / "experiments" / "leaderboard.md"
        files.write_text(target, leaderboard.markdown(rows, options.codebook))
        print(f"wrote {target}", file=sys.stderr)
