"""`escalation compare`: what one run does differently from another."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    compare = commands.add_parser(
        "compare", help="what one run does differently from another, on the same held-out rows"
    )
    for name in ("first", "second"):
        compare.add_argument(name, metavar="RUN", help="id or the start of one, name, or alias such as champion")
    compare.add_argument("--resamples", type=int, default=2000, metavar="N", help="of the paired bootstrap")
    compare.add_argument("--json", action="store_true")
    compare.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page")
    compare.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.tracking import comparing, logged

    found = comparing.compare(logged.find(options.first), logged.find(options.second), options.resamples)
    if options.html:
        from escalation import files
        from escalation.comparison.page import page

        files.write_text(options.html, page(found))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif not options.html:
        from rich.console import Console

        from escalation.comparison.terminal import render

        render(found, Console(highlight=False, markup=False))
