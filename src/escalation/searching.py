"""A search: an Optuna study in a file of the sweep's folder, shared by terminals and left whole by one that is killed."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from escalation.errors import ConfigError, Pruned

FILE, NAME = "study.log", "search"
INSTALL = "a search takes optuna: pip install -e '.[search]'"
DIRECTIONS = ("maximize", "minimize")
UNPRUNED = 5  # trials that are finished before one is pruned: a median of fewer says little


@dataclass(frozen=True)
class Axis:
    """The values that one key may take: `choices`, or numbers from `low` to `high`.

    Parameters
    ----------
    choices : tuple of str
    low, high : int or float
        Both whole: whole numbers.
    log : bool
        Whether ratios count, not differences.
    step : int
        Between whole numbers.
    """

    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: int = 1

    @property
    def first(self) -> Any:
        """One value that is allowed."""
        return self.choices[0] if self.choices else self.low

    def distribution(self) -> Any:
        """What Optuna draws from."""
        from optuna import distributions

        if self.choices:
            return distributions.CategoricalDistribution(self.choices)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return distributions.IntDistribution(self.low, self.high, log=self.log, step=self.step)
        return distributions.FloatDistribution(self.low, self.high, log=self.log)


class Study:
    """The trials of a search, for the process that starts them.

    A trial is held by a lock that the system frees when its process ends, however it ends. One that stands as running
    while nobody holds it was cut off, and is the next to be started again, with the same values.

    Parameters
    ----------
    folder : Path
        Terminals that name the same share the study.
    space : dict of key to Axis
    direction : {"maximize", "minimize"}
    trials : int
        Of all terminals together.
    seed : int
        The trial's number is added: a search that goes on draws what it would have drawn.
    startup : int
        Trials drawn at random before the sampler learns from them.

    Raises
    ------
    ConfigError
        optuna is missing, or the folder holds a search over other values or in another direction.
    """

    def __init__(self, folder: Path, space: Mapping[str, Axis], direction: str, trials: int, seed: int, startup: int):
        check_installed()
        self.folder, self.trials, self.seed, self.startup = folder, trials, seed, startup
        self.space = distributions(space)
        self._lock, self._held, self._started = FileLock(folder / "search.lock"), list[FileLock](), set[int]()
        folder.mkdir(parents=True, exist_ok=True)
        about = {"direction": direction, "space": {key: asdict(axis) for key, axis in space.items()}}
        with self._lock:
            self._study = _study(folder, direction)
            kept = self._study.user_attrs.get("about")
            if kept is None:
                self._study.set_user_attr("about", about)
            elif json.dumps(kept) != json.dumps(about):
                raise ConfigError(f"{folder} holds a search over other values: choose another hydra.sweep.dir")

    def batch(self, most: int) -> dict[int, dict[str, Any]]:
        """The next trials' numbers and values: those cut off first, then new ones; empty when there are enough."""
        from optuna.trial import TrialState

        found: dict[int, dict[str, Any]] = {}
        with self._lock:
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if len(found) < most and trial.number not in self._started and self._hold(trial.number):
                    if set(trial.params) == set(self.space):
                        found[trial.number] = dict(trial.params)
                    else:  # cut off while it was drawn, or a search over other keys
                        self._study.tell(trial.number, state=TrialState.FAIL)
            while len(found) < most and (count := self._drawn_so_far()) < self.trials:
                number, values = self._drawn(count)
                self._hold(number)
                found[number] = values
        self._started |= set(found)
        return found

    def end(self, failed: Mapping[int, str]) -> None:
        """Let go of the trials of a batch, some of which failed."""
        from optuna.trial import TrialState

        for number in failed:
            self._study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        for lock in self._held:
            lock.release()
        self._held.clear()

    def counts(self) -> dict[str, int]:
        """How many trials ended in which state."""
        states = [trial.state.name.lower() for trial in self._study.get_trials(deepcopy=False)]
        return {state: states.count(state) for state in sorted(set(states))}

    def _drawn_so_far(self) -> int:
        """Trials that have all their values: one that was cut off while it was drawn is drawn again."""
        return sum(set(trial.params) == set(self.space) for trial in self._study.get_trials(deepcopy=False))

    def _drawn(self, count: int) -> tuple[int, dict[str, Any]]:
        from optuna.samplers import TPESampler

        with _quiet():
            self._study.sampler = TPESampler(seed=self.seed + count, n_startup_trials=self.startup, constant_liar=True)
            trial = self._study.ask(self.space)
        return trial.number, dict(trial.params)

    def _hold(self, number: int) -> bool:
        lock = FileLock(self.folder / ".claims" / f"trial-{number}.lock", blocking=False)
        Path(lock.lock_file).parent.mkdir(exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            return False
        self._held.append(lock)
        return True


class Trial:
    """A trial, for the process that trains it.

    Parameters
    ----------
    folder : Path
    number : int
    """

    def __init__(self, folder: Path, number: int):
        check_installed()
        self.number = number
        self._study = _study(folder)

    def report(self, step: int, value: float) -> None:
        """Tell the mean of the folds so far.

        Raises
        ------
        Pruned
            It is worse than the median of the trials before.
        """
        from optuna.pruners import MedianPruner
        from optuna.trial import Trial as Open
        from optuna.trial import TrialState

        frozen = self._study.get_trials(deepcopy=False)[self.number]
        if step not in frozen.intermediate_values:  # it may have been told before it was cut off
            Open(self._study, frozen._trial_id).report(
                value, step
            )  # no public way leads from a number to an open trial
            frozen = self._study.get_trials(deepcopy=False)[self.number]
        if MedianPruner(n_startup_trials=UNPRUNED).prune(self._study, frozen):
            self._study.tell(self.number, state=TrialState.PRUNED)
            raise Pruned(f"trial {self.number} was pruned after fold {step + 1}: worse than the median of those before")

    def finish(self, value: float) -> None:
        """Tell what came out."""
        self._study.tell(self.number, value, skip_if_finished=True)


def distributions(space: Mapping[str, Axis]) -> dict[str, Any]:
    """What Optuna draws each key from.

    Raises
    ------
    ConfigError
        A key's values cannot be drawn.
    """
    found = {}
    for key, axis in space.items():
        try:
            found[key] = axis.distribution()
        except ValueError as error:
            raise ConfigError(f"{key} cannot be searched: {' '.join(str(error).split())}") from error
    return found


def check_installed() -> None:
    """Say what to install where optuna is missing.

    Raises
    ------
    ConfigError
        It is.
    """
    try:
        import optuna
    except ImportError:
        raise ConfigError(INSTALL) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _study(folder: Path, direction: str | None = None) -> Any:
    """The study of a folder; with a direction it is made where there is none."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with _quiet():
        lock = FileLock(folder / "journal.lock")  # Optuna's own outlives a killed process by half a minute
        storage = JournalStorage(JournalFileBackend(str(folder / FILE), lock_obj=lock))
        if direction is None:
            return optuna.load_study(study_name=NAME, storage=storage)
        return optuna.create_study(study_name=NAME, storage=storage, direction=direction, load_if_exists=True)


def _quiet() -> Any:
    """Without Optuna's warnings that a feature is new."""
    from optuna.exceptions import ExperimentalWarning

    return warnings.catch_warnings(action="ignore", category=ExperimentalWarning)
