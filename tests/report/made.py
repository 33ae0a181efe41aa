"""A run's folder as `tune` leaves it, and what every article is checked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from astrarium.report import markdown
from tests.bases import save_adapter, save_base

ENTRIES: dict[str, Any] = {
    "method": "parallel",
    "state": "finished",
    "template": "plain",
    "data_digest": "sha256:00",
    "recipe": {"method": "parallel", "steps": 2, "sequence_length": 64, "options": {"bottleneck_size": 8}},
    "settings": {"seed": 0, "template": None},
    "rows": {"training": 9, "validation": 1, "too_long": 3},
    "losses": {"base": 2.5, "start": 2.75, "end": 2.25},
    "trained_parameters": 1234,
    "seconds": 12.5,
    "tokens_per_second": 80.25,
    "versions": {"peft": "0.21.2"},
}
METRICS = [
    {"step": 0, "validation_loss": 2.75, "validation_loss_of_base": 2.5},
    {"step": 1, "loss": 3.5, "tokens": 40},
    {"step": 2, "loss": 1.25, "tokens": 60},
    {"step": 2, "validation_loss": 2.25},
]


def make_run(folder: Path, **changes: Any) -> Path:
    """A run on a tiny base, with an adapter of random weights."""
    base = save_base(folder / "base")
    run = folder / "runs" / "parallel-base-1"
    run.mkdir(parents=True)
    save_adapter(run / "adapter", base)
    (run / "run.json").write_text(json.dumps({**ENTRIES, "base": str(base), **changes}))
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in METRICS))
    return run


def broken_links(path: Path) -> list[str]:
    """Anchors, files and pictures that an article on disk points at and that are not there."""
    document = path.read_text(encoding="utf-8")
    prose = "\n".join(markdown.outside_code(document))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|srcset|href)="([^"]+)"', prose)
    anchors = {heading.anchor for heading in markdown.headings(document)} | set(re.findall(r'<a id="([^"]+)"', prose))
    missing = [t for t in targets if t.startswith("#") and t[1:] not in anchors]
    local = [t for t in targets if not t.startswith("#") and "://" not in t]
    missing += [t for t in local if not (path.parent / t).is_file()]
    notes = set(re.findall(r"(?<!^)\[\^(\d+)\]", prose, re.MULTILINE))
    defined = set(re.findall(r"^\[\^(\d+)\]:", document, re.MULTILINE))
    return missing + [f"note {number}" for number in notes ^ defined]
