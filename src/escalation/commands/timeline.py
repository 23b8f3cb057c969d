"""`escalation timeline`: dated scores over time."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    timeline = commands.add_parser("timeline", help="dated scores over time: csv, or a chart")
    timeline.add_argument("scores", metavar="SCORES", help="what `escalation batch` wrote, with a column of dates")
    timeline.add_argument("--date-column", default="date", metavar="NAME", help="default: date")
    timeline.add_argument("--by", metavar="NAME", help="column of the groups, for example source")
    timeline.add_argument("--every", choices=("day", "week"), default="day", help="default: day")
    timeline.add_argument("--csv", type=Path, metavar="OUT", help="write csv (default: to standard output)")
    timeline.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page with a chart")
    timeline.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files
    from escalation.scoring import timeline

    found = timeline.timeline(options.scores, options.date_column, options.by, options.every)
    if options.html:
        from escalation.scoring.chart import page

        files.write_text(options.html, page(found, f"Escalation in {Path(options.scores).name}"))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.csv:
        files.write_text(options.csv, timeline.as_csv(found))
        print(f"wrote {options.csv}", file=sys.stderr)
    elif not options.html:
        print(timeline.as_csv(found), end="")
    if found.undated or found.unscored:
        print(f"left out: {found.undated:,} rows without a date, {found.unscored:,} without a score", file=sys.stderr)
