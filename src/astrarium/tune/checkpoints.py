"""Checkpoints: `checkpoints/step-N/`, written beside and renamed, so that each is whole or not there.

    state.json              step, run, best validation, what else the loop goes on from
    trained.safetensors     the trained parameters
    optimizer.safetensors   AdamW's two moments and its count of steps, for each of them

The order of the data, the learning rate and what is drawn are functions of the seed and the step, so that the step is
their state.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from astrarium.core.errors import TuneError
from astrarium.core.files import atomic_folder, write_json

_NAME = re.compile(r"step-(\d+)$")


@dataclass(slots=True)
class State:
    """Where a training stands."""

    run: str
    """The run's id."""
    step: int = 0
    """Steps done."""
    tokens: int = 0
    """Tokens seen, without padding."""
    seconds: float = 0.0
    """Spent in steps."""
    best_loss: float | None = None
    """Lowest validation loss so far."""
    best_step: int | None = None
    worse: int = 0
    """Validations since the best."""
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One, read."""

    path: Path
    state: State
    trained: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of a run."""

    def __init__(self, run: Path, keep: int) -> None:
        self.folder = run / "checkpoints"
        self._keep = keep

    def steps(self) -> list[int]:
        """Steps that there is a checkpoint of, in order."""
        if not self.folder.is_dir():
            return []
        found = (_NAME.match(entry.name) for entry in self.folder.iterdir() if entry.is_dir())
        return sorted(int(match[1]) for match in found if match)

    def path(self, step: int) -> Path:
        """The folder of a step's checkpoint."""
        return self.folder / f"step-{step}"

    def save(self, state: State, trained: Mapping[str, Tensor], optimizer: Mapping[str, Tensor]) -> None:
        """Write one, unless it is there, and let go of old ones.

        Raises:
            TuneError: it cannot be written; those that are there stay as they were.
        """
        where = self.path(state.step)
        if not where.exists():
            try:
                with atomic_folder(where) as place:
                    save_file(dict(trained), place / "trained.safetensors")
                    save_file(dict(optimizer), place / "optimizer.safetensors")
                    write_json(place / "state.json", asdict(state))
                    _flush(place)
                _flush(self.folder)
            except (OSError, SafetensorError) as error:
                raise TuneError(self._lost(where, error)) from error
        self._forget_old(state.best_step)

    def load(self, step: int, run: str) -> Checkpoint:
        """Read one.

        Raises:
            TuneError: it is damaged, or of another run.
        """
        path = self.path(step)
        try:
            state = State(**json.loads((path / "state.json").read_text(encoding="utf-8")))
            trained = load_file(path / "trained.safetensors")
            optimizer = load_file(path / "optimizer.safetensors")
        except (OSError, ValueError, TypeError, SafetensorError) as error:
            raise TuneError(
                f"checkpoint {path} is damaged ({short(error)}); remove it to go on from the one before"
            ) from error
        if state.run != run:
            raise TuneError(
                f"checkpoint {path} is of another run ({state.run}, this one is {run}); "
                "remove it, or resume its own run"
            )
        if state.step != step:
            raise TuneError(f"checkpoint {path} says that it is of step {state.step}; remove it, or give its name back")
        return Checkpoint(path, state, trained, optimizer)

    def latest(self, run: str) -> Checkpoint | None:
        """The last one; what a killed process has left half done is removed."""
        if self.folder.is_dir():
            for entry in self.folder.glob(".step-*"):
                shutil.rmtree(entry, ignore_errors=True)
        steps = self.steps()
        return self.load(steps[-1], run) if steps else None

    def _forget_old(self, best: int | None) -> None:
        for step in self.steps()[: -self._keep]:
            if step != best:
                # Renamed first: a folder that is half removed must not look like a checkpoint.
                gone = self.folder / f".step-{step}.old"
                os.replace(self.path(step), gone)
                shutil.rmtree(gone, ignore_errors=True)

    def _lost(self, where: Path, error: Exception) -> str:
        steps = self.steps()
        last = f"the checkpoint of step {steps[-1]} is whole" if steps else "there is no earlier one"
        return f"checkpoint {where} cannot be written: {short(error)}; {last}; make room, and resume the run"


def _flush(folder: Path) -> None:
    """Have the system put a folder's files, and the folder, on disk."""
    for path in (*(entry for entry in folder.iterdir() if entry.is_file()), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def short(error: Exception) -> str:
    """An error in few words."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split())[:200]


def record_of(entries: Mapping[str, Any], key: str, path: Path) -> Any:
    """An entry of a run's record.

    Raises:
        TuneError: it is not there.
    """
    if key not in entries:
        raise TuneError(f"{path / 'run.json'} has no entry {key!r}; it was not written by this version of tune")
    return entries[key]
