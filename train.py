"""Train a classifier, log it, register it: `python train.py [experiment=x] [corpus=plv] [classifier=svc] [seed=2]`."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from escalation import configuration
from escalation.errors import Pruned


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def main(config: DictConfig) -> Exception | None:
    """Train; a child of a sweep hands over what is wrong, so that the others go on."""
    try:
        train(config)
    except configuration.FAILURES as error:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return error
        stop(error)
    return None


def train(config: DictConfig) -> None:
    """Turn the configuration into objects and train."""
    choices = HydraConfig.get()
    settings = configuration.settings(config, choices.runtime.choices["experiment"], choices.overrides.task)
    model = configuration.model(config)
    chains = configuration.codebooks(config)
    from escalation import training  # after the cheap checks: scikit-learn takes a second

    training.check(model, chains, settings)
    words = choices.overrides.task
    place: AbstractContextManager[Any] = nullcontext()
    if choices.mode == RunMode.MULTIRUN:
        place = training.sweep(Path(choices.sweep.dir), chains[0][0], words, settings, choices.sweeper.get("trial"))
    with place as child:
        if choices.mode == RunMode.MULTIRUN and (child is None or child.done):
            what = f"finished before in this sweep (run {child.done[:8]})" if child else "left to another process"
            print(f"{what}: {child.name if child else ' '.join(words)}")
            return
        corpora = configuration.corpora(config, chains, heads=hasattr(model, "head"))
        tests = configuration.tests(config, chains[0][0])
        parameters = configuration.parameters(config, choices.runtime.choices)
        resolved = OmegaConf.to_yaml(config, resolve=True)
        unlabelled = configuration.unlabelled(config, tests)
        try:
            print(training.run(model, corpora, chains, settings, parameters, resolved, child, tests, unlabelled))
        except Pruned as reason:
            print(f"{reason}: {child.name if child else ''}")


def stop(error: Exception) -> NoReturn:
    """One line, exit code 2."""
    print(f"error: {configuration.one_line(error)}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises what is wrong with the configuration, and we say it
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted: the run is marked killed, and the store can be used")
    except configuration.FAILURES as error:
        stop(error)
