"""What a training tells: lines of `metrics.jsonl` always, TensorBoard and trackio where they are installed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from astrarium.core.errors import TuneError
from astrarium.core.files import atomic_open


class Log:
    """The log of a run."""

    def __init__(self, run: Path, *, trackers: bool, facts: Mapping[str, Any], step: int = 0) -> None:
        """Open it.

        Args:
            run: the run's folder.
            trackers: whether TensorBoard and trackio are written to, where they are installed.
            facts: what the trackers are told of the run.
            step: that the training goes on from.
        """
        self._file = run / "metrics.jsonl"
        self._writer: Any = None
        self._trackio: Any = None
        self.used: list[str] = []
        """The trackers that are written to."""
        if not trackers:
            return
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1 if step else None)
            self.used.append("tensorboard")
        if find_spec("trackio") is not None:
            import trackio

            name = f"{run.name}-{str(facts.get('id', ''))[:8]}"  # two folders may have one name
            with redirect_stdout(sys.stderr):  # it talks, and stdout is for results
                trackio.init(project="astrarium", name=name, config=dict(facts), resume="allow", embed=False)
            self._trackio = trackio
            self.used.append("trackio")

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            TuneError: the file cannot be written.
        """
        try:
            with open(self._file, "a", encoding="utf-8") as file:
                file.write(json.dumps({"time": round(time.time(), 3), **entry}) + "\n")
        except OSError as error:
            raise TuneError(
                f"{self._file} cannot be written: {error.strerror}; make room, and resume the run"
            ) from error
        numbers = {key: value for key, value in entry.items() if isinstance(value, int | float) and key != "step"}
        if self._writer is not None:
            for key, value in numbers.items():
                self._writer.add_scalar(key, value, entry["step"])
        if self._trackio is not None:
            self._trackio.log(numbers, step=entry["step"])

    def cut(self, step: int) -> None:
        """Drop what was written after a step: the training goes on from there."""
        if not self._file.exists():
            return
        kept = [line for entry, line in _lines(self._file) if entry["step"] <= step]
        with atomic_open(self._file) as file:
            file.writelines(line + "\n" for line in kept)

    def close(self) -> None:
        """Flush the trackers."""
        if self._writer is not None:
            self._writer.close()
        if self._trackio is not None:
            with redirect_stdout(sys.stderr):
                self._trackio.finish()


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's log. A last line that a killed process left half written is passed over.

    Raises:
        TuneError: there is none.
    """
    file = run / "metrics.jsonl"
    if not file.is_file():
        raise TuneError(f"{run} has no metrics.jsonl; expected the folder of a run")
    return [entry for entry, _ in _lines(file)]


def _lines(file: Path) -> list[tuple[dict[str, Any], str]]:
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            found.append((entry, line))
    return found
