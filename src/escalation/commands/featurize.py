"""`escalation featurize`: vectors of corpora made ahead."""

import argparse
import json
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    featurize = commands.add_parser("featurize", help="make the vectors of corpora that features=sentence looks up")
    featurize.add_argument("names", nargs="+", metavar="NAME", help="a corpus of `escalation corpora`")
    featurize.add_argument("--codebook", default="ladder", help="that the corpora are read under (default: ladder)")
    featurize.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files, project, vectors

    target = project.checkout() / "data" / "cards" / "vectors.json"
    files.write_text(target, json.dumps(vectors.featurize(options.names, options.codebook), indent=1) + "\n")
    print(target)
