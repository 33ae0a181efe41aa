"""A run: the folder that one training leaves."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

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
    method: str = ""
    first: bool = True
    """Whether this process, of several, is the one that wrote it."""


class RunFolder:
    """A run's files. `run.json` is there from the beginning, `adapter/` only when it is whole."""

    def __init__(self, path: Path, entries: dict[str, Any], *, fresh: bool = False, named: bool = True) -> None:
        """Name it; nothing is written before it is held.

        Args:
            path: the folder.
            entries: the content of `run.json`.
            fresh: whether it is a new run.
            named: whether the user chose the folder, so that no other will do.

        Raises:
            TuneError: a new run's folder holds something.
        """
        if fresh and path.exists() and (not path.is_dir() or any(path.iterdir())):
            resumable = "; go on with it by --resume" if (path / "run.json").is_file() else ""
            raise TuneError(f"{path} exists already{resumable}; name another folder with --run, or remove it")
        self.path, self.entries = path, entries
        self._fresh, self._named = fresh, named

    @property
    def id(self) -> str:
        """Of the run; its checkpoints carry it."""
        return str(self.entries.get("id", ""))

    @contextmanager
    def held(self, first: bool) -> Iterator[None]:
        """Make the folder and keep every other training out of it, in the process that writes.

        A folder that was not named by the user, and that another training took meanwhile, gets the next number. The
        system lets go of the lock when the process ends, however it ends.

        Raises:
            TuneError: another process trains in it, or it cannot be written.
        """
        if not first:
            yield
            return
        try:
            self._make()
            lock = FileLock(self.path / "lock", timeout=0).acquire()
        except Timeout as error:
            raise TuneError(
                f"another process trains in {self.path}; wait until it ends, or name another folder with --run"
            ) from error
        except OSError as error:
            raise TuneError(f"{self.path} cannot be written: {error.strerror}") from error
        with lock:
            if self._fresh and (self.path / "run.json").exists():
                raise TuneError(f"{self.path} was taken by another training; name another folder with --run")
            yield

    def _make(self) -> None:
        while self._fresh and not self._named:
            try:
                self.path.mkdir(parents=True)
            except FileExistsError:
                self.path = next_folder(self.path)
            else:
                return
        self.path.mkdir(parents=True, exist_ok=True)

    def record(self, **entries: Any) -> None:
        """Add to `run.json` and write it whole.

        Raises:
            TuneError: it cannot be written.
        """
        self.entries |= entries
        try:
            write_json(self.path / "run.json", self.entries)
        except OSError as error:
            raise TuneError(f"{self.path / 'run.json'} cannot be written: {error.strerror}; make room") from error


def new_id() -> str:
    """A name for a run that no other has."""
    return uuid.uuid4().hex


def versions() -> dict[str, str]:
    """Of astrarium and of the libraries that a training depends on."""
    return {"astrarium": astrarium.__version__, **{name: version(name) for name in _LIBRARIES}}


def free_folder(method: str, base: str, parent: Path = Path("runs")) -> Path:
    """A folder for a run that has no name: `runs/<method>-<base>-<number>`, the first that is free."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", base.rstrip("/").rpartition("/")[2]).strip("-").lower() or "base"
    first = parent / f"{method}-{plain}-1"
    return next_folder(first) if first.exists() else first


def next_folder(path: Path) -> Path:
    """The first free one after a folder whose name ends in a number."""
    name, _, number = path.name.rpartition("-")
    numbered = (path.with_name(f"{name}-{at}") for at in count(int(number) + 1))
    return next(folder for folder in numbered if not folder.exists())
