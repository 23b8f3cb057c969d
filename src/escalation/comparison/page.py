"""Two runs side by side as one web page that needs nothing else: no script, no font, no address."""

from collections.abc import Mapping
from typing import Any

from escalation import templates
from escalation.comparison import wording

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
    return templates.page("escalation.comparison").render(
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
