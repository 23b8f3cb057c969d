"""Two runs side by side as one web page that needs nothing else: no script, no font, no address."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from escalation.comparison import wording

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN = 60  # rows of a kind that the page lists


def page(found: Mapping[str, Any]) -> str:
    """HTML page of a comparison.

    Parameters
    ----------
    found : mapping
        As `escalation.tracking.comparing.compare` makes it. All text is escaped.
    """
    resampled = [one for one in found["figures"] if one["interval"]]
    ends = (abs(end) for one in resampled for end in (*one["interval"], one["difference"]))
    reach = max(ends, default=0.0) or 1.0
    rows = {
        kind: [row for row in found["flips"]["rows"] if row["kind"] == kind] for kind in ("broken", "mended", "moved")
    }
    return _template().render(
        found=found,
        lead=next(one for one in found["figures"] if one["name"] == found["metric"]),
        names=wording.NAMES,
        spoken=wording.spoken,
        amount=wording.amount,
        change=wording.change,
        across=lambda value: round(50 + 48 * value / reach, 2),
        most=max((max(pair) for pair in found["distances"]), default=1),
        rows=rows,
        shown=SHOWN,
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("escalation.comparison", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")
