"""The model that MLflow saves as code and serves: texts of articles in, article scores out. MLflow runs this file itself."""

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc

from escalation import exported


class EscalationModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow has no type hints
    """Scores articles with the weights that lie beside it."""

    def load_context(self, context: Any) -> None:
        """Read the weights once."""
        folder = Path(context.artifacts["exported"])
        self.scorer = exported.load(folder).scorer()

    def predict(self, model_input: list[str]) -> list[dict]:  # type: ignore[type-arg]  # MLflow warns of a bare Any
        """One article score a text."""
        return self.scorer.score(list(model_input))


mlflow.models.set_model(EscalationModel())
