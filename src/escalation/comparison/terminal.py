"""Two runs side by side on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from escalation.comparison.wording import NAMES, amount, change, spoken

SHOWN = 8  # rows and cases of each kind on a terminal; --json and --html have all


def render(found: Mapping[str, Any], console: Console) -> None:
    """Print what `escalation.tracking.comparing.compare` found."""
    for place in ("first", "second"):
        run = found["runs"][place]
        told = f"{run['name']} ({run['model']}, {run['corpora']}, run {run['id'][:8]}, {run['started']}, commit {run['commit']})"
        console.print(Text.assemble((f"{place:<7}", "bold"), told))
    console.print(Text(found["verdict"], style="bold"))
    console.print(found["besides"])
    console.print(
        f"{found['n']} {found['unseen']} rows in {found['groups']} groups, "
        f"codebook {found['codebook']}, {found['resamples']} resamples\n"
    )
    console.print(_figures(found))
    one = found["mcnemar"]
    console.print(
        f"McNemar: the first alone is right on {one['only_first']} rows, the second alone on {one['only_second']}, "
        f"exact p {one['p']:.2g}\n"
    )
    if found["distances"]:
        console.print(_distances(found["distances"]))
        console.print()
    console.print(_per_class(found["per_class"]))
    console.print()
    if found["behaviour"]:
        _print_behaviour(found["behaviour"], console)
    console.print(_cost(found["cost"]))
    console.print()
    _print_flips(found, console)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _figures(found: Mapping[str, Any]) -> Table:
    table = _table("figure", "first", "second", "change", "95 % interval", "")
    for one in found["figures"]:
        interval = one["interval"]
        table.add_row(
            NAMES.get(one["name"], one["name"]),
            f"{one['first']:.3f}",
            f"{one['second']:.3f}",
            Text(f"{one['difference']:+.3f}", style=_style(one["better"])),
            f"{interval[0]:+.3f} to {interval[1]:+.3f}" if interval else "",
            {"second": "better", "first": "worse"}.get(one["better"], "") if one["decided"] else "",
            style="bold" if one["name"] == found["metric"] else "",
        )
    return table


def _distances(distances: Sequence[Sequence[int]]) -> Table:
    table = _table("off by (rungs)", "first", "second", "change")
    for rungs, (one, two) in enumerate(distances):
        better = (two > one) == (rungs == 0) if two != one else None
        table.add_row(
            "0, right" if rungs == 0 else str(rungs),
            str(one),
            str(two),
            Text(f"{two - one:+d}" if two != one else "", style="green" if better else "red"),
        )
    return table


def _per_class(classes: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("label", "rows", "F1 first", "F1 second", "change", "precision", "recall")
    for one in classes:
        a, b = one["first"], one["second"]
        table.add_row(
            spoken(one["label"]),
            str(one["support"]),
            f"{a['f1']:.3f}",
            f"{b['f1']:.3f}",
            Text(f"{one['f1_change']:+.3f}", style=_style(change({"first": a["f1"], "second": b["f1"]}))),
            f"{a['precision']:.2f} > {b['precision']:.2f}",
            f"{a['recall']:.2f} > {b['recall']:.2f}",
        )
    return table


def _print_behaviour(found: Mapping[str, Any], console: Console) -> None:
    table = _table("behaviour", "first", "second", "change")
    for one in found["rates"]:
        if one["first"] is not None and one["second"] is not None:
            table.add_row(
                one["name"],
                f"{100 * one['first']:.0f} %",
                f"{100 * one['second']:.0f} %",
                Text(f"{100 * (one['second'] - one['first']):+.0f}", style=_style(change(one))),
            )
    for one in found["kinds"]:
        if one["first"] != one["second"]:
            counts = (f"{one['first']} of {one['cases']}", f"{one['second']} of {one['cases']}")
            table.add_row(
                f"  {one['name']}", *counts, Text(f"{one['second'] - one['first']:+d}", style=_style(change(one)))
            )
    for one in found["swap"]:
        if one["first"] is not None and one["second"] is not None:
            moved = Text(f"{one['second'] - one['first']:+.1f}", style=_style(change(one, lower=True)))
            table.add_row(one["name"], f"{one['first']:.1f}", f"{one['second']:.1f}", moved)
    console.print(table)
    for kind, told in (("broken", "now fail"), ("mended", "now pass")):
        cases = found[kind]
        if cases:
            console.print(Text(f"{len(cases)} cases {told}", style="red" if kind == "broken" else "green"))
            for one in cases[:SHOWN]:
                console.print(Text(f"  {one['id']} ({one['kind']})  {one['texts']}", style="dim"))
            if len(cases) > SHOWN:
                console.print(Text(f"  and {len(cases) - SHOWN} more", style="dim"))
    console.print()


def _cost(costs: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("cost", "first", "second")
    for one in costs:
        if one["first"] is not None or one["second"] is not None:
            table.add_row(one["name"], amount(one["first"]), amount(one["second"]))
    return table


def _print_flips(found: Mapping[str, Any], console: Console) -> None:
    counts = found["flips"]["counts"]
    console.print(
        Text.assemble(
            (f"{sum(counts.values())} rows get another label", "bold"),
            f": {counts['mended']} mended, {counts['broken']} broken, {counts['moved']} wrong both times",
        )
    )
    for kind, style in (("broken", "red"), ("mended", "green")):
        for row in [one for one in found["flips"]["rows"] if one["kind"] == kind][:SHOWN]:
            answers = f"{spoken(row['first'])} > {spoken(row['second'])}"
            truth = f" (is {spoken(row['label'])})" if kind == "broken" else ""
            console.print(
                Text.assemble((f"{kind:<7}", style), (answers, "bold"), truth, f"  {row['source']}:{row['id']}")
            )
            if row["text"]:
                console.print(Text(f"        {row['text']}", style="dim"))
    for reason in found["texts_missing"]:
        console.print(Text(f"no text of {reason}", style="dim"))


def _style(better: str) -> str:
    return {"second": "green", "first": "red"}.get(better, "")
