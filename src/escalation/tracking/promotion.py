"""Who becomes champion: evidence on a run from the store, the gate's verdict, and the alias that moves."""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from escalation import project
from escalation.codebook import answer
from escalation.context import texts
from escalation.corpora.split import unseen
from escalation.errors import ConfigError, EscalationError, ModelError
from escalation.evaluation import metrics, paired
from escalation.evaluation.gate import Check, Evidence, Gate, failed, judge
from escalation.evaluation.paired import Difference
from escalation.tracking import card, registry, store
from escalation.tracking.logged import KEY, Logged, aligned, by_id, shared, tied
from escalation.tracking.registry import NAME, alias_of

# Run where the package's own source is out of reach: the code has to come with the model.
CLEAN = """
import json, sys, time
sys.path[:] = [one for one in sys.path if not one.rstrip("/").endswith("/src")]
sys.meta_path[:] = [one for one in sys.meta_path if "editable" not in str(one)]
import mlflow
text = sys.stdin.read()
model = mlflow.pyfunc.load_model(sys.argv[1])
(score,) = model.predict([text])
def once():
    began = time.process_time()
    model.predict([text])
    return time.process_time() - began
print(json.dumps({"escalation": score["escalation"], "milliseconds": 1000 * min(once() for _ in range(5))}))
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a new model."""

    uri: str
    reason: str

    @property
    def champion(self) -> bool:
        """Whether it is what commands take that are told no model."""
        return self.uri == f"models:/{NAME}@champion"


@dataclass(frozen=True)
class Promotion:
    """What the gate said, and what was done.

    Parameters
    ----------
    checks : list of Check
    version : str or None
        The version that the alias now names; None when it did not move.
    before : str or None
        The version that it named.
    """

    run: Logged
    alias: str
    checks: list[Check]
    version: str | None
    before: str | None


def gate() -> Gate:
    """The limits of configs/gate.yaml."""
    return Gate.load(project.checkout() / "configs" / "gate.yaml")


def consider(run_id: str, alias: str | None = None) -> Verdict:
    """Register a new run's model and move its alias, if it is the first or better than the champion and passes the gate.

    A training that was cut with `rows=` is a trial and never registered. The first model of an alias is registered
    whatever the gate says, since there is nothing to lose; what it would not pass stands in the verdict.

    Parameters
    ----------
    alias : str, optional
        By default that of the run's codebook.

    Raises
    ------
    ModelError
        The alias belongs to another codebook.
    """
    run, limits = by_id(run_id), gate()
    alias, uri = alias or alias_of(run.tags["codebook"]), run.model_uri
    for _ in range(5):  # a training that finishes at the same time may move the alias meanwhile
        champion = holder(alias, run.tags["codebook"])
        found = _evidence(run, champion, alias, limits)
        faults = failed(judge(limits, found))
        if found.trial_rows is not None:
            return Verdict(uri, f"not registered: a trial, it learnt from rows={found.trial_rows} of a corpus")
        if champion is not None:
            if found.difference and found.difference.difference <= 0:
                what = f"has {found.metric} {found.difference.first:.3f}, this {found.difference.second:.3f}"
                return Verdict(uri, f"not registered: {found.champion} {what} on the same held-out rows")
            if not faults:
                found = _loaded(found, uri)
                faults = failed(judge(limits, found))
            if faults:
                return Verdict(uri, f"not registered: {'; '.join(faults)}")
        with store.lock():
            if not _same(registry.version_of(alias), champion):
                continue
            version = _moved(run, alias, {"gate": "; ".join(faults) or "passed"})
        if champion is None:
            beaten = "the first" + (
                f"; the gate would not let it follow another: {'; '.join(faults)}" if faults else ""
            )
        else:
            one = found.difference
            beaten = f"beats {found.champion}" + (
                f" ({found.metric} {one.second:.3f} against {one.first:.3f} [{one.low:+.3f}, {one.high:+.3f}])"
                if one
                else ""
            )
        return Verdict(f"models:/{NAME}@{alias}", f"registered as version {version}, alias {alias}: {beaten}")
    return Verdict(uri, f"not registered: {alias} keeps moving; try `escalation promote {run_id[:8]}`")


def promote(run: Logged, alias: str | None = None, force: str | None = None) -> Promotion:
    """Move an alias to a run's model if the gate holds, or by force.

    Parameters
    ----------
    alias : str, optional
        By default that of the run's codebook.
    force : str, optional
        Why the alias moves although a check fails; kept as a tag of version and run.

    Raises
    ------
    ModelError
        The run did not finish, has no model, or the alias belongs to another codebook.
    ConfigError
        The gate cannot be read, or the reason is empty.
    """
    if force is not None and not force.strip():
        raise ConfigError("--force needs a reason, which is logged: --force 'the old one is wrong on …'")
    run.require_finished()
    codebook, uri, limits = run.tags["codebook"], run.model_uri, gate()
    alias = alias or alias_of(codebook)
    for _ in range(5):  # the alias may move while the checks are made
        champion = holder(alias, codebook)
        found = _loaded(_evidence(run, champion, alias, limits), uri)
        checks = judge(limits, found)
        before = str(champion.version) if champion else None
        faults = failed(checks)
        if faults and force is None:
            return Promotion(run, alias, checks, None, before)
        tags = (
            {"gate": "passed"}
            if not faults
            else {"gate": "forced", "forced": str(force), "forced.checks": "; ".join(faults)}
        )
        with store.lock():
            if _same(registry.version_of(alias), champion):
                return Promotion(run, alias, checks, _moved(run, alias, tags), before)
    raise ModelError(f"alias {alias} keeps moving, so nothing was checked against what it names now: try again")


def holder(alias: str, codebook: str) -> Any | None:
    """The version that an alias names, None where it is free.

    Raises
    ------
    ModelError
        The alias is for another codebook.
    ConfigError
        MLflow would refuse it.
    """
    if not re.fullmatch(r"[\w-]+", alias) or re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
        raise ConfigError(f"alias {alias!r} is none that MLflow takes: letters, digits, _ and -, not latest or v1")
    own = alias_of(codebook)
    if alias != own and (alias == "champion" or alias.startswith("champion-")):
        raise ModelError(f"codebook {codebook} has the alias {own}, not {alias}: leave the alias out")
    champion = registry.version_of(alias)
    if champion is not None and champion.tags.get("codebook", codebook) != codebook:
        other = champion.tags["codebook"]
        raise ModelError(f"alias {alias} names a model of codebook {other}, not of {codebook}: choose another alias")
    return champion


def _same(one: Any | None, other: Any | None) -> bool:
    """Whether both are the same version, or none."""
    return bool((one and one.version) == (other and other.version))


def _moved(run: Logged, alias: str, tags: dict[str, str]) -> str:
    """Register the run's model, if it is not yet, and move the alias; the version. The lock must be held."""
    codebook = run.tags["codebook"]
    metric = metrics.headline(run.codebook)
    kept = {
        "codebook": codebook,
        "metric": metric,
        "value": repr(run.metrics[f"heldout.{metric}"]),
        "held_out": run.held_out,
        "promoted": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC to {alias}",
        **{key: value[:5000] for key, value in tags.items()},
    }
    version = registry.register(run.model_uri, run.id, kept, card.shown(run))
    registry.move(alias, version)
    if "forced" in tags:
        with store.failures():
            for key in ("forced", "forced.checks"):
                run.client.set_tag(run.id, key, kept[key])
    return version


def _evidence(run: Logged, champion: Any | None, alias: str, limits: Gate) -> Evidence:
    """What the store knows of a run, and how it compares with the champion."""
    figures, before = run.metrics, None
    rows = run.parameters.get("rows", "None")
    found = Evidence(
        metric=metrics.headline(run.codebook),
        difference=None,
        compared_rows=0,
        champion=f"version {champion.version} ({alias})" if champion else "",
        uncompared="",
        ece=figures.get("heldout.ece"),
        behaviour=_behaviour(run, limits),
        champion_behaviour=None,
        swap_spread=figures.get("behaviour.swap_mean_spread"),
        trial_rows=int(rows) if rows.isdigit() else None,
        loaded=None,
        milliseconds=None,
    )
    if champion is None or found.trial_rows is not None:
        return found
    try:
        if not champion.run_id:
            raise ModelError("it was registered by hand and has no run")
        before = by_id(champion.run_id)
        difference, n = _difference(before, run, str(champion.version), limits)
    except EscalationError as error:
        return replace(found, uncompared=str(error))
    return replace(found, difference=difference, compared_rows=n, champion_behaviour=_behaviour(before, limits))


def _difference(champion: Logged, run: Logged, version: str, limits: Gate) -> tuple[Difference, int]:
    """New minus champion in the deciding metric, and how many rows it rests on.

    On the same held-out rows both runs' logged answers are taken. A run with other held-out rows is compared on those of
    them that the champion did not learn from, which it scores now; where these are too few, as with a champion that held
    none out, on those that both answered without having learnt from them, the champion in its cross-validation.
    """
    book, same = run.codebook, champion.held_out == run.held_out
    two = run.predictions if same else _unseen(champion, run)
    if same or len(two) < limits.least_rows:
        one, two = (aligned if same else shared)(champion, run)
        if two.empty:
            raise ModelError(
                "the champion learnt from every held-out row of this run, and answered none of them before"
            )
        first, second = champion.probabilities(one), run.probabilities(two)
        groups = tied(one, two)
    else:
        model = registry.load(f"models:/{NAME}/{version}")
        head, chain = model.heads[0], model.chains[0]
        first = answer(head.predict_proba(texts(two)), chain, book.name)[1]
        second, groups = run.probabilities(two), two["group"].tolist()
    found = paired.compare(two["label"].tolist(), first, second, book, groups, limits.resamples)
    return found.differences[metrics.headline(book)], found.n


def _unseen(champion: Logged, run: Logged) -> Any:
    """The run's held-out rows with their texts, without those whose text or document the champion learnt from."""
    known, missing = run.texts()
    rows = run.predictions.merge(known, on=KEY, how="left", validate="one_to_one")
    if rows["text"].isna().any():
        raise ModelError(f"the texts of its held-out rows are not here ({'; '.join(missing)})")
    return unseen(rows, *champion.trained_on, document="document").reset_index(drop=True)


def _behaviour(run: Logged, limits: Gate) -> dict[str, float] | None:
    """Share of cases passed by test or kind, for what the gate names; None for codebooks without cases."""
    if run.tags["codebook"] != "ladder":
        return None
    told, shares = run.behaviour, {}
    for name in limits.behaviour:
        share = run.metrics.get(f"behaviour.{name}")
        if share is None and told:
            share = told.share(name)
        if share is not None:
            shares[name] = share
    return shares


def _loaded(found: Evidence, uri: str) -> Evidence:
    """The evidence with what a process that has nothing but the model says of it."""
    example = (project.checkout() / "docs" / "example.txt").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="escalation-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", CLEAN, uri],
                input=example,
                cwd=folder,
                env=store.environment(),
                capture_output=True,
                text=True,
                timeout=300,
            )
        except subprocess.TimeoutExpired:
            return replace(found, loaded="not done in 300 s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return replace(found, loaded=" ".join(lines[-1].split())[:300])
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return replace(found, loaded="", milliseconds=float(told["milliseconds"]))
