"""`escalation fetch`: public corpora downloaded and checked."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    fetch = commands.add_parser("fetch", help="download a public corpus and check it")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="a corpus of `escalation corpora`, or all")
    fetch.add_argument("--mirror", type=Path, metavar="DIR", help="take DIR/<host>/<path> (default: ESCALATION_MIRROR)")
    fetch.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import project
    from escalation.corpora import catalogue

    folder = project.checkout() / "configs" / "corpus"
    specs = catalogue.catalogue(folder)
    chosen = (
        [spec for spec in specs if spec.files]
        if options.names == ["all"]
        else [catalogue.CorpusSpec.load(name, folder) for name in options.names]
    )
    for spec in chosen:
        for path in catalogue.fetch(spec, options.mirror or catalogue.known_mirror()):
            print(path)
