"""A timeline as one web page that needs nothing else: lines to point at, zoom and switch, and the peaks' articles below."""

import html
from datetime import timedelta
from typing import Any

from escalation.errors import ConfigError
from escalation.scoring.tables.columns import FIGURES
from escalation.scoring.timeline import Point, Timeline
from escalation.scoring.wording import printable

MOST_GROUPS = 10  # lines in one chart that an eye can tell apart; those with most articles
# Okabe and Ito (2008), colours that all eyes tell apart, and more in the same spirit
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#333333", "#80ba5a", "#a5aa99")


def page(found: Timeline, title: str) -> str:
    """The page.

    Raises
    ------
    ConfigError
        plotly is missing.
    """
    try:
        import plotly.graph_objects as go
    except ImportError:
        raise ConfigError("the chart takes plotly: pip install -e '.[chart]', or leave --html out") from None
    sizes: dict[str, int] = {}
    for point in found.points:
        sizes[point.group] = sizes.get(point.group, 0) + point.count
    shown = sorted(sorted(sizes, key=lambda group: -sizes[group])[:MOST_GROUPS])
    figure = go.Figure()
    for name in FIGURES:
        for place, group in enumerate(shown):
            points = [point for point in found.points if point.group == group]
            for trace in _traces(points, name, COLOURS[place], found.every):
                figure.add_trace({**trace, "visible": name == "escalation"})
    each = len(figure.data) // len(FIGURES)
    buttons = [
        {
            "label": name.replace("_", "-"),
            "method": "restyle",
            "args": ["visible", [number // each == place for number in range(len(figure.data))]],
        }
        for place, name in enumerate(FIGURES)
    ]
    figure.update_layout(
        template="plotly_white",
        hovermode="closest",
        yaxis={"range": [0, 100], "title": "points, mean of the articles, 90 % interval"},
        xaxis={"title": found.every},
        updatemenus=[
            {"buttons": buttons, "type": "buttons", "direction": "right", "x": 0, "y": 1.12, "xanchor": "left"}
        ],
        height=600,
    )
    chart = figure.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False, "responsive": True})
    left = len(sizes) - len(shown)
    note = f"<p>{left} groups with fewer articles are left out of the chart.</p>" if left else ""
    return _PAGE.format(
        title=_escaped(title), chart=chart, note=note, peaks=_peaks([one for one in found.points if one.group in shown])
    )


def _traces(points: list[Point], name: str, colour: str, every: str) -> list[dict[str, Any]]:
    """The band of a group and its line; where a period has no articles both are cut."""
    step = timedelta(days=7 if every == "week" else 1)
    days: list[str] = []
    line: list[Point | None] = []
    for before, point in zip([None, *points], points, strict=False):
        if before and point.period - before.period > step:
            days.append(str(before.period + step))
            line.append(None)
        days.append(str(point.period))
        line.append(point)
    group = _escaped(points[0].group)
    band = {
        "type": "scatter",
        "x": [str(one.period) for one in points] + [str(one.period) for one in reversed(points)],
        "y": [one.low[name] for one in points] + [one.high[name] for one in reversed(points)],
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.15,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "legendgroup": group,
        "showlegend": False,
        "mode": "lines",
    }
    main = {
        "type": "scatter",
        "x": days,
        "y": [one and round(one.means[name], 2) for one in line],
        "name": group,
        "legendgroup": group,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {
            "size": [12 if one and one.peak else 5 for one in line],
            "symbol": ["star" if one and one.peak else "circle" for one in line],
        },
        "text": [one and _hover(one, name) for one in line],
        "hovertemplate": "%{text}<extra></extra>",
    }
    return [band, main]


def _hover(point: Point, name: str) -> str:
    articles = "".join(f"<br>{one.escalation:.0f}  {_escaped(one.name)}" for one in point.drivers)
    count = f"{point.count:,} article{'s' if point.count > 1 else ''}"
    return (
        f"<b>{_escaped(point.group)}, {point.period}</b><br>{name.replace('_', '-')} {point.means[name]:.1f} "
        f"({point.low[name]:.1f} to {point.high[name]:.1f}), {count}{articles}"
    )


def _peaks(points: list[Point]) -> str:
    rows = [
        f"<tr><td>{point.period}</td><td>{_escaped(point.group)}</td><td>{point.means['escalation']:.0f}</td><td>{point.count:,}"
        "</td><td><ol>"
        + "".join(f"<li>{one.escalation:.0f} · {_escaped(one.name)}</li>" for one in point.drivers)
        + "</ol></td></tr>"
        for point in sorted((one for one in points if one.peak), key=lambda one: -one.means["escalation"])
    ]
    return "".join(rows) or '<tr><td colspan="5">No period stands out.</td></tr>'


def _escaped(text: str) -> str:
    return html.escape(printable(text))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1rem; color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-top: 1px solid #ddd }}
ol {{ margin: 0; padding-left: 1.2rem }}
</style></head><body>
<h1>{title}</h1>
{chart}
{note}
<h2>Peaks, and the articles that drove them</h2>
<table><thead><tr><th>from</th><th>group</th><th>escalation</th><th>articles</th><th>the most escalatory</th></tr></thead>
<tbody>{peaks}</tbody></table>
</body></html>
"""
