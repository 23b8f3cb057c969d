"""Articles made of authored sentences, as a file of JSON lines."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from escalation import files, project

SENTENCES = 12  # an article, about
SEED = 2026


def articles(count: int) -> Iterator[dict[str, Any]]:
    """Rows with an id, a source, a date and a text of about twelve authored sentences in paragraphs of three."""
    known = [
        json.loads(line)["text"]
        for path in sorted((project.checkout() / "data" / "authored").glob("*.jsonl"))
        for line in path.open(encoding="utf-8")
    ]
    chance = random.Random(SEED)
    for number in range(count):
        most = chance.randint(SENTENCES - 4, SENTENCES + 4)
        chosen = chance.choices(known, k=most)
        text = "\n\n".join(" ".join(chosen[start : start + 3]) for start in range(0, most, 3))
        day = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        yield {"id": number, "source": f"paper {number % 7}", "date": day, "text": text}


def made(folder: Path, count: int) -> Path:
    """The articles as a file; the one that is there where it has been made before."""
    path = folder / f"{count}.jsonl"
    if not path.exists():
        with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in articles(count))
    return path
