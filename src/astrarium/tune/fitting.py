"""How much memory a pass takes, and the batch that fits."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from astrarium.core.memory import process_bytes, trim

_EVERY_S = 0.003
_SHARE = 0.8
"""Of the free memory that a batch may take."""


@dataclass(slots=True)
class Peak:
    """The most memory above that at the start, in bytes."""

    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """A batch that fits."""

    micro_batch: int
    recompute: float
    bytes: int
    """What it is expected to take."""


def choose(measure: Callable[[int, float], int], most: int, room: int | None) -> Fit:
    """The largest micro-batch that fits, recomputing as little as that needs.

    Each size is measured before it is taken, and one that would not fit by the growth so far is not tried.

    Args:
        measure: runs a micro-batch of a size and a share to recompute, and says how many bytes it took.
        most: the largest size that is of use.
        room: bytes that are free; None where the system does not say, and all is taken to fit.
    """
    allowed = math.inf if room is None else room * _SHARE
    for recompute in (0.0, 0.5, 1.0):
        taken = measure(1, recompute)
        if taken <= allowed:
            size = 1
            while 2 * size <= most and 2 * taken <= allowed:
                size, taken = 2 * size, measure(2 * size, recompute)
            return Fit(size, recompute, taken)
    return Fit(1, 1.0, taken)


@contextmanager
def watched() -> Iterator[Peak]:
    """Watch this process's memory while the block runs; 0 where the system does not say."""
    trim()
    peak, over = Peak(), threading.Event()
    start = process_bytes("RssAnon")

    def look() -> None:
        while not over.wait(_EVERY_S):
            peak.bytes = max(peak.bytes, process_bytes("RssAnon") - start)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak.bytes = max(peak.bytes, process_bytes("RssAnon") - start)
