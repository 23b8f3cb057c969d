"""The gate: limits that a model must keep before an alias moves to it, and the table of checks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from escalation.errors import ConfigError
from escalation.evaluation.paired import Difference


@dataclass(frozen=True)
class Gate:
    """The limits; configs/gate.yaml says what each means."""

    worse: float
    least_rows: int
    resamples: int
    ece: float
    behaviour: Mapping[str, float]
    behaviour_drop: float
    swap_spread: float
    milliseconds: float

    @classmethod
    def load(cls, path: Path) -> "Gate":
        """Read a YAML file.

        Raises
        ------
        ConfigError
            It is missing, or a limit is missing, unknown or no number; the message names it.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"no gate at {path}: restore configs/gate.yaml from git") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
        names = [field.name for field in fields(cls)]
        if not isinstance(content, dict) or set(content) != set(names):
            odd = sorted(set(content if isinstance(content, dict) else {}) ^ set(names))
            raise ConfigError(f"{path}: missing or unknown {', '.join(odd)}; it needs {', '.join(names)}")
        shares = content["behaviour"] if isinstance(content["behaviour"], dict) else {"behaviour": None}
        limits = {**shares, **{key: value for key, value in content.items() if key != "behaviour"}}
        for name, value in limits.items():
            if type(value) not in (int, float) or value < 0:
                raise ConfigError(f"{path}: {name} is {value!r}, must be a number of 0 or more")
        return cls(**content)


@dataclass(frozen=True)
class Evidence:
    """What is known of a run that wants to be promoted.

    Parameters
    ----------
    metric : str
        The deciding metric.
    difference : Difference or None
        New minus champion on the same held-out rows; None where there is no champion.
    compared_rows : int
        Held-out rows that it rests on.
    champion : str
        What it is compared with, for people; '' for none.
    uncompared : str
        Why it could not be compared.
    ece : float or None
    behaviour, champion_behaviour : mapping of test or kind to share passed
        None for codebooks without behaviour cases.
    swap_spread : float or None
    trial_rows : int or None
        How many rows the training was cut to.
    loaded : str
        '' when the model loaded and scored the example in a clean process, else why not; None when not tried.
    milliseconds : float or None
    """

    metric: str
    difference: Difference | None
    compared_rows: int
    champion: str
    uncompared: str
    ece: float | None
    behaviour: Mapping[str, float] | None
    champion_behaviour: Mapping[str, float] | None
    swap_spread: float | None
    trial_rows: int | None
    loaded: str | None
    milliseconds: float | None


@dataclass(frozen=True)
class Check:
    """One line of the table: what was looked at, what it is, what it must be."""

    name: str
    passed: bool
    value: str
    limit: str


def judge(gate: Gate, found: Evidence) -> list[Check]:
    """Every check of the gate, in the order of configs/gate.yaml; a figure that was not measured fails."""
    checks = [
        Check(
            "trained on all rows",
            found.trial_rows is None,
            "all" if found.trial_rows is None else f"rows={found.trial_rows}, a trial",
            "no rows= in the training",
        ),
        *_held_out(gate, found),
        _most("calibration error (ECE)", found.ece, gate.ece, "{:.3f}"),
    ]
    if found.behaviour is not None:
        for name, least in gate.behaviour.items():
            before = (found.champion_behaviour or {}).get(name)
            floor = least if before is None else max(least, before - gate.behaviour_drop)
            value = found.behaviour.get(name)
            checks.append(
                Check(
                    f"behaviour: {name}",
                    value is not None and value >= floor - 1e-9,
                    "not measured" if value is None else f"{100 * value:.1f} % pass",
                    f"at least {100 * floor:.1f} %" + (" (champion's less the drop)" if floor > least else ""),
                )
            )
        checks.append(_most("entity swap, mean spread", found.swap_spread, gate.swap_spread, "{:.1f} points"))
    if found.loaded is not None:
        checks.append(
            Check(
                "loads in a clean process", not found.loaded, found.loaded or "scores the example", "scores the example"
            )
        )
        if not found.loaded:
            checks.append(_most("processor time for the example", found.milliseconds, gate.milliseconds, "{:.0f} ms"))
    return checks


def failed(checks: Sequence[Check]) -> list[str]:
    """What fails, in words for one line."""
    return [f"{check.name} is {check.value} ({check.limit})" for check in checks if not check.passed]


def table(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The checks as plain data."""
    return [asdict(check) for check in checks]


def _held_out(gate: Gate, found: Evidence) -> list[Check]:
    name, against = f"held out, {found.metric}", f" against {found.champion}" if found.champion else ""
    if not found.champion:
        return [Check(name, True, "no champion to compare with", "")]
    limit = f"interval from {-gate.worse:+.3f} up"
    enough = Check(
        "held-out rows compared",
        found.compared_rows >= gate.least_rows,
        str(found.compared_rows),
        f"at least {gate.least_rows}",
    )
    one = found.difference
    if one is None or one.low is None or one.high is None:
        why = f"not compared: {found.uncompared}" if one is None else "of too few documents for an interval"
        return [Check(name + against, False, why, limit)]
    value = f"{one.second:.3f} − {one.first:.3f} = {one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
    return [enough, Check(name + against, one.low >= -gate.worse, value, limit)]


def _most(name: str, value: float | None, limit: float, form: str) -> Check:
    told = "not measured" if value is None else form.format(value)
    return Check(name, value is not None and value <= limit, told, f"at most {form.format(limit)}")
