"""`escalation behave`: behaviour cases against a model."""

import argparse
import json
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    behave = commands.add_parser("behave", help="what a model does with negation, expectation, metaphor, names …")
    behave.add_argument("--model", metavar="URI", help="default: models:/escalation@champion")
    behave.add_argument("--json", action="store_true")
    behave.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from dataclasses import asdict

    from escalation import project
    from escalation.evaluation import behaviour
    from escalation.tracking import registry

    model = registry.load(options.model or "models:/escalation@champion")
    cases, swap = behaviour.read(project.checkout() / "data" / "behaviour")
    found = behaviour.behave(cases, swap, lambda texts: model.points(texts, "ladder"))
    print(json.dumps(asdict(found), ensure_ascii=False, indent=1) if options.json else behaviour.report(found))
