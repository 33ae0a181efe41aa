"""What a bench is, and what it is given."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astrarium.bench.machine import Rates
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure

OURS = "astrarium"
PROMPT = 64
NEW = 65
_QUICK_NEW = 9
IDS = (300, 40_000)
"""Ids to draw from: neither bytes nor special tokens, in every vocabulary used here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a bench is run."""

    cache: Path
    """Where models and adapters that benches make are kept."""
    scratch: Path
    """A folder that is gone after the run."""
    peers_python: str
    """The interpreter that has the peers' libraries."""
    peers: Path | None
    """The folder of the peers' workers; None where this installation has none."""
    quick: bool = False

    @property
    def new(self) -> int:
        """Tokens to decode: 65, and fewer for a first look."""
        return _QUICK_NEW if self.quick else NEW

    def ours(self, kind: str, work: Mapping[str, Any], *, name: str = OURS, **how: Any) -> Contestant:
        """Our side, as a contestant.

        Args:
            kind: a kind of work that `ours.py` knows.
            work: what it is told.
            name: its name, where several of us take part.
            how: other fields of the contestant.
        """
        command = (sys.executable, "-m", "astrarium.bench.ours")
        return Contestant(name, command, {"kind": kind, **work}, **how)

    def peer(self, name: str, worker: str, work: Mapping[str, Any], **how: Any) -> Contestant:
        """A peer, as a contestant.

        Args:
            name: as it is called in the result.
            worker: the file in `benchmarks/peers/`, without its ending.
            work: what it is told.
            how: other fields of the contestant.
        """
        if self.peers is None:
            how["unavailable"] = "the workers of the peers are not part of the package; run it from a checkout"
            return Contestant(name, (self.peers_python,), work, **how)
        # A peer runs as in its own installation: without this package's path, and asking no hub.
        how["environment"] = {"PYTHONPATH": None, "HF_HUB_OFFLINE": "1", **how.get("environment", {})}
        return Contestant(name, (self.peers_python, str(self.peers / f"{worker}.py")), work, **how)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rounds say."""

    ours: Figure
    ratios: Mapping[str, float]
    peers: Mapping[str, Figure] = field(default_factory=dict)
    ceiling: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench."""

    name: str
    line: str
    """What it does, in one line."""
    unit: str
    """Of the figures of ours and the peers."""
    steady: str
    """The figure by whose spread a run is called noisy."""
    bars: tuple[Bar, ...]
    contestants: Callable[[Setting], Sequence[Contestant]]
    """Makes what is needed on disk and says who takes part."""
    judge: Callable[[Standing, Rates], Verdict]
    """From everybody's rounds; peers may be missing, we are not."""
    repeated: bool = True
    """Whether there are several rounds; not where the same numbers would come out each time."""


def prompts(rows: int, length: int) -> list[list[int]]:
    """Random prompts, the same for everybody.

    Args:
        rows: how many.
        length: tokens of each.
    """
    drawn = random.Random(0)
    return [[drawn.randrange(*IDS) for _ in range(length)] for _ in range(rows)]
