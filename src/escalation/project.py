"""Where things are: the checkout (what git holds) and the home (what this project makes)."""

import os
from pathlib import Path


def checkout() -> Path:
    """Folder with ``configs/`` and ``data/``: the working directory or a parent of it, else the package's own checkout."""
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "configs" / "train.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]


def home() -> Path:
    """Folder for the MLflow store, fetched corpora and caches: ``ESCALATION_HOME``, else the checkout."""
    named = os.environ.get("ESCALATION_HOME")
    return Path(named).resolve() if named else checkout()


def codebooks() -> Path:
    """Folder of the codebooks that ship, one YAML each."""
    return checkout() / "configs" / "codebook"
