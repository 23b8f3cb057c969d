"""`escalation ui`: the MLflow UI on the store."""

import argparse
import os
import sys
from typing import Any


def add(commands: Any) -> None:
    """Its arguments."""
    ui = commands.add_parser("ui", help="open the MLflow UI on the store")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.tracking import store

    store.connect()
    os.execv(
        sys.executable,
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store.uri(), "--port", str(options.port)],
    )
