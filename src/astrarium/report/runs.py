"""What a run's folder says: its record, its curve, its samples. Every file is checked; a broken line is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astrarium.core.errors import CorruptFileError, ReportError


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, as its files tell of it."""

    path: Path
    entries: Mapping[str, Any]
    """The content of `run.json`."""
    steps: tuple[Mapping[str, Any], ...]
    """The lines of `metrics.jsonl` with a training loss."""
    validations: tuple[tuple[int, float], ...]
    """Step and validation loss, where it was measured."""
    samples: tuple[Mapping[str, Any], ...]
    """The lines of `samples.jsonl`; empty where the run has none."""

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        return self.entries.get("state") == "finished"


def is_run(path: Path) -> bool:
    """Whether a folder is a run's."""
    return (path / "run.json").is_file()


def read_run(path: str | Path) -> RunRecord:
    """Read a run's folder.

    Raises:
        ReportError: it is no run.
        CorruptFileError: a file that cannot be read; names the line.
    """
    path = Path(path)
    if not is_run(path):
        raise ReportError(f"{path} has no run.json; it is no run")
    try:
        entries = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise CorruptFileError(f"{path / 'run.json'} is no JSON: {error}") from None
    if not isinstance(entries, dict) or not isinstance(entries.get("recipe"), dict):
        raise CorruptFileError(f"{path / 'run.json'} has no recipe; it is no run's record")
    metrics = _lines(path / "metrics.jsonl")
    steps = tuple(line for line in metrics if "loss" in line and "step" in line)
    validations = tuple(
        (int(line["step"]), float(line["validation_loss"])) for line in metrics if "validation_loss" in line
    )
    return RunRecord(path, entries, steps, validations, tuple(_lines(path / "samples.jsonl")))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise CorruptFileError(f"{path}:{number} is no JSON: {error}") from None
        if not isinstance(value, dict):
            raise CorruptFileError(f"{path}:{number} is no JSON object")
        found.append(value)
    return found
