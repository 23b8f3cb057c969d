"""`python benchmarks/pace.py FOLDER`: sentences a second of an exported model over PLV's sentences, and its peak memory in MB."""

import resource
import statistics
import sys
import time
from pathlib import Path

import pandas as pd

from escalation import exported, project
from escalation.corpora.catalogue import CorpusSpec, ensure

ROUNDS, LEAST = 3, 1.0  # seconds a round lasts at least


def main() -> None:
    """Median of some rounds, after a beginning that is not counted."""
    (path,) = ensure(CorpusSpec.load("plv", project.checkout() / "configs" / "corpus"))
    texts = pd.read_csv(path, sep="\t", quoting=3)["sentence"].tolist()
    model = exported.load(Path(sys.argv[1])).heads[0]
    model.predict_proba(texts[:64])
    paces = []
    for _ in range(ROUNDS):
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < LEAST:
            model.predict_proba(texts)
            done += len(texts)
        paces.append(done / (time.perf_counter() - began))
    print(statistics.median(paces), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
