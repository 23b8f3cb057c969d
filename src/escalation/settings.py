"""How a training goes: plain data, so that it can be checked before anything heavy is imported."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from escalation.errors import ConfigError

CALIBRATIONS = ("temperature", "sigmoid", "isotonic")


@dataclass(frozen=True)
class Settings:
    """How a training goes; configs/train.yaml says what each field means."""

    name: str | None = None
    seed: int = 1
    folds: int = 5
    holdout: float = 0.2
    holdout_seed: int = 2026
    holdout_from: list[str] = field(default_factory=list)
    calibration: str = "temperature"
    calibration_folds: int = 5
    resamples: int = 1000
    unlabelled_rows: int | None = None
    rows: int | None = None
    weights: dict[str, int] = field(default_factory=dict)
    register: bool = True
    alias: str | None = None
    report: str | None = None
    export: str | None = None

    def check(self) -> None:
        """Refuse values out of their range.

        Raises
        ------
        ConfigError
            Names the field and what is valid.
        """
        rules = {
            "folds": (
                self.folds >= 2 or (self.folds == 0 and self.holdout > 0),
                "at least 2, or 0 where rows are held out",
            ),
            "calibration_folds": (self.calibration_folds >= 2, "at least 2"),
            "holdout": (0 <= self.holdout <= 0.5, "a share of the rows from 0 to 0.5"),
            "calibration": (self.calibration in CALIBRATIONS, f"one of {', '.join(CALIBRATIONS)}"),
            "resamples": (self.resamples >= 100, "at least 100"),
            "unlabelled_rows": (self.unlabelled_rows is None or self.unlabelled_rows >= 1, "null or at least 1"),
            "rows": (self.rows is None or self.rows >= 20, "null or at least 20"),
            "weights": (
                all(1 <= one <= 100 for one in self.weights.values()),
                "corpora with whole numbers from 1 to 100",
            ),
            **{name: (0 <= getattr(self, name) < 2**32, "from 0 to 4294967295") for name in ("seed", "holdout_seed")},
        }
        for name, (holds, valid) in rules.items():
            if not holds:
                raise ConfigError(f"{name} is {getattr(self, name)!r}: it must be {valid}")

    def check_names(self, corpora: Iterable[str]) -> None:
        """Refuse a setting for a corpus that is not trained on.

        Raises
        ------
        ConfigError
            Names it and the corpora.
        """
        names = list(corpora)
        for setting in ("weights", "holdout_from"):
            for name in getattr(self, setting):
                if name not in names:
                    raise ConfigError(
                        f"{setting} names {name!r}, which is not trained on: choose among {', '.join(names)}"
                    )
