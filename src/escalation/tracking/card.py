"""The model card: what a model is for, what it learnt from, how good it is and where it fails, in Markdown, from its run."""

from collections.abc import Iterator, Mapping

from escalation import __version__
from escalation.comparison.wording import NAMES
from escalation.evaluation import metrics
from escalation.tracking import overview
from escalation.tracking.logged import Logged

LONGEST = 4900  # characters: MLflow's description of a version holds 5,000
USE = {
    "ladder": (
        "Scores how escalatory the language of English news articles about conflict between and inside states is, sentence by "
        "sentence, on the ladder from deescalation to use_of_force; the article gets 0 to 100 points."
    ),
    "": "Places sentences of English news about politics and conflict under the event types of codebook {codebook}.",
}
FOR = "For research, early warning and newsrooms, where many articles are sifted and what stands out is read."
NOT_FOR = (
    "A score says what a text reports and threatens, not whether it is true and not what will happen. It is no ground for a "
    "decision about a person or a place without someone who reads the sentences, and it has not been measured on other languages."
)
SHOWN = ("qwk", "mae", "off_by_two", "macro_f1", "accuracy", "ece")


def text(run: Logged, longest: int = LONGEST) -> str:
    """The card of a run's model, at most 5,000 characters: the last lines give way."""
    card = "\n".join(_lines(run))
    return card if len(card) <= longest else card[:longest].rpartition("\n")[0] + "\n…"


def shown(run: Logged) -> str:
    """The card with the run's pictures behind its first table, as descriptions in MLflow's UI have it; as long at most."""
    pictures = "\n\n" + "\n".join(overview.picture(run.id, path) for path in overview.PICTURES)
    card = text(run, LONGEST - len(pictures))
    head, heading, rest = card.partition("\n## Behaviour" if "\n## Behaviour" in card else "\n## Data")
    return head.rstrip() + pictures + "\n" + heading + rest


def _lines(run: Logged) -> Iterator[str]:
    codebook, tags, parameters = run.tags["codebook"], run.tags, run.parameters
    yield f"# {tags['experiment']}, codebook {codebook}"
    yield f"\n{model(parameters)}, seed {parameters.get('seed', '?')}."
    if parameters.get("rows", "None") != "None":
        yield f"\n**A trial**: it learnt from rows={parameters['rows']} of each corpus and is never champion by itself."
    yield "\n## Intended use\n"
    yield f"{USE.get(codebook, USE['']).format(codebook=codebook)} {FOR}"
    yield "\n## Figures\n"
    yield from _figures(run)
    yield from _behaviour(run)
    yield "\n## Data\n"
    yield "| corpus | rows | dropped by the guard | licence |\n|---|---:|---:|---|"
    specs = run.config.get("corpora", {})
    for name, one in run.corpora.items():
        yield f"| {name} | {one['rows']} | {one['dropped_by_guard']} | {specs.get(name, {}).get('licence', '')} |"
    yield f"\nHeld-out set `{run.held_out[:8]}`: " + (
        "all rows, answered in cross-validation by models that had not learnt from their documents; this one learnt from all."
        if run.held_none_out
        else "whole documents and stories of these corpora, not learnt from."
    )
    yield "\n## Limits\n"
    yield NOT_FOR
    weak = sorted((value, name) for name, value in run.metrics.items() if name.startswith("heldout.f1."))[:2]
    if weak:
        told = " and ".join(f"{name.removeprefix('heldout.f1.')} (F1 {value:.2f})" for value, name in weak)
        yield f"Weakest on held-out rows: {told}."
    yield "\n## Cost\n"
    yield " · ".join(_cost(run))
    yield "\n## How to cite\n"
    commit = tags.get("git.commit", "none")[:12] + (" (with changes)" if tags.get("git.dirty") == "true" else "")
    yield f"escalation-risk {tags.get('escalation.version', __version__)}, commit {commit}, run {run.id}. Data:"
    yield from (f"- {spec['citation']}" for name, spec in specs.items() if spec.get("citation") and name in run.corpora)


def model(parameters: Mapping[str, str]) -> str:
    """What learnt: features and classifier, or the pretrained encoder and how it was tuned."""
    if "features" in parameters:
        return f"{parameters['features']} + {parameters['classifier']}"
    return f"{parameters.get('model.pretrained', '')} {parameters['model']}".strip()


def _figures(run: Logged) -> Iterator[str]:
    figures = run.metrics
    places = ["heldout", *(["cv"] if "cv.accuracy" in figures and not run.held_none_out else [])]
    places += sorted(name for name in run.config.get("tests", []) if f"{name}.accuracy" in figures)
    titles = {"heldout": "cross-validated" if run.held_none_out else "held out", "cv": "cross-validated"}
    yield "| figure | " + " | ".join(titles.get(place, place) for place in places) + " |"
    yield "|---|" + "---:|" * len(places)
    for name in SHOWN:
        if f"heldout.{name}" in figures:
            lead = "**" if name == metrics.headline(run.codebook) else ""
            yield (
                f"| {lead}{NAMES[name]}{lead} | "
                + " | ".join(_figure(run, f"{place}.{name}") for place in places)
                + " |"
            )


def _figure(run: Logged, name: str) -> str:
    figures = run.metrics
    if name not in figures:
        return ""
    low, high = figures.get(f"{name}.low"), figures.get(f"{name}.high")
    return f"{figures[name]:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else "")


def _behaviour(run: Logged) -> Iterator[str]:
    told = run.behaviour
    if told is None:
        return
    yield "\n## Behaviour\n"
    rates = {name: run.metrics.get(f"behaviour.{name}") for name in ("direction", "invariance", "benign")}
    yield " · ".join(f"{name} {100 * rate:.0f} %" for name, rate in rates.items() if rate is not None) + " pass."
    worst = sorted((good / total, key) for key, (good, total) in told.kinds.items() if good < total)[:4]
    if worst:
        yield "Least: " + ", ".join(f"{key} {100 * share:.0f} %" for share, key in worst) + "."
    if "behaviour.swap_mean_spread" in run.metrics:
        yield (
            f"Another country's name moves a score by {run.metrics['behaviour.swap_mean_spread']:.1f} points on average, "
            f"{run.metrics['behaviour.swap_worst_spread']:.1f} at worst."
        )


def _cost(run: Logged) -> Iterator[str]:
    forms = {
        "seconds": "trained in {:.0f} s",
        "peak_memory_mb": "peak memory {:.0f} MB",
        "model_mb": "model {:.1f} MB",
        "example_ms": "docs/example.txt {:.0f} ms of processor time",
        "sentences_per_second": "{:,.0f} sentences a second",
    }
    yield from (form.format(run.metrics[name]) for name, form in forms.items() if name in run.metrics)
