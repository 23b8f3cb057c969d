"""What is compared: how each system is configured, for the ladder and for events."""

from dataclasses import dataclass

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from escalation import project

BASE, SMALL, DISTILLED, STATIC = "encoder_base", "encoder_small", "encoder_small distilled", "static student"
INTEGERS = f"{DISTILLED}, int8"
MINI = "all-MiniLM-L6-v2"
TAUGHT = (DISTILLED, STATIC)  # by a teacher like BASE, whose answers are kept


@dataclass(frozen=True)
class System:
    """A row of the table.

    Parameters
    ----------
    ladder : tuple of str
        What Hydra is told.
    events : tuple of str
        What it is told where events are learnt; empty: the same.
    """

    ladder: tuple[str, ...]
    events: tuple[str, ...] = ()


SYSTEMS = {
    "majority": System(("features=lexicon", "classifier=majority")),
    "lexicon": System(("features=lexicon", "classifier=logreg")),
    "TF-IDF + LR": System(("features=tfidf", "classifier=logreg")),
    "TF-IDF + SVC": System(("features=tfidf", "classifier=svc_balanced")),
    "static + LR": System(("features=static", "classifier=logreg")),
    "sentence + LR": System(("features=sentence", "classifier=logreg")),
    BASE: System(("experiment=encoder_base",), ("experiment=events_base",)),
    SMALL: System(
        ("experiment=encoder_small",), ("experiment=events_base", f"model.pretrained={MINI}", "model.rate=1e-4")
    ),
    DISTILLED: System(("experiment=champion",), ("experiment=events_champion",)),
    STATIC: System(
        ("experiment=static_student",),
        ("experiment=static_student", "model.teacher.epochs=5", "model.teacher.context=0", "+weights.plv=2"),
    ),
}


def config(system: str, task: str, seed: int) -> DictConfig:
    """The configuration of a cell."""
    one = SYSTEMS[system]
    overrides = [*(one.ladder if task == "ladder" else one.events or one.ladder), f"seed={seed}", "name=benchmark"]
    with initialize_config_dir(str(project.checkout() / "configs"), version_base="1.3"):
        return compose("train", overrides=overrides)


def kept_as(system: str, task: str, seed: int | str, what: str) -> str:
    """The name of a file or folder that a cell leaves behind, below data/benchmark in the home folder."""
    return f"{system.replace(' ', '_').replace(',', '')}.{task}.{seed}.{what}"
