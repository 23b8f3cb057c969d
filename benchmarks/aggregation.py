"""How sentences add up to an article: `make aggregation` compares ways on real documents, in experiments/aggregation/.

The model has never seen the documents, nor any sentence of them. One half of them chooses, the other half is reported.
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from escalation import exported, files, project
from escalation.codebook import Codebook
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import joined, load, read
from escalation.measuring import parted
from escalation.progress import steps
from escalation.scoring.aggregate import power_mean, top
from escalation.scoring.article import ArticleScorer
from escalation.settings import Settings
from escalation.tracking import registry

Array = NDArray[np.float64]
ROOT = project.checkout()
REPORT = ROOT / "experiments" / "aggregation"
CORPORA = ROOT / "configs" / "corpus"
RECALL = 0.95
SHORT = 6  # sentences below which an article is hardly one, and six more change what it is
LEVELS = ("low", "guarded", "elevated", "high", "severe")
SEED = 2026
# What sites put below an article; none of it says anything of the world.
FURNITURE = (
    "Sign up for our morning newsletter and never miss a story that matters to you. "
    "Follow our channels for photographs, videos and the latest from our correspondents. "
    "This article may not be copied or distributed without written permission of the publisher. "
    "Readers can send corrections and comments to the editors by email. "
    "Subscribers have access to our full archive and to the weekend magazine. "
    "The weather, the crossword and the television listings are on the back page."
)


def weighted(points: Array) -> float:
    """A power mean in which the last sentence of an article counts half of the first, as reporters put the news first."""
    weights = np.linspace(1.0, 0.5, len(points))
    return float(np.average(points**4, weights=weights)) ** 0.25


WAYS: dict[str, Callable[[Array], float]] = {
    "mean": lambda points: float(points.mean()),
    "max": lambda points: float(points.max()),
    **{f"mean of the top {k}": lambda points, k=k: float(points[top(points, k)].mean()) for k in (3, 5)},
    **{f"power mean, p = {p}": lambda points, p=p: power_mean(points, p) for p in (2, 3, 4, 6, 8)},
    **{
        f"power mean of the top {k}, p = {p}": lambda points, k=k, p=p: power_mean(points[top(points, k)], p)
        for k in (4, 6, 8, 12)
        for p in (2, 3, 4)
    },
    "noisy-or": lambda points: 100 * (1 - float(np.prod(1 - points / 101))),
    "power mean by position, p = 4": weighted,
}


def articles(most: int) -> pd.DataFrame:
    """Whole texts that no model was trained on: `corpus, truth, text`, and `half`, 0 to choose by and 1 to report."""
    trained = {entry for name in ("train", "more", "test") for entry in _documents(f"real_{name}")}
    parts = []
    for name, column in (("muc4", "incident"), ("bbc", "politics"), ("india_police_docs", "")):
        frame = read(CorpusSpec.load(name, CORPORA))
        frame = frame[~(name + ":" + frame["id"]).isin(trained)]
        truth = frame[column] if column else _forceful(frame)
        part = pd.DataFrame({"corpus": name, "truth": truth, "text": frame["text"]})
        for _, same in part[part["truth"] != ""].groupby("truth"):
            parts.append(same.sample(min(most, len(same)), random_state=SEED))
    levels = json.loads((ROOT / "data" / "authored" / "levels.json").read_text(encoding="utf-8"))
    rows = (ROOT / "data" / "authored").glob("*.jsonl")
    article = {row["id"]: row["article"] for path in rows for row in map(json.loads, path.open(encoding="utf-8"))}
    told = held_out()
    own = told.groupby(told["id"].map(article), sort=True)["text"].agg(" ".join)
    parts.append(pd.DataFrame({"corpus": "authored", "truth": [levels[name] for name in own.index], "text": own}))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(half=[int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 for text in found["text"]])


def held_out() -> pd.DataFrame:
    """The authored rows that every experiment on the ladder leaves out."""
    ladder = Codebook.load("ladder", project.codebooks())
    names = ("authored", "real_train", "real_more")
    corpora = [load(CorpusSpec.load(name, CORPORA), ladder, project.codebooks()) for name in names]
    rows = joined(corpora, ROOT / "data" / "holdout")[1]
    return parted(rows, Settings(holdout_from=["authored"]))[1]


def _documents(name: str) -> list[str]:
    spec = CorpusSpec.load(name, CORPORA)
    return list(load(spec, Codebook.load("ladder", project.codebooks()), project.codebooks()).frame["group"])


def _forceful(frame: pd.DataFrame) -> pd.Series:
    """1 where police kill or use force, 0 where none of the five labels holds, '' between."""
    yes = (frame["KILL"] == "1") | (frame["FORCE"] == "1")
    return pd.Series(np.where(yes, "1", np.where(frame["any"] == "0", "0", "")), index=frame.index)


def points(scorer: ArticleScorer, texts: list[str], kept: Path) -> list[Array]:
    """Escalation of the sentences that count, an array an article; kept, because it takes minutes."""
    if not kept.is_file():
        found = []
        with steps("sentences", -(-len(texts) // 50)) as advance:
            for start in range(0, len(texts), 50):
                for score in scorer.score(texts[start : start + 50], drivers=False):
                    found.append([one["escalation"] for one in score["sentences"] if one["counted"]])
                advance()
        files.write_text(kept, json.dumps(found))
    return [np.array(one) for one in json.loads(kept.read_text(encoding="utf-8"))]


def measured(found: pd.DataFrame, sums: Array, furnished: Array) -> dict[str, float]:
    """Figures of one way: by half, what tells incidents from other news; on authored articles, whether levels are in order.

    Parameters
    ----------
    sums, furnished : array, shape (n,)
        Escalation of each article, and the same with `FURNITURE` below it.
    """
    figures = {}
    incident = ((found["corpus"] == "muc4") & (found["truth"] == "yes")).to_numpy()
    harmless = ((found["corpus"] == "bbc") & (found["truth"] == "0")).to_numpy()
    rest = ((found["corpus"] == "muc4") & (found["truth"] == "no")).to_numpy()
    for half in (0, 1):
        here = (found["half"] == half).to_numpy()
        figures[f"auc_{half}"] = _auc(sums[here & incident], sums[here & harmless])
        least = np.quantile(sums[here & incident], 1 - RECALL)
        figures[f"false_alarms_{half}"] = float((sums[here & harmless] >= least).mean())
        figures[f"auc_politics_{half}"] = _auc(sums[here & incident], sums[here & rest])
    police = (found["corpus"] == "india_police_docs").to_numpy()
    yes = (found["truth"] == "1").to_numpy()
    figures["auc_police"] = _auc(sums[police & yes], sums[police & ~yes])
    own = (found["corpus"] == "authored").to_numpy()
    order = found["truth"][own].map(LEVELS.index)
    figures["authored_order"] = float(spearmanr(sums[own], order).statistic)
    figures["furniture"] = float(np.abs(furnished - sums).max())
    return figures


def _auc(high: Array, low: Array) -> float:
    return float(roc_auc_score([1] * len(high) + [0] * len(low), [*high, *low]))


def levels(found: pd.DataFrame, sums: Array, codebook: Codebook) -> dict[str, float]:
    """What the configured levels make of the articles of the half that is reported, and of authored ones."""
    reached = np.array([LEVELS.index(codebook.level(value)) for value in sums])
    alarmed, half = reached >= LEVELS.index("elevated"), (found["half"] == 1).to_numpy()
    parts = {"incidents": ("muc4", "yes"), "politics": ("bbc", "1"), "harmless": ("bbc", "0")}
    shares = {
        name: float(
            alarmed[half & (found["corpus"] == corpus).to_numpy() & (found["truth"] == truth).to_numpy()].mean()
        )
        for name, (corpus, truth) in parts.items()
    }
    own = (found["corpus"] == "authored").to_numpy()
    truth = found["truth"][own].map(LEVELS.index)
    return {**shares, "authored_qwk": float(cohen_kappa_score(truth, reached[own], weights="quadratic"))}


def table(content: dict[str, Any]) -> str:
    """All figures in Markdown, of each way the mean over the models."""
    names = list(content["levels"])
    lines = [
        "# How sentences add up to an article",
        "",
        f"Made by `make aggregation` with {', '.join(names)}, which saw no sentence of these documents in training:",
        ", ".join(f"{n} {name}" for name, n in content["articles"].items()) + ".",
        "",
        "AUC: MUC-4 incidents against BBC articles that are not political, on the half of the documents that is reported; the",
        f"other half chose. False alarms: of those BBC articles when {RECALL:.0%} of the incidents are found. Politics: MUC-4",
        "incidents against its other documents. Police: IndiaPoliceEvents, force against none of its labels (a weak proxy: those",
        "may report riots). Order: rank correlation with the levels of authored articles held out. Furniture: the most that an",
        f"article of {SHORT} sentences or more moves, in points, when six sentences of site furniture are put below it.",
        "",
        "Every way tells incidents from harmless news. What decides: among the ways that furniture hardly moves, the power mean",
        "of the six highest with p = 3 keeps the levels of the authored articles in order best over both models, and one",
        "sentence of 60 points among calm ones still gives 33. `elevated` begins at 40: on the half that chose, both models",
        "find nearly all incidents at under 2 % of false alarms.",
        "",
    ]
    for name in names:
        lines += [
            f"## {name}",
            "",
            "| way | AUC | choosing | false alarms | choosing | politics | police | order | furniture |",
        ]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
        for way, figures in content["ways"].items():
            one = figures[name]
            keys = (
                "auc_1",
                "auc_0",
                "false_alarms_1",
                "false_alarms_0",
                "auc_politics_1",
                "auc_police",
                "authored_order",
            )
            lines.append(f"| {way} | " + " | ".join(f"{one[key]:.3f}" for key in keys) + f" | {one['furniture']:.1f} |")
        told = content["levels"][name]
        lines += ["", "Configured: " + ", ".join(f"{key} {value:.3f}" for key, value in told.items()) + ".", ""]
    return "\n".join(lines)


def main() -> None:
    """Score all articles with every model, compare the ways, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", metavar="NAME=URI", help="a model, once or several times")
    parser.add_argument("--most", type=int, default=300, help="articles of each kind at most")
    asked = parser.parse_args()
    chosen = dict(one.split("=", 1) for one in asked.model or ["champion=models:/escalation@champion"])
    found = articles(asked.most)
    content: dict[str, Any] = {"articles": found.groupby(["corpus", "truth"]).size().rename(lambda key: key).to_dict()}
    content["articles"] = {f"{corpus} {truth}": int(n) for (corpus, truth), n in content["articles"].items()}
    content["ways"], content["levels"] = {}, {}
    for name, uri in chosen.items():
        model = exported.load(Path(uri)) if Path(uri).is_dir() else registry.load(uri)
        scorer, codebook = model.scorer(), Codebook.load("ladder", project.codebooks())
        folder = project.home() / "data" / "aggregation"
        key = hashlib.sha256("\n".join([uri, FURNITURE, *found["text"]]).encode()).hexdigest()[:12]
        plain = points(scorer, list(found["text"]), folder / f"{key}.json")
        more = points(scorer, [FURNITURE], folder / f"{key}.furniture.json")[0]
        for way, add in WAYS.items():
            sums, furnished = (
                np.array([add(one) for one in each]) for each in (plain, [np.append(one, more) for one in plain])
            )
            furnished = np.where([len(one) >= SHORT for one in plain], furnished, sums)
            content["ways"].setdefault(way, {})[name] = measured(found, sums, furnished)
        content["levels"][name] = levels(
            found, np.array([power_mean(one[top(one, codebook.top)], codebook.power) for one in plain]), codebook
        )
    files.write_text(REPORT / "aggregation.json", json.dumps(content, indent=1) + "\n")
    files.write_text(REPORT / "README.md", table(content))
    print(table(content))


if __name__ == "__main__":
    main()
