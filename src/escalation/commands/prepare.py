"""`escalation prepare`: corpora read, checked and cached, and their cards."""

import argparse
import json
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    prepare = commands.add_parser("prepare", help="read, check and cache a corpus, and write its card to data/cards")
    prepare.add_argument("names", nargs="+", metavar="NAME", help="a corpus of `escalation corpora`")
    prepare.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files, project
    from escalation.corpora.card import card
    from escalation.corpora.catalogue import CorpusSpec

    checkout = project.checkout()
    for spec in [CorpusSpec.load(name, checkout / "configs" / "corpus") for name in options.names]:
        found = card(spec, project.codebooks(), checkout / "data" / "holdout")
        target = checkout / "data" / "cards" / f"{spec.name}.json"
        files.write_text(target, json.dumps(found, indent=1) + "\n")
        print(target)
