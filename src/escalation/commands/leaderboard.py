"""`escalation leaderboard`: runs side by side."""

import argparse
import sys
from pathlib import Path
from typing import Any

from escalation import project
from escalation.commands.printed import print_table


def add(commands: Any) -> None:
    """Its arguments."""
    leaderboard = commands.add_parser("leaderboard", help="runs side by side, and which is champion")
    leaderboard.add_argument("--codebook", help="only this one")
    own = project.checkout() / "experiments" / "leaderboard.md"
    leaderboard.add_argument(
        "--md", nargs="?", type=Path, const=own, metavar="FILE", help="write it as a page, experiments/leaderboard.md"
    )
    leaderboard.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files
    from escalation.tracking import leaderboard

    rows = leaderboard.leaderboard(options.codebook)
    print_table(rows, leaderboard.COLUMNS)
    if options.md:
        files.write_text(options.md, leaderboard.markdown(rows, options.md.resolve().parent, options.codebook))
        print(f"wrote {options.md}", file=sys.stderr)
