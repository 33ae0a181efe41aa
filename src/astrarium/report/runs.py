"""What a run's folder says: its record, its curve, its samples. Every file is checked; a broken line is named."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
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
    """Prompts with the answers of the base and of the adapter: the lines of `samples.jsonl` where there is one, else
    what `tune --sample` wrote to `metrics.jsonl` at the step that was kept; empty where the run has none."""
    samples_file: str = ""
    """The file that they come from."""

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
    if not isinstance(entries.get("method"), str):
        raise CorruptFileError(f"{path / 'run.json'} has method {entries.get('method')!r}; expected a method's name")
    for key in ("losses", "rows", "settings", "versions"):
        if not isinstance(entries.get(key) or {}, dict):
            raise CorruptFileError(f"{path / 'run.json'} has {key} {entries[key]!r}; expected an object")
    metrics = [_numbers(line, f"{path / 'metrics.jsonl'}:{number}") for number, line in _lines(path / "metrics.jsonl")]
    steps = tuple(line for line in metrics if "loss" in line and "step" in line)
    validations = tuple((int(line["step"]), float(line["validation_loss"])) for line in metrics if _validated(line))
    own = tuple(line for _, line in _lines(path / "samples.jsonl"))
    samples = own or _logged(metrics, entries.get("best_step"))
    file = "samples.jsonl" if own else "metrics.jsonl" if samples else ""
    return RunRecord(path, entries, steps, validations, samples, file)


def _validated(line: Mapping[str, Any]) -> bool:
    return "validation_loss" in line and "step" in line


def _numbers(line: dict[str, Any], where: str) -> dict[str, Any]:
    """A line of the log; what an article draws of it are numbers.

    Raises:
        CorruptFileError: something else stands there.
    """
    for key in ("step", "loss", "validation_loss", "tokens"):
        value = line.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise CorruptFileError(f"{where} has {key} {value!r}; expected a number")
    return line


def _logged(metrics: Sequence[Mapping[str, Any]], best: Any) -> tuple[Mapping[str, Any], ...]:
    """The sample of the step that was kept (the last where none was chosen), with the base's answer to the same row."""
    answered = [line for line in metrics if isinstance(line.get("sample"), dict)]
    if not answered:
        return ()
    kept = next((line for line in answered if line.get("step") == best), answered[-1])
    alone: Mapping[str, Any] = next(
        (line["sample_of_base"] for line in metrics if isinstance(line.get("sample_of_base"), dict)), {}
    )
    sample = {"base": alone.get("answer"), "step": kept.get("step"), **kept["sample"]}
    return ({**sample, "base": None} if alone and alone.get("prompt") != sample.get("prompt") else sample,)


def _lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with the number of its line."""
    if not path.is_file():
        return []
    found = []
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{path} is no UTF-8 text (byte {error.start})") from None
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise CorruptFileError(f"{path}:{number} is no JSON: {error}") from None
        if not isinstance(value, dict):
            raise CorruptFileError(f"{path}:{number} is no JSON object")
        found.append((number, value))
    return found
