"""What two runs know together of the same rows."""

import pandas as pd

from escalation.tracking.logged import tied


def groups(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"group": names})


def test_rows_that_either_run_ties_together_are_one_group() -> None:
    one = groups("a", "a", "b", "", "", "c")
    two = groups("x", "y", "y", "", "z", "z")
    found = tied(one, two)
    assert found[0] == found[1] == found[2]  # a ties the first two, y the second and the third
    assert found[4] == found[5] != found[0]
    assert len(set(found)) == 3
