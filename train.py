"""Train a classifier, log it, register it: `python train.py [experiment=x] [corpus=plv] [classifier=svc] [seed=2]`."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from escalation import configuration


@hydra.main(version_base="1.3", config_path="configs", config_name="train")
def main(config: DictConfig) -> None:
    """Turn the configuration into objects and train."""
    choices = HydraConfig.get()
    try:
        settings = configuration.settings(config, choices.runtime.choices["experiment"], choices.overrides.task)
        model = configuration.model(config)
        chains = configuration.codebooks(config)
        from escalation import training  # after the cheap checks: scikit-learn takes a second

        training.check(model, chains, settings)
        parent = None
        if choices.mode == RunMode.MULTIRUN:
            parent = training.sweep(Path(choices.sweep.dir), chains[0][0], choices.overrides.task)
            if parent.done:
                print(f"finished before in this sweep: {' '.join(choices.overrides.task)} (run {parent.done[:8]})")
                return
        corpora = configuration.corpora(config, chains)
        tests = configuration.tests(config, chains[0][0])
        parameters = configuration.parameters(config, choices.runtime.choices)
        resolved = OmegaConf.to_yaml(config, resolve=True)
        unlabelled = configuration.unlabelled(config, tests)
        print(training.run(model, corpora, chains, settings, parameters, resolved, parent, tests, unlabelled))
    except configuration.FAILURES as error:
        stop(error)


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
