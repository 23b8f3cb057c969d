"""`escalation corpora`: the labelled corpora, and which of them are here."""

import argparse
import json
from typing import Any

from escalation.commands.printed import print_table


def add(commands: Any) -> None:
    """Its arguments."""
    corpora = commands.add_parser("corpora", help="the labelled corpora, and which of them are here")
    corpora.add_argument("--json", action="store_true")
    corpora.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import project
    from escalation.corpora import catalogue

    rows = [catalogue.status(spec) for spec in catalogue.catalogue(project.checkout() / "configs" / "corpus")]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print_table(rows, ("name", "state", "labels", "licence", "description"))
