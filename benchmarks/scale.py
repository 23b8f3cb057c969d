"""What `escalation batch` costs and bears: `make bench-scale` measures it and writes experiments/scale/.

Every run is a process of its own, called as a user would. `--only` measures one section and keeps the results of the others; what
has been measured is written at once, so that a benchmark that was stopped can go on.
"""

import argparse
import dataclasses
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import batched
import scale_page
from articles import articles, made
from horrors import folder_of_horrors
from load import processor
from stages import stages

from escalation import files, project
from escalation.scoring import batch
from escalation.tracking import registry

REPORT = project.checkout() / "experiments" / "scale"
WORKERS = 2
SAMPLE = 2000  # articles of which the stages are timed
KILLS = 10
PARTS = 100  # of the job that is killed
LIVES = 2 * KILLS  # of so many equal ones it would last, so it cannot end before the last kill


class Bench:
    """The sections, each a method that returns what it found.

    Parameters
    ----------
    options : argparse.Namespace
    folder : Path
        For inputs and outputs.
    """

    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options = options
        self.folder = folder
        self.model = ["--model", options.model] if options.model else []

    def sizes(self, found: dict[str, Any], save: Callable[[], None]) -> None:
        """Articles a second and memory of one input after the other, each ten times as large."""
        found.pop("runs", None)
        for count in self.options.sizes:
            source, out = made(self.folder, count), self.folder / "out.parquet"
            run = batched.watched(source, out, *self.model, "--workers", WORKERS)
            found.setdefault("runs", {})[str(count)] = dataclasses.asdict(run)
            save()
            out.unlink()
            source.unlink()

    def stages(self, found: dict[str, Any], save: Callable[[], None]) -> None:
        """Where the time goes."""
        located = registry.locate_first([self.options.model] if self.options.model else list(batch.MODELS))
        found.update(stages(located, made(self.folder, SAMPLE), self.folder / "parts"))
        save()

    def kills(self, found: dict[str, Any], save: Callable[[], None]) -> None:
        """One job, killed ten times at random moments and resumed each time, against one that nothing disturbed."""
        source = made(self.folder, self.options.killed)
        whole, out = self.folder / "whole.parquet", self.folder / "killed" / "out.parquet"
        out.parent.mkdir()
        options = (*self.model, "--workers", WORKERS, "--part-rows", max(self.options.killed // PARTS, 1))
        run = batched.watched(source, whole, *options)
        words = (source, out, *options, "--resume")
        chance = random.Random(self.options.seed)
        lives = []

        def there() -> int:
            return len(list(out.parent.glob(f"{out.name}.parts/part-*")))

        for number in range(KILLS):
            # parts that it writes in this life; with none it is killed while it starts
            before, wanted = there(), chance.randrange(2 * PARTS // LIVES)
            pause = chance.uniform(0, run.own_seconds / PARTS if wanted else run.seconds - run.own_seconds)
            process, began = batched.begun(*words), time.perf_counter()
            while process.poll() is None and there() < before + wanted:
                time.sleep(0.01)
            time.sleep(pause)
            if not batched.killed(process):
                raise SystemExit(f"the job ended before kill {number + 1}: raise --killed, now {self.options.killed}")
            lives.append({"seconds": time.perf_counter() - began, "before": before, "after": there()})
        batched.ended(batched.begun(*words))
        left = [path.name for path in out.parent.iterdir() if path != out]
        found.update(articles=self.options.killed, seed=self.options.seed, lives=lives, left=left)
        found["compared"] = batched.compared(out, whole)
        save()

    def spark(self, found: dict[str, Any], save: Callable[[], None]) -> None:
        """Spark's engine against the local one, undisturbed and with a worker killed."""
        source = made(self.folder, self.options.spark)
        spark = ("--engine", "spark", "--master", f"local[{WORKERS}]")
        local, cluster, hurt = (self.folder / name for name in ("local.parquet", "spark.parquet", "hurt"))
        found.update(articles=self.options.spark, runs={})
        for name, out, engine in (("local", local, ("--workers", WORKERS)), ("spark", cluster, spark)):
            found["runs"][name] = dataclasses.asdict(batched.watched(source, out, *self.model, *engine))
            save()
        found["compared"] = batched.compared(cluster, local)
        save()
        process = batched.begun(source, hurt, "--format", "parquet", *self.model, *spark)
        if not batched.spark_worker_killed(process, hurt):
            raise SystemExit(f"no worker of Spark was there to be killed: raise --spark, now {self.options.spark}")
        found["parts_at_the_kill"] = len(list(hurt.glob("part-*")))
        batched.ended(process)
        found["parts"] = len(list(hurt.glob("part-*")))
        found["compared_killed"] = batched.compared(hurt, local)
        save()

    def horrors(self, found: dict[str, Any], save: Callable[[], None]) -> None:
        """The folder of horrors: what became of the rows of each file."""
        folder, out = self.folder / "horrors", self.folder / "horrors.jsonl"
        made_of = folder_of_horrors(folder, [row["text"] for row in articles(20)])
        found["run"] = dataclasses.asdict(batched.watched(folder, out, *self.model, "--workers", WORKERS))
        rows = [json.loads(line) for line in out.open(encoding="utf-8")]
        found["files"] = [
            {
                **dataclasses.asdict(horror),
                "good": len(horror.good),
                "scored": sum(row["error"] is None and row["id"] in horror.good for row in rows),
                "reported": sum((row["error"] or "").startswith(horror.name) for row in rows),
            }
            for horror in made_of
        ]
        found["rows"] = len(rows)
        save()


SECTIONS = ("sizes", "stages", "kills", "spark", "horrors")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="articles of each run"
    )
    parser.add_argument("--killed", type=int, default=50_000, help="articles of the job that is killed")
    parser.add_argument("--spark", type=int, default=200_000, help="articles of the runs on Spark and beside it")
    parser.add_argument("--seed", type=int, default=7, help="of the moments at which the job is killed")
    parser.add_argument("--model", help="default: as escalation batch")
    parser.add_argument("--report", type=Path, default=REPORT, metavar="FOLDER")
    options = parser.parse_args(arguments)
    located = registry.locate_first([options.model] if options.model else list(batch.MODELS))
    figures = options.report / "metrics.json"
    report: dict[str, Any] = json.loads(figures.read_text(encoding="utf-8")) if figures.is_file() else {}
    about = {
        "model": {"uri": located.uri, "version": located.version},
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "processor": processor(),
            "python": platform.python_version(),
        },
    }

    def save() -> None:
        files.write_text(
            figures, json.dumps({name: report[name] for name in SECTIONS if name in report}, indent=1) + "\n"
        )
        files.write_text(options.report / "README.md", scale_page.page(report))

    for name in options.only:
        with tempfile.TemporaryDirectory(dir=project.home(), prefix="bench-scale-") as folder:
            before = round(os.getloadavg()[0], 2)
            report[name] = {**about, "date": f"{datetime.now(UTC):%Y-%m-%d}", "load_average": before}
            getattr(Bench(options, Path(folder)), name)(report[name], save)
            print(scale_page.SECTIONS[name](report[name]), file=sys.stderr)


if __name__ == "__main__":
    main()
