"""`escalation score`: how escalatory an article is, sentence by sentence."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from escalation.errors import ConfigError


def add(commands: Any) -> None:
    """Its arguments."""
    score = commands.add_parser("score", help="how escalatory an article is, sentence by sentence")
    score.add_argument(
        "inputs", nargs="+", metavar="FILE|URL|-", help=".txt, .md, .html; a web address; - for standard input"
    )
    score.add_argument("--model", metavar="URI", help="any MLflow model URI (default: models:/escalation@champion)")
    score.add_argument(
        "--json", action="store_true", help="the score as JSON: one object, or a list for several inputs"
    )
    score.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page")
    score.add_argument(
        "--max-bytes", type=int, metavar="N", help="largest input taken (default: 2000000 or ESCALATION_MAX_BYTES)"
    )
    score.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.scoring import documents
    from escalation.tracking import registry

    if options.html and options.html.resolve() in [Path(source).resolve() for source in options.inputs]:
        raise ConfigError(f"--html {options.html} is the article itself: name another file")
    texts = [documents.read(source, options.max_bytes) for source in options.inputs]
    scores = registry.load(options.model or "models:/escalation@champion").scorer().score([one.text for one in texts])
    if options.html:
        from escalation import files
        from escalation.scoring.page import page

        if len(texts) > 1:
            raise ConfigError("--html makes one page of one input: call it once for each")
        files.write_text(options.html, page(scores[0], texts[0].title))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.json:
        print(json.dumps(scores[0] if len(scores) == 1 else scores, ensure_ascii=False, indent=1))
    elif not options.html:
        from rich.console import Console

        from escalation.scoring.terminal import render

        console = Console(highlight=False)
        for one, score in zip(texts, scores, strict=True):
            render(score, one.title, console)
