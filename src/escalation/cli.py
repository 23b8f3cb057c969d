"""The command `escalation`: thin, and every mistake of a user ends in one line and exit code 2."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from escalation import __version__
from escalation.errors import ConfigError, EscalationError, ModelError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except EscalationError as error:
        print(f"escalation: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("escalation: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


_SERVE = (
    ("workers", int, "processes that each hold the model (default: one a core)"),
    ("batch", int, "most articles scored at once (default: 8)"),
    ("queue", int, "most articles that wait; then come answers of 503 (default: 256)"),
    ("max-bytes", int, "largest body of a request (default: 2000000)"),
    ("max-articles", int, "most articles of a request (default: 64)"),
    ("timeout", float, "seconds for a request to arrive, and to be scored (default: 30)"),
    ("poll", float, "seconds between looks for a new champion (default: 0, only POST /v1/reload looks)"),
)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="escalation", description="Score escalation language in news articles.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    score = commands.add_parser("score", help="how escalatory an article is, sentence by sentence")
    score.add_argument(
        "inputs", nargs="+", metavar="FILE|URL|-", help=".txt, .md, .html; a web address; - for standard input"
    )
    score.add_argument("--model", metavar="URI", help="any MLflow model URI (default: models:/escalation@champion)")
    score.add_argument(
        "--json", action="store_true", help="the score as JSON: one object, or a list for several inputs"
    )
    score.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page")
    score.add_argument(
        "--max-bytes", type=int, metavar="N", help="largest input taken (default: 2000000 or ESCALATION_MAX_BYTES)"
    )
    score.set_defaults(run=_score)

    _add_batch(commands)

    timeline = commands.add_parser("timeline", help="dated scores over time: csv, or a chart")
    timeline.add_argument("scores", metavar="SCORES", help="what `escalation batch` wrote, with a column of dates")
    timeline.add_argument("--date-column", default="date", metavar="NAME", help="default: date")
    timeline.add_argument("--by", metavar="NAME", help="column of the groups, for example source")
    timeline.add_argument("--every", choices=("day", "week"), default="day", help="default: day")
    timeline.add_argument("--csv", type=Path, metavar="OUT", help="write csv (default: to standard output)")
    timeline.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page with a chart")
    timeline.set_defaults(run=_timeline)

    evaluate = commands.add_parser("evaluate", help="how well a model answers a labelled file")
    evaluate.add_argument("file", type=Path, metavar="FILE", help="csv, tsv, jsonl or parquet")
    evaluate.add_argument("--codebook", default="ladder", help="ladder, or an event codebook: polarity, penta, root")
    evaluate.add_argument("--text-column", default="text", metavar="NAME")
    evaluate.add_argument("--label-column", default="label", metavar="NAME")
    evaluate.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="VALUE=LABEL",
        help="what a value of the label column means, e.g. 1=conflict",
    )
    evaluate.add_argument("--restrict", action="store_true", help="choose only among the labels that occur in the file")
    evaluate.add_argument("--model", metavar="URI", help="default: the champion that answers the codebook")
    evaluate.add_argument("--json", action="store_true")
    evaluate.set_defaults(run=_evaluate)

    behave = commands.add_parser("behave", help="what a model does with negation, expectation, metaphor, names …")
    behave.add_argument("--model", metavar="URI", help="default: models:/escalation@champion")
    behave.add_argument("--json", action="store_true")
    behave.set_defaults(run=_behave)

    serve = commands.add_parser("serve", help="score articles over HTTP: a page at /, the API at /docs")
    serve.add_argument("--model", metavar="URI", help="default: models:/escalation@champion")
    serve.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines too (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="0 for any that is free (default: 8000)")
    for name, kind, said in _SERVE:
        serve.add_argument(f"--{name}", type=kind, metavar="N", help=said, default=argparse.SUPPRESS)
    serve.add_argument("--log-text", action="store_true", help="log the articles, not only that they came")
    serve.set_defaults(run=_serve)

    corpora = commands.add_parser("corpora", help="the labelled corpora, and which of them are here")
    corpora.add_argument("--json", action="store_true")
    corpora.set_defaults(run=_corpora)

    fetch = commands.add_parser("fetch", help="download a public corpus and check it")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="a corpus of `escalation corpora`, or all")
    fetch.add_argument("--mirror", type=Path, metavar="DIR", help="take DIR/<host>/<path> (default: ESCALATION_MIRROR)")
    fetch.set_defaults(run=_fetch)

    leaderboard = commands.add_parser("leaderboard", help="runs side by side, and which is champion")
    leaderboard.add_argument("--codebook", help="only this one")
    leaderboard.add_argument("--md", action="store_true", help="write experiments/leaderboard.md")
    leaderboard.set_defaults(run=_leaderboard)

    compare = commands.add_parser(
        "compare", help="what one run does differently from another, on the same held-out rows"
    )
    for name in ("first", "second"):
        compare.add_argument(name, metavar="RUN", help="id or the start of one, name, or alias such as champion")
    compare.add_argument("--resamples", type=int, default=2000, metavar="N", help="of the paired bootstrap")
    compare.add_argument("--json", action="store_true")
    compare.add_argument("--html", type=Path, metavar="OUT", help="write a self-contained page")
    compare.set_defaults(run=_compare)

    promote = commands.add_parser("promote", help="move the alias to a run's model, if it passes configs/gate.yaml")
    promote.add_argument("wanted", metavar="RUN", help="id or the start of one, or name")
    promote.add_argument("--alias", help="default: that of the run's codebook (champion, champion-root …)")
    promote.add_argument("--force", metavar="REASON", help="move it although a check fails; the reason is logged")
    promote.add_argument("--json", action="store_true")
    promote.set_defaults(run=_promote)

    rollback = commands.add_parser("rollback", help="let an alias name again the version that it named before")
    rollback.add_argument("--alias", default="champion")
    rollback.set_defaults(run=_rollback)

    ui = commands.add_parser("ui", help="open the MLflow UI on the store")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(run=_ui)
    return parser


def _add_batch(commands: Any) -> None:
    batch = commands.add_parser("batch", help="score files of articles: jsonl, csv, parquet")
    batch.add_argument("source", metavar="IN", help="a file, a folder or a glob; any address that fsspec reaches")
    batch.add_argument("target", metavar="OUT", help="a file (.jsonl, .csv, .parquet), or a folder for a file a part")
    texts = batch.add_mutually_exclusive_group()
    texts.add_argument("--text-column", metavar="NAME", help="column of the texts (default: text)")
    texts.add_argument("--html-column", metavar="NAME", help="column of pages of HTML, of which the article is taken")
    batch.add_argument("--keep", action="append", metavar="NAME", help="column to keep (default: all); repeatable")
    batch.add_argument("--sentences", action="store_true", help="add a nested column with every sentence")
    batch.add_argument("--format", choices=("jsonl", "csv", "parquet"), help="of a folder (default: the input's)")
    batch.add_argument("--resume", action="store_true", help="go on where an earlier call was stopped")
    batch.add_argument("--engine", choices=("local", "spark"), default="local", help="default: local")
    batch.add_argument("--master", metavar="URL", help="of Spark (default: what spark-submit says, else this machine)")
    batch.add_argument("--workers", type=int, metavar="N", help="processes, each with the model (default: one a core)")
    batch.add_argument(
        "--part-rows", type=int, default=1000, metavar="N", help="most articles of a part (default: 1000)"
    )
    batch.add_argument("--max-bytes", type=int, metavar="N", help="longest text taken (default: 2000000)")
    batch.add_argument(
        "--model",
        metavar="URI",
        help="default: models:/escalation@batch, where there is none models:/escalation@champion",
    )
    batch.set_defaults(run=_batch)


def _score(options: argparse.Namespace) -> None:
    from escalation.scoring import documents
    from escalation.tracking import registry

    if options.html and options.html.resolve() in [Path(source).resolve() for source in options.inputs]:
        raise ConfigError(f"--html {options.html} is the article itself: name another file")
    texts = [documents.read(source, options.max_bytes) for source in options.inputs]
    scores = registry.load(options.model or "models:/escalation@champion").scorer().score([one.text for one in texts])
    if options.html:
        from escalation import files
        from escalation.scoring.page import page

        if len(texts) > 1:
            raise ConfigError("--html makes one page of one input: call it once for each")
        files.write_text(options.html, page(scores[0], texts[0].title))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.json:
        print(json.dumps(scores[0] if len(scores) == 1 else scores, ensure_ascii=False, indent=1))
    elif not options.html:
        from rich.console import Console

        from escalation.scoring.terminal import render

        console = Console(highlight=False)
        for one, score in zip(texts, scores, strict=True):
            render(score, one.title, console)


def _batch(options: argparse.Namespace) -> None:
    from escalation.scoring import batch, documents
    from escalation.tracking import registry

    job = batch.Job(
        options.source,
        options.target,
        options.html_column or options.text_column or "text",
        html=options.html_column is not None,
        keep=tuple(options.keep) if options.keep else None,
        sentences=options.sentences,
        format=options.format,
        rows=options.part_rows,
        most=documents.bytes_allowed(options.max_bytes),
    )
    located = registry.locate_first([options.model] if options.model else list(batch.MODELS))
    plan = batch.plan(job)
    model = {"uri": located.uri, "version": located.version}
    if options.engine == "spark":
        from escalation.scoring import spark

        tally = spark.run(plan, located, model, options.master, options.resume)
    else:
        tally = batch.run(plan, batch.lone(located), model, options.workers, options.resume)
    print(tally.line(), file=sys.stderr)
    print(options.target)


def _timeline(options: argparse.Namespace) -> None:
    from escalation import files
    from escalation.scoring import timeline

    found = timeline.timeline(options.scores, options.date_column, options.by, options.every)
    if options.html:
        from escalation.scoring.chart import page

        files.write_text(options.html, page(found, f"Escalation in {Path(options.scores).name}"))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.csv:
        files.write_text(options.csv, timeline.as_csv(found))
        print(f"wrote {options.csv}", file=sys.stderr)
    elif not options.html:
        print(timeline.as_csv(found), end="")
    if found.undated or found.unscored:
        print(f"left out: {found.undated:,} rows without a date, {found.unscored:,} without a score", file=sys.stderr)


def _evaluate(options: argparse.Namespace) -> None:
    from escalation.labelled import evaluate_file, report
    from escalation.tracking import registry

    pairs = [entry.partition("=") for entry in options.map]
    if not all(separator for _, separator, _ in pairs):
        raise ConfigError("--map takes VALUE=LABEL, for example --map 1=conflict --map 0=cooperation")
    model = registry.load(options.model) if options.model else registry.load_champion(options.codebook)
    found = evaluate_file(
        options.file,
        lambda texts: model.probabilities(texts, options.codebook),
        text_column=options.text_column,
        label_column=options.label_column,
        label_map={value: label for value, _, label in pairs},
        restrict=options.restrict,
    )
    found["model"] = {key: model.info[key] for key in ("uri", "version")}
    print(json.dumps(found, indent=1) if options.json else report(found))


def _behave(options: argparse.Namespace) -> None:
    from dataclasses import asdict

    from escalation import project
    from escalation.evaluation import behaviour
    from escalation.tracking import registry

    model = registry.load(options.model or "models:/escalation@champion")
    cases, swap = behaviour.read(project.checkout() / "data" / "behaviour")
    found = behaviour.behave(cases, swap, lambda texts: model.points(texts, "ladder"))
    print(json.dumps(asdict(found), ensure_ascii=False, indent=1) if options.json else behaviour.report(found))


def _serve(options: argparse.Namespace) -> None:
    import functools

    from escalation.serving.server import serve
    from escalation.serving.settings import Settings
    from escalation.tracking import registry

    named = {name: value for name, value in vars(options).items() if name in Settings.__dataclass_fields__}
    uri = options.model or "models:/escalation@champion"
    locate, version = functools.partial(registry.locate, uri), functools.partial(registry.version, uri)
    serve(locate, version, options.host, options.port, Settings(**named))


def _corpora(options: argparse.Namespace) -> None:
    from escalation import project
    from escalation.corpora import catalogue

    rows = [catalogue.status(spec) for spec in catalogue.catalogue(project.checkout() / "configs" / "corpus")]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    _print_table(rows, ("name", "state", "labels", "licence", "description"))


def _fetch(options: argparse.Namespace) -> None:
    from escalation import project
    from escalation.corpora import catalogue

    folder = project.checkout() / "configs" / "corpus"
    specs = catalogue.catalogue(folder)
    chosen = (
        [spec for spec in specs if spec.files]
        if options.names == ["all"]
        else [catalogue.CorpusSpec.load(name, folder) for name in options.names]
    )
    for spec in chosen:
        for path in catalogue.fetch(spec, options.mirror or catalogue.known_mirror()):
            print(path)


def _leaderboard(options: argparse.Namespace) -> None:
    from escalation import files, project
    from escalation.tracking import leaderboard

    rows = leaderboard.leaderboard(options.codebook)
    _print_table(rows, leaderboard.COLUMNS)
    if options.md:
        target = project.checkout() / "experiments" / "leaderboard.md"
        files.write_text(target, leaderboard.markdown(rows, options.codebook))
        print(f"wrote {target}", file=sys.stderr)


def _compare(options: argparse.Namespace) -> None:
    from escalation.tracking import comparing, logged

    found = comparing.compare(logged.find(options.first), logged.find(options.second), options.resamples)
    if options.html:
        from escalation import files
        from escalation.comparison.page import page

        files.write_text(options.html, page(found))
        print(f"wrote {options.html}", file=sys.stderr)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif not options.html:
        from rich.console import Console

        from escalation.comparison.terminal import render

        render(found, Console(highlight=False, markup=False))


def _promote(options: argparse.Namespace) -> None:
    from escalation.evaluation.gate import failed, table
    from escalation.tracking import logged, promotion

    done = promotion.promote(logged.find(options.wanted), options.alias, options.force)
    rows = [{**row, "passed": "pass" if row["passed"] else "FAIL"} for row in table(done.checks)]
    if options.json:
        told = {"run": done.run.id, "alias": done.alias, "version": done.version, "before": done.before}
        print(json.dumps({**told, "checks": table(done.checks)}, ensure_ascii=False, indent=1))
    else:
        _print_table(rows, ("passed", "name", "value", "limit"))
    faults = failed(done.checks)
    if done.version is None:
        raise ModelError(f"{done.run} is not promoted: {'; '.join(faults)}. Train a better one, or give --force REASON")
    before = f", before version {done.before}" if done.before and done.before != done.version else ""
    forced = f", by force: {'; '.join(faults)}" if faults else ""
    print(f"{done.run} is version {done.version}, {done.alias}{before}{forced}", file=sys.stderr)


def _rollback(options: argparse.Namespace) -> None:
    from escalation.tracking import registry

    left, now = registry.rollback(options.alias)
    print(f"{options.alias} is version {now} again, no longer {left}")


def _ui(options: argparse.Namespace) -> None:
    from escalation.tracking import overview, store

    if not store.uri().startswith(("sqlite:", "postgresql", "mysql", "mssql")):
        raise ConfigError(f"the store {store.shown(store.uri())} is a server: open that address, it has the UI itself")
    for name, place in overview.experiments(store.connect()).items():
        print(f"{name:<9} http://127.0.0.1:{options.port}/{place}", file=sys.stderr)
    # one process for one reader: MLflow's four, and its runners of jobs for language models, take minutes on a busy machine
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    served = ["--backend-store-uri", store.uri(), "--port", str(options.port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *served])


def _print_table(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no width to fold to
    console.print(table)


class _Parser(argparse.ArgumentParser):
    """Says a usage error in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exits, as argparse's own does
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    sys.exit(main())
