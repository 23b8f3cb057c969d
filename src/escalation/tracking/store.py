"""The one MLflow store: where it is, that it answers, and that two programs at once can start it."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock

from escalation import project
from escalation.errors import EscalationError, StoreError
from escalation.tracking import overview

DATABASE = "mlflow.db"


def uri() -> str:
    """``MLFLOW_TRACKING_URI``, else the sqlite database in the project's home."""
    named = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project.home() / DATABASE}"
    head, _, path = named.partition(":///")
    # a process of its own works in another folder
    return f"{head}:///{Path(path).resolve()}" if head == "sqlite" else named


def is_local() -> bool:
    """Whether the store is the project's own database."""
    return uri() == f"sqlite:///{project.home() / DATABASE}"


def lock() -> FileLock:
    """One program at a time: making the database, moving an alias."""
    project.home().mkdir(parents=True, exist_ok=True)
    return FileLock(project.home() / f"{DATABASE}.lock", is_singleton=True)  # whoever holds it may ask again


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn what a store may throw into one line.

    Raises
    ------
    StoreError
        The store or the disk refused.
    """
    try:
        yield
    except EscalationError:
        raise
    except OSError as error:
        raise StoreError(
            f"cannot write to the store ({error.strerror or error}): free some space or set ESCALATION_HOME"
        ) from error
    except Exception as error:
        if not type(error).__module__.startswith(("mlflow", "sqlalchemy", "requests", "urllib3")):
            raise
        line = " ".join(str(error).split())[:300]
        if "database schema" in line or "locate revision" in line:
            raise StoreError(
                f"the store {shown(uri())} was made by another version of MLflow: back it up and run "
                f"`mlflow db upgrade {shown(uri())}`, or set ESCALATION_HOME for a new one"
            ) from error
        raise StoreError(f"the tracking store {shown(uri())} refused: {line}") from error


def shown(address: str) -> str:
    """An address without the password in it."""
    parts = urlsplit(address)
    return address.replace(f":{parts.password}@", ":***@") if parts.password else address


def connect() -> Any:
    """MLflow, pointed at the store; the database is made if it is not there.

    Returns
    -------
    module
        `mlflow`.

    Raises
    ------
    StoreError
        The tracking address does not answer.
    """
    _check_answers(uri())
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    import mlflow
    from mlflow.utils.logging_utils import disable_logging

    disable_logging()  # what it would say (a version created, a migration run) we say ourselves
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri())
    with failures(), lock():  # two programs making the database at once: one would crash
        mlflow.MlflowClient().search_experiments(max_results=1)
    return mlflow


def experiment(name: str) -> str:
    """Id of the experiment of a codebook; a local store keeps its artifacts beside the database."""
    mlflow = connect()
    with failures(), lock():
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            folder: Path = project.home() / "mlartifacts" / name
            mlflow.create_experiment(name, artifact_location=folder.as_uri() if is_local() else None)
            found = mlflow.get_experiment_by_name(name)
        missing = {key: one for key, one in overview.tags(name, found.experiment_id).items() if key not in found.tags}
        for key, value in missing.items():  # what somebody wrote there stays
            mlflow.MlflowClient().set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)


def environment() -> dict[str, str]:
    """Environment of a process of its own that works with the same store."""
    return {**os.environ, "MLFLOW_TRACKING_URI": uri(), "MLFLOW_DISABLE_TELEMETRY": "true"}


def _check_answers(address: str) -> None:
    """A web address must take a connection within seconds: MLflow itself would try for minutes."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        raise StoreError(
            f"the tracking address {shown(address)} does not answer: start it, or unset MLFLOW_TRACKING_URI for the local store"
        ) from error
