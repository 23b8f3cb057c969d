"""What the daily commands cost, each as a whole process: `make bench` writes experiments/speed/.

Every command is run in a fresh store; the median of the runs is reported.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from escalation import files, project

RUNS = 5
ROOT = project.checkout()
ARTICLE = (
    "The minister said on Tuesday that two divisions had moved to the frontier and that reservists would be called up. "
    "Officials in the capital expect an attack within days. A spokesman for the other side denied any plan to invade.\n\n"
    "Talks in Geneva were put off without a new date. The harvest festival went ahead in the rain."
)


def timed(command: list[str], home: Path) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a command that must succeed."""
    environment = {**os.environ, "ESCALATION_HOME": str(home)}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed; what it said stands above")
    return seconds, usage.ru_maxrss / 1024


def repeated(command: list[str], home: Path, runs: int = RUNS) -> tuple[float, float]:
    """Median seconds and largest memory over `runs`, after one that is not counted."""
    timed(command, home)
    figures = [timed(command, home) for _ in range(runs)]
    return statistics.median(seconds for seconds, _ in figures), max(memory for _, memory in figures)


def throughput(home: Path) -> float:
    """Sentences a second of the champion on one core, over distinct sentences of the authored corpus."""
    program = (
        "import json,sys,time;from pathlib import Path;from escalation.tracking import registry;"
        "files=sorted(Path('data/authored').glob('*.jsonl'));"
        "texts=[json.loads(l)['text'] for p in files for l in p.open(encoding='utf-8')];"
        "texts=[f'{t} {i}' for i in range(5) for t in texts];model=registry.load('models:/escalation@champion').model;"
        "model.predict_proba(texts[:100]);began=time.perf_counter();model.predict_proba(texts);"
        "print(len(texts)/(time.perf_counter()-began))"
    )
    command = ["taskset", "-c", "0", sys.executable, "-c", program]
    environment = {**os.environ, "ESCALATION_HOME": str(home), "OMP_NUM_THREADS": "1"}
    rates = [
        float(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return statistics.median(rates)


def main() -> None:
    """Measure and write."""
    python, command = sys.executable, str(Path(sys.executable).with_name("escalation"))
    with tempfile.TemporaryDirectory() as folder:
        home, article = Path(folder), Path(folder) / "article.txt"
        article.write_text(ARTICLE, encoding="utf-8")
        train_seconds, train_memory = timed([python, "train.py"], home)
        print(f"train.py {train_seconds:.1f} s", file=sys.stderr)
        help_seconds, _ = repeated([command, "--help"], home)
        score_seconds, score_memory = repeated([command, "score", str(article)], home)
        rows = [
            ("`python train.py`, fresh store, 2 cores", "s", train_seconds, "under 60"),
            ("its peak memory", "MB", train_memory, ""),
            ("`escalation --help`", "s", help_seconds, "under 0.5"),
            ("`escalation score` of one article, cold", "s", score_seconds, "under 3"),
            ("its peak memory", "MB", score_memory, ""),
            ("TF-IDF model, one core", "sentences/s", throughput(home), "over 5,000"),
        ]
        if os.environ.get("ESCALATION_MIRROR") or (project.home() / "data" / "raw" / "plv").is_dir():
            seconds, memory = timed([python, "train.py", "experiment=events_tfidf"], home)
            rows += [
                ("training on all event corpora", "s", seconds, ""),
                ("its peak memory", "MB", memory, "under 1,500"),
            ]
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
    lines = [
        "# Speed",
        "",
        f"Made by `make bench` on {machine}. Medians of {RUNS} runs of whole commands, training once.",
        "",
    ]
    lines += ["| what | unit | measured | target |", "|---|---|---:|---|"]
    lines += [f"| {what} | {unit} | {value:,.2f} | {target} |" for what, unit, value, target in rows]
    report = ROOT / "experiments" / "speed"
    files.write_text(report / "README.md", "\n".join(lines) + "\n")
    content = [
        {"what": what, "unit": unit, "measured": round(value, 3), "target": target}
        for what, unit, value, target in rows
    ]
    files.write_text(report / "speed.json", json.dumps({"machine": machine, "rows": content}, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
