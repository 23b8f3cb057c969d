"""What a newcomer sees of a codebook's runs in MLflow's UI: what they are of, and a view with the columns that matter."""

import json
from typing import Any

from escalation import project
from escalation.codebook import Codebook
from escalation.comparison.wording import NAMES
from escalation.errors import EscalationError
from escalation.evaluation import metrics

NOTE = "mlflow.note.content"
VIEW = "overview"  # what the UI calls a view's share key
PICTURES = ("confusion.png", "reliability.png")
FIGURES = ("qwk", "macro_f1", "mae", "ece")
BEYOND = ("real_test.qwk", "behaviour.direction", "behaviour.invariance", "behaviour.benign", "example_ms")
TAGS = ("corpora", "features", "classifier", "model", "held_out", "registered", "git.commit", "git.dirty")
ABOUT = (
    "[**Open the runs with the columns that matter**]({view}), the best first.\n\n"
    "These runs answer the codebook **{name}**{question} The deciding figure is {headline} on rows that were not learnt from: "
    "`heldout.{metric}`, the ends of its 95 % interval beside it as `.low` and `.high`. `cv.*` are cross-validated (and so is "
    "`heldout.*` of runs with holdout=0), `fold.*` has a step a fold, `behaviour.*` are shares of cases passed. Runs compare "
    "only where the tag `held_out` is the same: `escalation compare RUN RUN` does it with an interval. "
    "docs/tracking.md shows the way around."
)


def tags(name: str, experiment_id: str) -> dict[str, str]:
    """The tags that MLflow's UI reads on the experiment of a codebook.

    The view is what its button "Views > Share" would store, and `address` opens it. The kind alone does not keep the UI from
    opening an experiment among language-model traces (3.17 goes by the address), so `address` says the kind too.
    """
    book = _codebook(name)
    metric = metrics.headline(book) if book else "macro_f1"
    about = ABOUT.format(
        view=address(experiment_id),
        name=name,
        question=f": *{book.question}*" if book and book.question else ".",
        headline=NAMES[metric],
        metric=metric,
    )
    figures = [one for one in FIGURES if metric == "qwk" or one not in ("qwk", "mae")]
    beyond = BEYOND if name == "ladder" else ()
    columns = [f"metrics.`heldout.{one}`" for one in figures] + [f"metrics.`{one}`" for one in beyond]
    columns = ["attributes.`Created`", *columns, *(f"tags.`{one}`" for one in TAGS)]
    view = {"selectedColumns": columns, "orderByKey": f"metrics.`heldout.{metric}`", "orderByAsc": False}
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return {NOTE: about, f"mlflow.sharedViewState.{VIEW}": json.dumps(view), **kind}


def address(experiment_id: str) -> str:
    """Where the UI shows the runs of an experiment in the view, from the UI's own root."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"


def experiments(mlflow: Any) -> dict[str, str]:
    """Where the UI shows the runs of each codebook."""
    found = mlflow.search_experiments(order_by=["experiment_id"])
    return {one.name: address(one.experiment_id) for one in found if f"mlflow.sharedViewState.{VIEW}" in one.tags}


def picture(run_id: str, path: str) -> str:
    """A picture of a run as Markdown: the UI takes addresses from its own root, and this is where it serves artifacts."""
    return f"![{path}](get-artifact?run_uuid={run_id}&path={path})"


def _codebook(name: str) -> Codebook | None:
    """The codebook as it is now; None for one that is kept elsewhere."""
    try:
        return Codebook.load(name, project.codebooks())
    except EscalationError:
        return None
