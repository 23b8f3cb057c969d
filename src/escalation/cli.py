"""The command `escalation`: thin, and every mistake of a user ends in one line and exit code 2."""

import argparse
import os
import sys
from collections.abc import Sequence

from escalation import __version__
from escalation.commands import (
    batch,
    behave,
    compare,
    corpora,
    evaluate,
    featurize,
    fetch,
    leaderboard,
    prepare,
    promote,
    rollback,
    score,
    serve,
    timeline,
    ui,
)
from escalation.errors import EscalationError

COMMANDS = (
    score,
    batch,
    timeline,
    evaluate,
    behave,
    serve,
    corpora,
    fetch,
    prepare,
    featurize,
    leaderboard,
    compare,
    promote,
    rollback,
    ui,
)  # in the order of the help


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except EscalationError as error:
        print(f"escalation: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("escalation: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="escalation", description="Score escalation language in news articles.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Says a usage error in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as argparse's own does
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    sys.exit(main())
