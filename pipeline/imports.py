"""What a stage's code is: `python pipeline/imports.py OUT MODULE …` writes the sha256 of every module of ours that these import.

Imports inside functions count, so nothing is missed; what only the page, the service or batch scoring use is not among them.
A stage that depends on OUT runs again when one of these modules has changed, and not when any other has.
"""

import json
import sys
from pathlib import Path

import grimp

from escalation import files, project


def imported(modules: list[str]) -> dict[str, str]:
    """Path, relative to the checkout, and sha256 of the modules, of all that they import, and of the packages above them."""
    graph = grimp.build_graph("escalation", cache_dir=None)
    unknown = [name for name in modules if name not in graph.modules]
    if unknown:
        raise SystemExit(f"no module {', '.join(unknown)}: mend the stage `code` in dvc.yaml")
    found = set(modules).union(*map(graph.find_upstream_modules, modules))
    paths = [_path(name) for name in found | {name.rpartition(".")[0] for name in found if "." in name}]
    return {path.relative_to(project.checkout()).as_posix(): files.sha256(path) for path in sorted(paths)}


def _path(name: str) -> Path:
    place = project.checkout() / "src" / Path(*name.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


if __name__ == "__main__":
    out, *names = sys.argv[1:]
    files.write_text(Path(out), json.dumps(imported(names), indent=1) + "\n")
