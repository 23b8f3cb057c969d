"""Hydra's two ways to sweep: a grid, and a search. Both keep a plan in the sweep's folder and end in a summary.

Hydra reads this file at every start of train.py, so that what is heavy is imported where it is needed.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from escalation.errors import ConfigError, EscalationError
from escalation.searching import DIRECTIONS, Axis, Study, check_installed, distributions

UNLEARNT = ("register", "report", "export", "alias", "name")  # words that change nothing that a child learns


class Planned(Sweeper):
    """What both ways share.

    Parameters
    ----------
    metric : str or None
    direction : {"maximize", "minimize"}
    """

    def __init__(self, metric: str | None = None, direction: str = "maximize"):
        self.metric, self.direction = metric, direction
        self.failed: list[Exception] = []

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra hands over."""
        self.hydra_context, self.config = hydra_context, config
        self.parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self.folder = Path(str(config.hydra.sweep.dir)).absolute()
        self.runner = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    @abstractmethod
    def jobs(self, overrides: Sequence[Override]) -> None:
        """Launch them all."""

    def sweep(self, arguments: list[str]) -> None:
        """Launch the children, and show on the run above them what came out."""
        self.check()
        self.jobs(self.parser.parse_overrides(arguments))
        from escalation.tracking import sweeps

        told = sweeps.summarise(self.folder)
        if told:
            print(told)
        if self.failed:
            raise self.failed[0]

    def check(self) -> None:
        """Refuse what is out of range; in the constructor Hydra would wrap it.

        Raises
        ------
        ConfigError
        """
        if self.direction not in DIRECTIONS:
            raise ConfigError(
                f"hydra.sweeper.direction is {self.direction!r}: it must be one of {', '.join(DIRECTIONS)}"
            )

    def plan(self, overrides: Sequence[Override], swept: Sequence[str]) -> None:
        """Keep the plan for the children."""
        from escalation.tracking.sweeps import Plan

        rest = [str(one.input_line) for one in overrides if not one.is_sweep_override() and not one.is_hydra_override()]
        title = " ".join([*rest, "over", ", ".join(swept) or "nothing"])
        words = {word.lstrip("+").partition("=")[0]: word for word in rest}  # of two for one key Hydra takes the last
        fixed = sorted(word for key, word in words.items() if key not in UNLEARNT)
        Plan(title, list(swept), self.metric, self.direction, fixed).keep(self.folder)

    def launch(self, batch: Sequence[Sequence[str]], number: int = 0) -> list[Exception | None]:
        """Run children; for each what went wrong."""
        return [_failure(job) for job in self.runner.launch(batch, initial_job_idx=number)]


class Grid(Planned):
    """Every combination of the values on the command line."""

    def jobs(self, overrides: Sequence[Override]) -> None:
        """Launch every combination that can be composed, or none."""
        for one in overrides:
            _check_range(one)
        (jobs,) = BasicSweeper.split_arguments(list(overrides), None)
        if not jobs:
            raise ConfigError("the sweep has no children: a glob on the command line matches nothing")
        self.validate_batch_is_legal(jobs)
        self.plan(overrides, [one.get_key_element().lstrip("+~") for one in overrides if one.is_sweep_override()])
        failed = [error for error in self.launch(jobs) if error]
        self.failed = [_of_several(failed, len(jobs))] if failed else []


class Search(Planned):
    """Values that Optuna chooses; configs/hparams_search/own.yaml says what each parameter is."""

    def __init__(
        self,
        params: Mapping[str, str],
        n_trials: int,
        timeout: float | None = None,
        seed: int = 1,
        startup: int = 8,
        at_once: int = 1,
        trial: int | None = None,
        metric: str | None = None,
        direction: str = "maximize",
    ):
        super().__init__(metric, direction)
        self.params, self.n_trials, self.timeout = params, n_trials, timeout
        self.seed, self.startup, self.at_once = seed, startup, at_once

    def check(self) -> None:
        """Numbers too."""
        super().check()
        for name in ("n_trials", "startup", "at_once", "seed", "timeout"):
            value = getattr(self, name)
            whole = isinstance(value, int) or (name == "timeout" and (value is None or isinstance(value, float)))
            if isinstance(value, bool) or not whole or (value is not None and value <= 0):
                raise ConfigError(f"hydra.sweeper.{name} is {value!r}: it must be a whole number above 0")

    def jobs(self, overrides: Sequence[Override]) -> None:
        """Launch trials until there are enough; the first that fails ends it if none has come to an end."""
        check_installed()
        fixed = {one.get_key_element(): one for one in overrides if not one.is_sweep_override()}
        moved = [*self.parser.parse_overrides([f"{key}={value}" for key, value in self.params.items()]), *overrides]
        space = {one.get_key_element(): _axis(one) for one in moved if one.is_sweep_override()}
        space = {key: axis for key, axis in space.items() if key not in fixed}  # said on the command line
        if not space:
            raise ConfigError(
                "a search needs something to choose: 'classifier.C=interval(0.1, 10)', or hydra.sweeper.params"
            )
        words = [str(one.input_line) for one in fixed.values() if not one.is_hydra_override()]
        distributions(space)  # before the plan is kept: what cannot be searched leaves nothing behind
        self.validate_batch_is_legal([[*words, *(f"{key}={axis.first}" for key, axis in space.items())]])
        self.plan(overrides, list(space))
        study = Study(self.folder, space, self.direction, self.n_trials, self.seed, self.startup)
        began, ended = time.monotonic(), False
        while not ended and (self.timeout is None or time.monotonic() - began < self.timeout):
            batch = study.batch(self.at_once)
            children = [
                [*words, *(f"{key}={_told(value)}" for key, value in values.items()), f"hydra.sweeper.trial={number}"]
                for number, values in batch.items()
            ]
            failures = self.launch(children, min(batch)) if batch else []
            failed = {number: error for number, error in zip(batch, failures, strict=True) if error}
            study.end({number: str(error) for number, error in failed.items()})
            for number, error in failed.items():
                print(f"trial {number} failed: {' '.join(str(error).split())[:300]}")
            if failed and not study.counts().get("complete"):
                raise next(iter(failed.values()))
            ended = not batch


def _failure(job: JobReturn) -> Exception | None:
    """What is wrong with a child: train.py hands over a user's mistake, and raises what is ours."""
    try:
        return job.return_value if isinstance(job.return_value, Exception) else None
    except Exception as error:
        return error


def _of_several(failed: Sequence[Exception], count: int) -> Exception:
    """The first failure, and how many there are beside it."""
    first = failed[0]
    if not isinstance(first, EscalationError) or count == 1:
        return first
    return type(first)(f"{len(failed)} of {count} children failed, the first: {first}")


def _check_range(override: Override) -> None:
    """Refuse a range without a value, of which Hydra makes no child or a traceback.

    Raises
    ------
    ConfigError
    """
    value = override.value()
    if isinstance(value, RangeSweep):
        assert value.start is not None
        assert value.stop is not None
        if (value.stop - value.start) * value.step <= 0:
            raise ConfigError(
                f"{override.input_line} holds no value: write range(START, STOP) with STOP, which is left out, above START"
            )


def _axis(override: Override) -> Axis:
    """What a sweep override may take.

    Raises
    ------
    ConfigError
        There is no value that it may take.
    """
    _check_range(override)
    value = override.value()
    if isinstance(value, IntervalSweep):
        assert value.start is not None
        assert value.end is not None
        return Axis(low=value.start, high=value.end, log="log" in value.tags)
    if isinstance(value, RangeSweep) and all(isinstance(one, int) for one in (value.start, value.stop, value.step)):
        whole = value.range()
        assert isinstance(whole, range)
        low, high = sorted((whole[0], whole[-1]))  # a range may count down
        return Axis(low=low, high=high, step=abs(int(value.step)))
    choices = tuple(override.sweep_string_iterator())
    if not choices:
        raise ConfigError(f"{override.input_line} matches nothing: there is nothing to choose from")
    return Axis(choices=choices)


def _told(value: Any) -> str:
    """A value as the command line takes it; four digits tell two trials apart."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
