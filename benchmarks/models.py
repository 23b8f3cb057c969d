"""Every kind of model on the same rows: `make benchmark` writes experiments/benchmark/.

Figures are kept in experiments/benchmark/benchmark.json cell by cell, so a run that was stopped goes on. When data or
configurations have changed, what depends on them is measured anew.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from systems import BASE, DISTILLED, INTEGERS, SYSTEMS, TAUGHT, config, kept_as
from table import picture, table

from escalation import files, project
from escalation.models.lazy import torch_network
from escalation.progress import steps

ROOT = project.checkout()
REPORT = ROOT / "experiments" / "benchmark"
FOUND = REPORT / "benchmark.json"
SEEDS = {"ladder": (1, 2, 3), "events": (1, 2, 3), "aw": (1,)}
HERE = Path(__file__).parent
SUFFIXES = (".jsonl", ".yaml", ".sha256")


def main() -> None:
    """Measure what is not measured yet, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    asked = parser.parse_args()
    wanted = [
        (system, task, seed)
        for task in asked.tasks
        for seed in SEEDS[task]
        if seed in asked.seeds
        for system in SYSTEMS
        if system in asked.systems
    ]
    found = kept()
    with steps("benchmark", len(wanted)) as advance:
        for system, task, seed in wanted:
            if f"{system} · {task} · {seed}" not in found["cells"]:
                measured = cell(system, task, seed)
                where = {"machine": machine()}
                found["cells"] |= {f"{name} · {task} · {seed}": one | where for name, one in measured.items()}
                write(found)
            advance()
    for system in {key.split(" · ")[0] for key in found["cells"]}:
        folder = project.home() / "data" / "benchmark" / kept_as(system, "ladder", 1, "model")
        if folder.is_dir() and system not in found["speed"]:
            found["speed"][system] = speed(folder) | {"machine": machine()}
            write(found)
    write(found)
    print(table(found))


def kept() -> dict[str, Any]:
    """What was measured before on the same data with the same configurations."""
    made_of = {f"{system} · {task}": digest(system, task) for system in SYSTEMS for task in SEEDS}
    empty: dict[str, Any] = {"made_of": {}, "cells": {}, "speed": {}}
    before = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.is_file() else empty
    same = {key for key, value in made_of.items() if before["made_of"].get(key) == value}
    for system, task in (key.split(" · ") for key in made_of.keys() - same):
        for path in (project.home() / "data" / "benchmark").glob(kept_as(system, task, "*", "*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {
        "made_of": made_of,
        "cells": {key: one for key, one in before["cells"].items() if measured_by(key) in same},
        "speed": {key: one for key, one in before["speed"].items() if measured_by(f"{key} · ladder · 1") in same},
    }


def measured_by(key: str) -> str:
    """System and task whose cell gives a figure."""
    system, task, _ = key.split(" · ")
    return f"{DISTILLED if system == INTEGERS else system} · {task}"


def digest(system: str, task: str) -> str:
    """What a cell depends on beside the code: data, configurations, those of its teacher included."""
    learnt = [configured(one, task) for one in (system, *([BASE] if system in TAUGHT else []))]
    made_of = hashlib.sha256(json.dumps([learnt, data()], sort_keys=True).encode())
    return made_of.hexdigest()


@cache
def data() -> str:
    """The content of committed corpora, annotations, behaviour cases, held-out hashes and what is said of them."""
    made_of = hashlib.sha256()
    folders = [ROOT / "data" / name for name in ("authored", "annotations", "behaviour", "holdout")]
    folders += [ROOT / "configs" / name for name in ("codebook", "corpus")]
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES):
        content = path.read_text(encoding="utf-8")
        if path.parent.name == "codebook":  # how articles add up changes no figure of a sentence
            parts = yaml.safe_load(content)
            content = json.dumps({key: parts[key] for key in parts if key not in ("aggregation", "levels")})
        made_of.update(f"{path.name} {len(content)} {content}\n".encode())
    return made_of.hexdigest()


def configured(system: str, task: str) -> dict[str, Any]:
    """What a system learns from and by."""
    one = config(system, task, seed=1)
    parts = {key: OmegaConf.to_container(one[key], resolve=True) for key in ("model", "weights", "heads")}
    sentences = {"sentences": config(DISTILLED, task, seed=1).unlabelled_rows} if system in (BASE, *TAUGHT) else {}
    return {**parts, **sentences, "corpora": sorted(one.corpora)}


def cell(system: str, task: str, seed: int) -> dict[str, Any]:
    """Figures of a cell, by the systems that it measures."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [sys.executable, str(HERE / "cells.py"), system, task, str(seed), str(out)]
        done = subprocess.run(command, cwd=ROOT)
        if done.returncode:
            raise SystemExit(f"{system}, {task}, seed {seed} failed: what it said stands above")
        return json.loads(out.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def machine() -> str:
    """What times depend on: figures of several machines may stand in one table."""
    products = "bfloat16" if torch_network().fast() else "float32"
    return f"{platform.machine()}, {os.cpu_count()} cores that multiply {products}, Python {platform.python_version()}"


def speed(folder: Path) -> dict[str, Any]:
    """Sentences a second of an exported model on one core and on two, its size and the memory that it takes."""
    found: dict[str, Any] = {
        "mb": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)
    }
    for cores in (1, 2):
        command = [
            "taskset",
            "-c",
            ",".join(map(str, range(cores))),
            sys.executable,
            str(HERE / "pace.py"),
            str(folder),
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": str(cores), "RAYON_NUM_THREADS": str(cores)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        pace, memory = map(float, done.stdout.split())
        found |= {f"cores_{cores}": round(pace), "memory": round(memory)}
    return found


def write(found: dict[str, Any]) -> None:
    """The figures, the table and the picture."""
    content = {key: found[key] for key in ("made_of", "cells", "speed")}
    files.write_text(FOUND, json.dumps(content, indent=1, sort_keys=True) + "\n")
    files.write_text(REPORT / "README.md", table(content))
    with files.replacing(REPORT / "quality_speed.png") as temporary:
        picture(content).savefig(temporary, format="png", dpi=110)


if __name__ == "__main__":
    main()
