"""`escalation ui`: the MLflow UI on the store."""

import argparse
import os
import sys
from typing import Any

from escalation.errors import ConfigError


def add(commands: Any) -> None:
    """Its arguments."""
    ui = commands.add_parser("ui", help="open the MLflow UI on the store")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation.tracking import overview, store

    if not store.uri().startswith(("sqlite:", "postgresql", "mysql", "mssql")):
        raise ConfigError(f"the store {store.shown(store.uri())} is a server: open that address, it has the UI itself")
    for name, place in overview.experiments(store.connect()).items():
        print(f"{name:<9} http://127.0.0.1:{options.port}/{place}", file=sys.stderr)
    # one process for one reader: MLflow's four, and its runners of jobs for language models, take minutes on a busy machine
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    served = ["--backend-store-uri", store.uri(), "--port", str(options.port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *served])
