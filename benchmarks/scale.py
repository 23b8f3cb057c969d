"""How scoring grows: `make bench-scale` scores articles made of authored sentences and writes experiments/scale/.

Every run is a process of its own with a static model, as `escalation batch` is called; sizes and the model are options.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from escalation import files, project
from escalation.scoring import batch, language, rows, sentences
from escalation.scoring.article import ArticleScorer
from escalation.scoring.tables import reading, sources
from escalation.tracking import registry

ROOT = project.checkout()
REPORT = ROOT / "experiments" / "scale"
SENTENCES = 12  # an article
SAMPLE = 2_000  # articles of which the stages are timed
SEED = 2026


def articles(count: int) -> Iterator[dict[str, Any]]:
    """Rows with an id, a source, a date and a text of about twelve authored sentences in four paragraphs."""
    known = [
        json.loads(line)["text"]
        for path in sorted((ROOT / "data" / "authored").glob("*.jsonl"))
        for line in path.open(encoding="utf-8")
    ]
    chance = random.Random(SEED)
    for number in range(count):
        most = chance.randint(SENTENCES - 4, SENTENCES + 4)
        chosen = chance.choices(known, k=most)
        text = "\n\n".join(" ".join(chosen[start : start + 3]) for start in range(0, most, 3))
        day = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        yield {"id": number, "source": f"paper {number % 7}", "date": day, "text": text}


def made(folder: Path, count: int) -> Path:
    """The articles as a file of JSON lines."""
    path = folder / f"{count}.jsonl"
    with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in articles(count))
    return path


def scored(source: Path, target: Path, *options: str) -> dict[str, float]:
    """Wall seconds of `escalation batch`, its own seconds after its start, and the peak memory of all its processes in MB."""
    binary = str(Path(sys.executable).with_name("escalation"))
    began = time.perf_counter()
    process = psutil.Popen(
        [binary, "batch", str(source), str(target), *options], stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended between two looks
            peak = max(peak, sum(_memory(one) for one in (process, *process.children(recursive=True))))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"escalation batch failed on {source.name}; what it said stands above")
    return {"seconds": time.perf_counter() - began, "peak_mb": peak / 2**20}


def _memory(process: psutil.Process) -> int:
    """Bytes of a process, shared ones in proportion; 0 where it has just ended."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0


def stages(scorer: ArticleScorer, path: Path) -> dict[str, float]:
    """CPU microseconds an article of what scoring does, each stage run alone over the first articles of a file, on one core."""
    (source,) = sources.found(str(path))
    found: dict[str, float] = {}

    def timed(name: str, work: Any) -> Any:
        began = time.process_time()
        given = work()
        found[name] = (time.process_time() - began) * 1e6 / SAMPLE
        return given

    head = path.with_suffix(".head.jsonl")
    with path.open(encoding="utf-8") as stream:
        head.write_text("".join(line for line, _ in zip(stream, range(SAMPLE), strict=False)), encoding="utf-8")
    (source,) = sources.found(str(head))
    pieces = timed("io: read", lambda: list(reading.chunks(reading.Piece(source, 0), 1000, 2_000_000)))
    parsed = timed("io: parse", lambda: [rows.records(chunk)[0] for chunk in pieces])
    texts = [row["text"] for part in parsed for row in part]
    scorer.score(texts[:50], drivers=False, sentences=False)  # what is loaded late is loaded
    split = timed("split", lambda: [sentences.split(text) for text in texts])
    flat = [sentences.plain(span.text) for spans in split for span in spans]
    if hasattr(scorer.model, "model"):  # an ONNX file: what it is asked, then what it answers
        timed(
            "features",
            lambda: [scorer.model.model.tokens(flat[start : start + 1000]) for start in range(0, len(flat), 1000)],
        )
    head_and_features = timed(
        "model", lambda: [scorer.model.predict_proba(flat[start : start + 1000]) for start in range(0, len(flat), 1000)]
    )
    assert head_and_features
    found["head"] = found.pop("model") - found.get("features", 0.0)
    timed("language", lambda: [language.language(text) for text in texts])
    if scorer.familiar:
        timed("words never seen", lambda: [scorer.familiar.new(text) for text in texts])
    begun = sum(value for name, value in found.items() if not name.startswith("io"))
    scores = timed(
        "whole",
        lambda: [
            score
            for start in range(0, len(texts), 100)
            for score in scorer.score(texts[start : start + 100], drivers=False, sentences=False)
        ],
    )
    found["aggregation and the rest"] = max(found.pop("whole") - begun, 0.0)
    listed = [row for part in parsed for row in part]
    timed("io: write", lambda: batch.writing.as_jsonl(listed, scores))
    head.unlink()
    return found


def table(runs: list[dict[str, Any]]) -> str:
    """The runs, a row each."""
    lines = ["| engine | articles | seconds | articles/s | ms an article | peak MB |", "|---|---|---|---|---|---|"]
    for one in runs:
        lines.append(
            f"| {one['engine']} | {one['articles']:,} | {one['seconds']:.1f} | {one['articles'] / one['seconds']:,.0f} | "
            f"{1000 * one['seconds'] / one['articles']:.3f} | {one['peak_mb']:,.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--spark", type=int, default=200_000, help="articles for Spark and the local engine; 0: no Spark"
    )
    parser.add_argument("--model", help="default: as escalation batch")
    parser.add_argument("--format", default="parquet", choices=("parquet", "jsonl", "csv"))
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    model = ["--model", options.model] if options.model else []
    located = registry.locate_first([options.model] if options.model else list(batch.MODELS))
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=project.home()) as name:
        folder = Path(name)
        for engine, count in [
            *(("local", size) for size in options.sizes),
            *((engine, options.spark) for engine in ("local", "spark") if options.spark),
        ]:
            source, out = made(folder, count), folder / f"out.{options.format}"
            words = ["--engine", "spark", "--master", "local[2,4]"] if engine == "spark" else []
            runs.append({"engine": engine, "articles": count, **scored(source, out, *model, *words)})
            print(table(runs[-1:]).splitlines()[-1], file=sys.stderr)
            out.unlink()
            source.unlink()
        split = stages(located.load(threads=1).scorer(), made(folder, SAMPLE))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    whole = sum(split.values())
    report = {
        "runs": runs,
        "stages_us_an_article": split,
        "model": {"uri": located.uri, "version": located.version},
        "machine": {"cores": len(os.sched_getaffinity(0)), "processor": platform.processor() or platform.machine()},
        "python": platform.python_version(),
    }
    files.write_text(options.report / "metrics.json", json.dumps(report, indent=1) + "\n")
    shares = "\n".join(f"| {name} | {value:.0f} | {value / whole:.0%} |" for name, value in split.items())
    files.write_text(
        options.report / "README.md",
        f"# Scoring files\n\n`make bench-scale`: articles of about {SENTENCES} authored sentences, "
        f"{len(os.sched_getaffinity(0))} cores, model {located.uri} (version {located.version}), JSON lines to {options.format}; "
        "whole processes, start included; memory of all processes together.\n\n"
        f"{table(runs)}\n\nWhere the time goes, CPU microseconds an article on one core:\n\n"
        f"| stage | µs | share |\n|---|---|---|\n{shares}\n",
    )
    print((options.report / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
