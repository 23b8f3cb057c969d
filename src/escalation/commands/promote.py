"""`escalation promote`: the alias moved to a run's model."""

import argparse
import json
import sys
from typing import Any

from escalation.commands.printed import print_table
from escalation.errors import ModelError


def add(commands: Any) -> None:
    """Its arguments."""
    promote = commands.add_parser("promote", help="move the alias to a run's model, if it passes configs/gate.yaml")
    promote.add_argument("wanted", metavar="RUN", help="id or the start of one, or name")
    promote.add_argument("--alias", help="default: that of the run's codebook (champion, champion-root …)")
    promote.add_argument("--force", metavar="REASON", help="move it although a check fails; the reason is logged")
    promote.add_argument("--json", action="store_true")
    promote.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.evaluation.gate import failed, table
    from escalation.tracking import logged, promotion

    done = promotion.promote(logged.find(options.wanted, alias_first=False), options.alias, options.force)
    rows = [{**row, "passed": "pass" if row["passed"] else "FAIL"} for row in table(done.checks)]
    if options.json:
        told = {"run": done.run.id, "alias": done.alias, "version": done.version, "before": done.before}
        print(json.dumps({**told, "checks": table(done.checks)}, ensure_ascii=False, indent=1))
    else:
        print_table(rows, ("passed", "name", "value", "limit"))
    faults = failed(done.checks)
    if done.version is None:
        raise ModelError(f"{done.run} is not promoted: {'; '.join(faults)}. Train a better one, or give --force REASON")
    before = f", before version {done.before}" if done.before and done.before != done.version else ""
    forced = f", by force: {'; '.join(faults)}" if faults else ""
    print(f"{done.run} is version {done.version}, {done.alias}{before}{forced}", file=sys.stderr)
