"""The registered model `escalation`: which version each alias names and named before, and where a model's files are."""

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from escalation import exported, project
from escalation.corpora.split import read_traces
from escalation.errors import ModelError
from escalation.tracking import store

NAME = "escalation"
LONGEST = 5000  # characters of a description in MLflow's tables
KEPT = 100  # versions that an alias remembers
ABOUT = (
    "Scores escalation language in news articles. Aliases: `champion` is the best on the ladder, `champion-root` and so on "
    "the best of that codebook. An alias moves when a run passes the gate (configs/gate.yaml); `escalation rollback` goes back."
)


def alias_of(codebook: str) -> str:
    """Alias of the best model of a codebook: `champion` for the ladder, `champion-root` and so on for the others."""
    return "champion" if codebook == "ladder" else f"champion-{codebook}"


def version_of(alias: str) -> Any | None:
    """The version that an alias names, as MLflow has it; None when it names none."""
    from mlflow.exceptions import MlflowException

    client = store.connect().MlflowClient()
    with store.failures():
        try:
            return client.get_model_version_by_alias(NAME, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # the model, the alias
                return None
            raise


def register(model_uri: str, run_id: str, tags: Mapping[str, str], description: str) -> str:
    """The version that holds a run's model: made if there is none yet. Its number."""
    mlflow = store.connect()
    client = mlflow.MlflowClient()
    with store.failures():
        known = client.search_model_versions(f"name = '{NAME}' and run_id = '{run_id}'")
        if known:
            latest = max(known, key=lambda one: int(one.version))
            version = str(latest.version)
            for key in {"forced", "forced.checks", "rolled_back"} & set(latest.tags) - set(tags):  # of an earlier time
                client.delete_model_version_tag(NAME, version, key)
            for key, value in tags.items():
                client.set_model_version_tag(NAME, version, key, value)
        else:
            version = str(mlflow.register_model(model_uri, NAME, tags=dict(tags)).version)
            client.update_registered_model(NAME, ABOUT)
        client.update_model_version(NAME, version, description=description[:LONGEST])
        client.set_tag(run_id, "registered", f"{NAME} version {version}")
    return version


def move(alias: str, version: str) -> None:
    """Let an alias name a version, and remember what it named before."""
    client = store.connect().MlflowClient()
    with store.failures():
        before, past = version_of(alias), _history(client, alias)
        for one in ([str(before.version)] if before else [], [version]):  # the first may be somebody's move in the UI
            past += one if past[-1:] != one else []
        client.set_registered_model_alias(NAME, alias, version)
        client.set_registered_model_tag(NAME, f"history.{alias}", json.dumps(past[-KEPT:]))


def rollback(alias: str) -> tuple[str, str]:
    """Let an alias name again what it named before; the version left and the version that it now names.

    Raises
    ------
    ModelError
        It names nothing, or never named anything else that is still there.
    """
    from mlflow.exceptions import MlflowException

    client = store.connect().MlflowClient()
    with store.failures(), store.lock():
        now, known = version_of(alias), _history(client, alias)
        if now is None and not known:
            raise ModelError(f"alias {alias} names no version: there is nothing to go back from")
        left = str(now.version) if now else known[-1]  # deleted, and the alias with it
        past = [one for one in known if one != left]
        while past:
            with contextlib.suppress(MlflowException):
                client.get_model_version(NAME, past[-1])
                break
            past.pop()  # deleted since
        if not past:
            raise ModelError(
                f"alias {alias} has no version before {left} to go back to: name one with `escalation promote RUN`"
            )
        client.set_registered_model_alias(NAME, alias, past[-1])
        client.set_registered_model_tag(NAME, f"history.{alias}", json.dumps(past))
        if now:
            told = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {alias}"
            client.set_model_version_tag(NAME, left, "rolled_back", told)
    return left, past[-1]


def champions() -> dict[str, str]:
    """Run id of the version that each alias names."""
    client = store.connect().MlflowClient()
    with store.failures():
        found = client.search_registered_models(f"name = '{NAME}'")
        aliases = found[0].aliases if found else {}
        return {alias: client.get_model_version(NAME, version).run_id for alias, version in aliases.items()}


@dataclass(frozen=True)
class Located:
    """A model's files on this machine and the version that they are, so that several processes load the same."""

    folder: Path
    uri: str
    version: str

    def load(self, threads: int = 0) -> exported.Exported:
        """Read the model; `threads` of an encoder, 0 for as many as there are cores."""
        return exported.load(self.folder, self.uri, self.version, threads)


def load(uri: str) -> exported.Exported:
    """The model at any MLflow model URI.

    Raises
    ------
    ModelError
        There is none; the message says how to make one.
    """
    return locate(uri).load()


def locate(uri: str) -> Located:
    """Where the files of the model at any MLflow model URI are, or of one in a folder; those that are elsewhere are fetched.

    Raises
    ------
    ModelError
        There is none; the message says how to make one.
    """
    if (Path(uri) / exported.CARD).is_file():
        return Located(Path(uri).resolve(), uri, "")
    found = _found(uri)
    if found is not None:
        location, number = found
        folder = Path(unquote(location.path)) / "artifacts" / "exported"
        if location.scheme in ("", "file") and folder.is_dir():
            return Located(folder, uri, number)
    return _downloaded(uri)


def version(uri: str) -> str:
    """Number of the registered version that a URI names now; '' where it names none. Nothing is fetched.

    Raises
    ------
    ModelError
        The alias names none.
    """
    name, _, alias = uri.removeprefix("models:/").partition("@")
    if not uri.startswith("models:/"):
        return ""
    if not alias:
        number = name.rpartition("/")[2]
        return number if "/" in name and number.isdecimal() else ""
    found = _found(uri)
    if found is not None:
        return found[1]
    client = store.connect().MlflowClient()
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, alias).version)
    except MlflowException as error:
        raise ModelError(_missing(uri)) from error


def locate_first(uris: Sequence[str]) -> Located:
    """Where the first of several models is that there is.

    Raises
    ------
    ModelError
        There is none; the message is of the last.
    """
    for uri in uris[:-1]:
        with contextlib.suppress(ModelError):
            return locate(uri)
    return locate(uris[-1])


def load_champion(codebook: str) -> exported.Exported:
    """The champion that answers a codebook: the ladder's own, for event types that of `root`, else the codebook's own.

    Raises
    ------
    ModelError
        No champion answers it, or the files of the one that would are gone.
    """
    known, broken = champions(), None
    for alias in dict.fromkeys(["champion-root", alias_of(codebook), *sorted(known)]):
        if alias not in known or (codebook == "ladder" and alias != "champion"):
            continue
        try:
            model = load(f"models:/{NAME}@{alias}")
        except ModelError as error:
            broken = broken or error
        else:
            if codebook in [book.name for book in model.codebooks]:
                return model
    raise broken or ModelError(
        f"no champion answers codebook {codebook!r} yet: train one with `python train.py codebook={codebook} corpus=…`"
    )


def learnt(model: exported.Exported) -> tuple[frozenset[str], frozenset[str]]:
    """Hashes of the texts, and documents, that a model learnt from: as its folder or its run tells, else none."""
    from escalation.tracking.logged import by_id

    beside = Path(model.info["uri"]) / exported.LEARNT
    if beside.is_file():
        return read_traces(beside)
    return by_id(model.info["run"]).trained_on if "run" in model.info else (frozenset(), frozenset())


def _downloaded(uri: str) -> Located:
    mlflow = store.connect()
    from mlflow.exceptions import MlflowException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (MlflowException, OSError) as error:
        raise ModelError(
            f"no model at {uri} ({' '.join(str(error).split())[:200]}): see `escalation leaderboard`"
        ) from error
    return Located(folder / "artifacts" / "exported", uri, version(uri))


def _found(uri: str) -> tuple[SplitResult, str] | None:
    """Where the version that an alias of the local store names is kept, and its number; None when only MLflow can tell.

    Raises
    ------
    ModelError
        The alias names none.
    """
    name, _, alias = uri.removeprefix("models:/").partition("@")
    if not (uri.startswith("models:/") and alias and store.is_local()):
        return None
    if not (project.home() / store.DATABASE).is_file():
        raise ModelError(_missing(uri))
    with contextlib.suppress(sqlite3.Error):
        found = _located(project.home() / store.DATABASE, name, alias)
        if found is None:
            raise ModelError(_missing(uri))
        return found
    return None


def _located(database: Path, name: str, alias: str) -> tuple[SplitResult, str] | None:
    """Where the version that an alias names is kept, and its number; None when it names none.

    The database itself is asked, since importing MLflow would take a second. The tables are MLflow's own (its version is
    pinned); should they change, `load` asks MLflow.
    """
    question = (
        "SELECT v.version, v.storage_location, v.source FROM registered_model_aliases a "
        "JOIN model_versions v ON v.name = a.name AND v.version = a.version WHERE a.name = ? AND a.alias = ?"
    )
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute(question, (name, alias)).fetchone()
    if row is None:
        return None
    version, storage, source = row
    return urlsplit(storage or source), str(version)


def _missing(uri: str) -> str:
    return f"no model at {uri} yet: train one with `python train.py` (make train), or name another with --model"


def _history(client: Any, alias: str) -> list[str]:
    """Versions that an alias named, the oldest first."""
    found = client.search_registered_models(f"name = '{NAME}'")
    told = found[0].tags.get(f"history.{alias}", "[]") if found else "[]"
    return [str(one) for one in json.loads(told)]
