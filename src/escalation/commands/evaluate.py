"""`escalation evaluate`: a labelled file or a corpus against a model."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from escalation.errors import ConfigError

FOR_FILES = ("map", "text_column", "label_column")  # a corpus brings its own


def add(commands: Any) -> None:
    """Its arguments."""
    evaluate = commands.add_parser("evaluate", help="how well a model answers a labelled file or a corpus")
    evaluate.add_argument(
        "file",
        type=Path,
        metavar="FILE|CORPUS",
        help="csv, tsv, jsonl or parquet; or a corpus of `escalation corpora`, without what the model learnt from",
    )
    evaluate.add_argument("--codebook", default="ladder", help="ladder, or an event codebook: polarity, penta, root")
    evaluate.add_argument("--text-column", metavar="NAME", help="of a file (default: text)")
    evaluate.add_argument("--label-column", metavar="NAME", help="of a file (default: label)")
    evaluate.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="VALUE=LABEL",
        help="what a value of a file's label column means, e.g. 1=conflict",
    )
    evaluate.add_argument("--restrict", action="store_true", help="choose only among the labels that occur in the file")
    evaluate.add_argument(
        "--model",
        metavar="URI",
        help="or a folder of train.py's export (default: the champion that answers the codebook)",
    )
    evaluate.add_argument("--json", action="store_true")
    evaluate.add_argument("--metrics", type=Path, metavar="OUT", help="write the figures as JSON, without times")
    evaluate.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Do it."""
    from escalation import files, project
    from escalation.corpora.catalogue import CorpusSpec
    from escalation.corpora.corpus import load
    from escalation.labelled import evaluate_corpus, evaluate_file, lasting, report
    from escalation.tracking import registry

    pairs = [entry.partition("=") for entry in options.map]
    if not all(separator for _, separator, _ in pairs):
        raise ConfigError("--map takes VALUE=LABEL, for example --map 1=conflict --map 0=cooperation")
    configs = project.checkout() / "configs" / "corpus"
    is_corpus = not options.file.exists() and (configs / f"{options.file}.yaml").is_file()
    given = [f"--{name.replace('_', '-')}" for name in FOR_FILES if getattr(options, name) not in (None, [])]
    if is_corpus and given:
        raise ConfigError(
            f"{options.file} is a corpus, which knows its columns and labels: leave out {' and '.join(given)}, or give a file"
        )
    model = registry.load(options.model) if options.model else registry.load_champion(options.codebook)

    def answers(texts: Sequence[str]) -> Any:
        return model.probabilities(texts, options.codebook)

    if is_corpus:
        corpus = load(
            CorpusSpec.load(str(options.file), configs), model.codebook(options.codebook), project.codebooks()
        )
        found = evaluate_corpus(corpus, answers, registry.learnt(model), options.restrict)
    else:
        found = evaluate_file(
            options.file,
            answers,
            text_column="text" if options.text_column is None else options.text_column,
            label_column="label" if options.label_column is None else options.label_column,
            label_map={value: label for value, _, label in pairs},
            restrict=options.restrict,
        )
    if options.metrics:
        files.write_text(options.metrics, json.dumps(lasting(found), indent=1) + "\n")
        print(f"wrote {options.metrics}", file=sys.stderr)
    found["model"] = {key: model.info[key] for key in ("uri", "version")}
    print(json.dumps(found, indent=1) if options.json else report(found))
