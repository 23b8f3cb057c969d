"""The page of `make bench-scale`."""

from collections.abc import Callable, Mapping
from typing import Any

from articles import SENTENCES
from stages import FEATURES, FIGURES, HEAD, IO, PARSE

Found = Mapping[str, Any]


def page(report: Mapping[str, Found]) -> str:
    """All sections that have been measured."""
    lines = [
        "# Scoring files",
        "",
        f"Made by `make bench-scale`: articles of about {SENTENCES} authored sentences each, JSON lines in, parquet out. "
        "Every run is a process of",
        "its own, called as a user would. Memory is that of all its processes together, shared pages counted in proportion, "
        "five looks a second.",
        "",
    ]
    return "\n".join(lines) + "\n".join(SECTIONS[name](report[name]) for name in SECTIONS if name in report)


def _about(found: Found) -> str:
    machine, model = found["machine"], found["model"]
    version = f" version {model['version']}" if model["version"] else ""
    return (
        f"`{model['uri']}`{version}; {machine['cores']} cores of {machine['processor']}, Python {machine['python']}; "
        f"{found['date']}, load average before: {found['load_average']:.2f}.\n"
    )


def sizes(found: Found) -> str:
    """How time and memory grow."""
    lines = [
        "## A million articles\n",
        _about(found),
        "| articles | seconds | articles/s | µs an article | processor µs an article | peak MB |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    runs = {int(count): run for count, run in found.get("runs", {}).items()}
    for count, run in sorted(runs.items()):
        lines.append(
            f"| {count:,} | {run['seconds']:,.1f} | {count / run['seconds']:,.0f} | {run['seconds'] * 1e6 / count:,.0f} | "
            f"{run['processor_seconds'] * 1e6 / count:,.0f} | {run['peak_mb']:,.0f} |"
        )
    if len(runs) > 1:
        least, *_, middle, most = [min(runs), *sorted(runs)]
        times = [runs[count]["seconds"] / count for count in (most, middle)]
        lines.append(
            f"\nTime an article at {most:,} against {middle:,}: {times[0] / times[1] - 1:+.1%}. "
            f"Peak memory at {most:,} against {least:,}: {runs[most]['peak_mb'] / runs[least]['peak_mb'] - 1:+.1%}."
        )
    return "\n".join(lines) + "\n"


def stages(found: Found) -> str:
    """Where the time goes."""
    whole = found["whole"]
    lines = [
        "## Where the time goes\n",
        _about(found),
        f"Processor time of one core over {found['articles']:,} articles, {whole:,.0f} µs each, every stage run alone.\n",
        "| | stage | µs an article | share |",
        "|---|---|---:|---:|",
    ]
    for group in (PARSE, FEATURES, HEAD, IO, FIGURES):
        own = [stage for stage in found["stages"] if stage["group"] == group]
        total = sum(stage["us"] for stage in own)
        lines.append(f"| **{group}** | | **{total:.0f}** | **{total / whole:.0%}** |")
        lines += [f"| | {one['stage']} | {one['us']:.0f} | {one['us'] / whole:.0%} |" for one in own]
    cleaning = sum(stage["us"] for stage in found["stages"] if stage["group"] == PARSE)
    return "\n".join([*lines, f"\nSplitter and text cleaning: {cleaning / whole:.0%}.\n"])


def kills(found: Found) -> str:
    """What kills have cost."""
    lives = "; ".join(f"{one['seconds']:.1f} s, {one['after'] - one['before']}" for one in found["lives"])
    return (
        f"## kill -9\n\n{_about(found)}\nA job of {found['articles']:,} articles was killed {len(found['lives'])} times, "
        f"each time at a random moment (seed {found['seed']}), and resumed.\n"
        f"Seconds after its start, and parts written in them: {lives}.\n\n"
        f"Against a run that nothing disturbed: {_said(found['compared'])} Files left behind: {len(found['left'])}.\n"
    )


def spark(found: Found) -> str:
    """Spark beside the local engine."""
    lines = [
        "## Spark\n",
        _about(found),
        f"`--master local[2]` and `--workers 2` over {found['articles']:,} articles. The time after the start is the call's "
        "own: it begins when the input has been\nlooked at and, on Spark, the session stands; the start of Python processes "
        "and their loading of the model is in it, with either engine.\n",
        "| engine | seconds after the start | whole process | processor s | peak MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, run in found["runs"].items():
        times = " | ".join(f"{run[key]:,.1f}" for key in ("own_seconds", "seconds", "processor_seconds"))
        lines.append(f"| {name} | {times} | {run['peak_mb']:,.0f} |")
    if "spark" in found["runs"]:
        ratio = found["runs"]["spark"]["own_seconds"] / found["runs"]["local"]["own_seconds"]
        lines.append(f"\nSpark took {ratio:.2f} times the local engine's time.")
    if "compared" in found:
        lines.append(f"Spark's output against the local one's: {_said(found['compared'])}")
    if "compared_killed" in found:
        lines.append(
            f"With a worker of Spark killed (signal 9) when {found['parts_at_the_kill']} of {found['parts']} parts were there: "
            f"{_said(found['compared_killed'])}"
        )
    return "\n".join(lines) + "\n"


def horrors(found: Found) -> str:
    """What became of the folder of horrors."""
    lines = [
        "## A folder of horrors\n",
        _about(found),
        "| file | what it is | good rows | scored | bad rows | reported |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for one in found["files"]:
        counts = " | ".join(str(one[name]) for name in ("good", "scored", "bad", "reported"))
        lines.append(f"| `{one['name']}` | {one['what']} | {counts} |")
    totals = [sum(one[name] for one in found["files"]) for name in ("good", "scored", "bad", "reported")]
    lines.append(f"| all | | {' | '.join(map(str, totals))} |")
    lines.append(f"\n{found['rows']} rows came out, peak memory {found['run']['peak_mb']:,.0f} MB.")
    return "\n".join(lines) + "\n"


def _said(compared: Found) -> str:
    one, other = compared["rows"]
    return (
        f"{one:,} rows and {other:,}, in the same order; the largest difference of a figure is {compared['difference']:g}, "
        f"and {compared['differ']:,} rows differ in anything else."
    )


SECTIONS: Mapping[str, Callable[[Found], str]] = {
    "sizes": sizes,
    "stages": stages,
    "kills": kills,
    "spark": spark,
    "horrors": horrors,
}
