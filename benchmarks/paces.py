"""What the models of dvc.yaml cost: `python benchmarks/paces.py OUT` writes their speed on one core, memory and size.

The models are the folders of data/models, as `train.py export=` wrote them; each is measured in a process of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from escalation import exported, files, project

ROOT = project.checkout()
PACE = Path(__file__).with_name("pace.py")


def pace(folder: Path) -> dict[str, float]:
    """`sentences_per_second` of PLV's sentences, `memory_mb` and `model_mb`."""
    command = ["taskset", "-c", "0", sys.executable, str(PACE), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    rate, memory = map(float, done.stdout.split())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "sentences_per_second": round(rate),
        "memory_mb": round(memory),
        "model_mb": round(size / 1e6, 1),
    }


if __name__ == "__main__":
    models = sorted(path for path in (ROOT / "data" / "models").iterdir() if (path / exported.CARD).is_file())
    content = {path.name: pace(path) for path in models}
    files.write_text(Path(sys.argv[1]), json.dumps(content, indent=1) + "\n")
