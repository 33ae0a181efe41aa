"""Contestants, each in a process of its own, one after the other: requests and answers are lines of JSON on pipes.

`{"do": "start", "work": {…}}` is answered by `{"ready": {"format": …}}`, `{"do": "round"}` by `{"result": {…}}` with
numbers by name, and `{"do": "quit"}` by the end of the process. What cannot be done is answered by `{"error": "…"}`. A
result may name a `format` too, where the worker loads its model only then.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from astrarium.core.errors import BenchError

THREADS = 2
ROUNDS = 5
QUICK_ROUNDS = 2
_START_S = 1800.0  # a peer may have to convert a model first
_ROUND_S = 900.0
_QUIT_S = 10.0
_MEMORY_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who takes part, and with what work."""

    name: str
    command: tuple[str, ...]
    """What to run: an interpreter and a worker."""
    work: Mapping[str, Any]
    """What the worker is told at its start."""
    fresh: bool = False
    """Whether each round takes a new process, because the start is what is measured."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """Variables to set, or to take away (None)."""
    forget: Path | None = None
    """A folder of caches that is deleted before each start."""
    warms_up: bool = True
    """Whether a round that does not count comes first."""
    unavailable: str | None = None
    """Why it cannot take part at all, where that is known beforehand."""


@dataclass(slots=True)
class Played:
    """What a contestant did."""

    format: str = ""
    rounds: list[dict[str, float]] = field(default_factory=list)
    warm_up: dict[str, float] = field(default_factory=dict)

    def median(self, figure: str) -> float:
        """The median of one figure over the rounds."""
        return median(self.all(figure))

    def all(self, figure: str) -> list[float]:
        """One figure of every round.

        Raises:
            BenchError: the worker did not give it.
        """
        try:
            return [one[figure] for one in self.rounds]
        except KeyError as error:
            raise BenchError(
                f"the worker gave no {figure}; it gave {', '.join(self.rounds[0]) or 'nothing'}"
            ) from error


@dataclass(slots=True)
class Standing:
    """Everybody's rounds, and who is missing."""

    played: dict[str, Played] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Name → why."""


class Worker:
    """A contestant's process."""

    def __init__(self, contestant: Contestant) -> None:
        self.format = ""
        """The weight format that it runs its work in, once it has said so."""
        self._name = contestant.name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in quit
        environment = dict(os.environ)
        environment["OMP_NUM_THREADS"] = str(THREADS)
        for key, value in contestant.environment.items():
            if value is None:
                environment.pop(key, None)
            else:
                environment[key] = value
        self._spawned = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                contestant.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment
            )
        except OSError as error:
            self._log.close()
            raise BenchError(f"{contestant.name}: {contestant.command[0]} cannot be run: {error}") from error
        self._peak = _Peak(self._process.pid)

    def start(self, work: Mapping[str, Any]) -> None:
        """Hand over the work.

        Raises:
            BenchError: the worker cannot, died, or took too long.
        """
        ready = self._ask({"do": "start", "work": {"threads": THREADS, **work}}, "ready", _START_S)
        self.format = str(ready.get("format", ""))

    def round(self) -> dict[str, float]:
        """One round's figures; with seconds since the process began, and its peak of anonymous memory, in bytes.

        Raises:
            BenchError: as `start`.
        """
        result = self._ask({"do": "round"}, "result", _ROUND_S)
        self.format = str(result.pop("format", self.format))
        figures = {str(key): float(value) for key, value in result.items()}
        return {**figures, "since_start_s": time.perf_counter() - self._spawned, "peak_anon": float(self._peak.bytes)}

    def quit(self) -> None:
        """End the process, kindly first."""
        self._peak.stop()
        try:
            self._process.communicate(b'{"do": "quit"}\n', timeout=_QUIT_S)
        except (subprocess.TimeoutExpired, OSError, ValueError):
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _ask(self, request: Mapping[str, Any], wanted: str, seconds: float) -> dict[str, Any]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise BenchError(f"{self._name} has no pipes")
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        try:
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            line = answers.readline()
        except OSError:
            line = b""
        finally:
            timed_out = not late.is_alive()
            late.cancel()
        if not line:
            self._process.wait()
            reason = f"took longer than {seconds:.0f} s" if timed_out else self._last_words()
            raise BenchError(f"{self._name}: {reason}")
        try:
            answer = json.loads(line)
            found = answer.get(wanted)
        except (ValueError, AttributeError) as error:
            raise BenchError(f"{self._name} answered {line[:200]!r}; expected an object with {wanted!r}") from error
        if not isinstance(found, dict):
            said = answer.get("error", f"answered {line[:200]!r}; expected an object with {wanted!r}")
            raise BenchError(f"{self._name}: {said}")
        return found

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        status = self._process.returncode
        return f"ended with status {status}" + (f": {lines[-1].strip()[:300]}" if lines else "")


class _Peak:
    """The most anonymous memory of a process, by looking often: the kernel keeps a peak of all memory only."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._path = Path(f"/proc/{pid}/status")
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_MEMORY_EVERY_S):
            try:
                lines = self._path.read_text().splitlines()
            except OSError:
                return  # the process is gone, or this is no Linux
            for line in lines:
                if line.startswith("RssAnon:"):
                    self.bytes = max(self.bytes, int(line.split()[1]) * 1024)


def play(contestants: Sequence[Contestant], rounds: int, say: Callable[[str], None]) -> Standing:
    """Let everybody warm up once, then play the rounds interleaved. Never do two work at once.

    Args:
        contestants: in the order in which they play.
        rounds: how many count.
        say: told what goes on.
    """
    standing = Standing()
    workers: dict[str, Worker] = {}
    try:
        for number in range(rounds + 1):
            for one in contestants:
                if one.name in standing.missing or (number == 0 and not one.warms_up):
                    continue
                say(f"{one.name}: " + (f"round {number} of {rounds}" if number else "warm-up"))
                try:
                    figures = _turn(one, workers, standing)
                except BenchError as error:
                    standing.missing[one.name] = str(error)
                    standing.played.pop(one.name, None)
                    if one.name in workers:
                        workers.pop(one.name).quit()
                    continue
                if number:
                    standing.played[one.name].rounds.append(figures)
                else:
                    standing.played[one.name].warm_up = figures
    finally:
        for worker in workers.values():
            worker.quit()
    return standing


def _turn(one: Contestant, workers: dict[str, Worker], standing: Standing) -> dict[str, float]:
    if one.unavailable is not None:
        raise BenchError(f"{one.name}: {one.unavailable}")
    if one.name not in workers:
        if one.forget is not None:
            shutil.rmtree(one.forget, ignore_errors=True)
        workers[one.name] = Worker(one)
        workers[one.name].start(one.work)
    figures = workers[one.name].round()
    standing.played.setdefault(one.name, Played()).format = workers[one.name].format
    if one.fresh:
        workers.pop(one.name).quit()
    return figures


def is_noisy(load: float, rounds: Sequence[Sequence[float]]) -> bool:
    """Whether a run is noisy: a load above 0.3 at its start, or rounds that spread by more than 15 % of their median.

    Args:
        load: the one-minute load when the run began.
        rounds: for each contestant, the figure of each round.
    """
    return load > 0.3 or any(spread(figures) > 0.15 for figures in rounds)


def spread(figures: Sequence[float]) -> float:
    """(largest − smallest) ÷ median; 0 where there are no two."""
    middle = median(figures) if figures else 0.0
    return (max(figures) - min(figures)) / middle if middle and len(figures) > 1 else 0.0
