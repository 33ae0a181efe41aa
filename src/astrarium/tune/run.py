"""A run: the folder that one training leaves."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import astrarium
from astrarium.core.errors import TuneError
from astrarium.core.files import write_json

_LIBRARIES = ("torch", "transformers", "peft", "tokenizers")


@dataclass(frozen=True, slots=True)
class Losses:
    """Validation losses: mean cross-entropy a learned token, on the rows held back."""

    base: float
    """Of the base alone."""
    start: float
    """Of the untrained adapter; another number than the base's where its initialisation is not the identity."""
    end: float
    """Of the trained adapter."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training."""

    path: Path
    """The run's folder."""
    adapter: Path
    """The adapter's folder in it (for full fine-tuning, the model's)."""
    losses: Losses
    trained_parameters: int
    rows_used: int
    rows_too_long: int
    seconds: float
    tokens_per_second: float


class RunFolder:
    """Writes a run's files. `run.json` is there from the beginning, `adapter/` only when it is whole."""

    def __init__(self, path: Path) -> None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise TuneError(f"{path} exists already; name another folder with --run, or remove it")
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.entries: dict[str, Any] = {}
        """The content of `run.json`."""
        self._metrics = path / "metrics.jsonl"

    def record(self, **entries: Any) -> None:
        """Add to `run.json` and write it whole."""
        self.entries |= entries
        write_json(self.path / "run.json", self.entries)

    def log(self, entry: dict[str, Any]) -> None:
        """Add a line to `metrics.jsonl`."""
        with open(self._metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps({"time": round(time.time(), 3), **entry}) + "\n")


def versions() -> dict[str, str]:
    """Of astrarium and of the libraries that a training depends on."""
    return {"astrarium": astrarium.__version__, **{name: version(name) for name in _LIBRARIES}}


def free_folder(method: str, base: str, parent: Path = Path("runs")) -> Path:
    """A folder for a run that has no name: `runs/<method>-<base>-<number>`, the first that is free."""
    short = re.sub(r"[^A-Za-z0-9.]+", "-", base.rstrip("/").rpartition("/")[2]).strip("-").lower() or "base"
    number = 1
    while (parent / f"{method}-{short}-{number}").exists():
        number += 1
    return parent / f"{method}-{short}-{number}"
