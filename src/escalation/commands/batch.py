"""`escalation batch`: files of articles scored."""

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    batch = commands.add_parser("batch", help="score files of articles: jsonl, csv, parquet")
    batch.add_argument("source", metavar="IN", help="a file, a folder or a glob; any address that fsspec reaches")
    batch.add_argument("target", metavar="OUT", help="a file (.jsonl, .csv, .parquet), or a folder for a file a part")
    texts = batch.add_mutually_exclusive_group()
    texts.add_argument("--text-column", metavar="NAME", help="column of the texts (default: text)")
    texts.add_argument("--html-column", metavar="NAME", help="column of pages of HTML, of which the article is taken")
    batch.add_argument("--keep", action="append", metavar="NAME", help="column to keep (default: all); repeatable")
    batch.add_argument("--sentences", action="store_true", help="add a nested column with every sentence")
    batch.add_argument("--format", choices=("jsonl", "csv", "parquet"), help="of a folder (default: the input's)")
    batch.add_argument("--resume", action="store_true", help="go on where an earlier call was stopped")
    batch.add_argument("--engine", choices=("local", "spark"), default="local", help="default: local")
    batch.add_argument("--master", metavar="URL", help="of Spark (default: what spark-submit says, else this machine)")
    batch.add_argument("--workers", type=int, metavar="N", help="processes, each with the model (default: one a core)")
    batch.add_argument(
        "--part-rows", type=int, default=1000, metavar="N", help="most articles of a part (default: 1000)"
    )
    batch.add_argument("--max-bytes", type=int, metavar="N", help="longest text taken (default: 2000000)")
    batch.add_argument(
        "--model",
        metavar="URI",
        help="default: models:/escalation@batch, where there is none models:/escalation@champion",
    )
    batch.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.scoring import batch, documents
    from escalation.tracking import registry

    job = batch.Job(
        options.source,
        options.target,
        options.html_column or options.text_column or "text",
        html=options.html_column is not None,
        keep=tuple(options.keep) if options.keep else None,
        sentences=options.sentences,
        format=options.format,
        rows=options.part_rows,
        most=documents.bytes_allowed(options.max_bytes),
    )
    located = registry.locate_first([options.model] if options.model else list(batch.MODELS))
    plan = batch.plan(job)
    model = {"uri": located.uri, "version": located.version}
    if options.engine == "spark":
        from escalation.scoring import spark

        tally = spark.run(plan, located, model, options.master, options.resume)
    else:
        tally = batch.run(plan, batch.lone(located), model, options.workers, options.resume)
    print(tally.line(), file=sys.stderr)
    print(options.target)
