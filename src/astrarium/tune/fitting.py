"""What fits into memory: how much there is, how much a pass takes, and the batch that follows from both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.003
_SHARE = 0.8
"""Of the free memory that a batch may take."""
_NO_LIMIT = 1 << 60


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


def available_bytes() -> int:
    """Memory that is free for use here, by the system's account and the control group's limit."""
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    group = limit - used if limit is not None and used is not None else _NO_LIMIT
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        system = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        system = _NO_LIMIT
    return min(group, system)


def choose(measure: Callable[[int, float], int], most: int, room: int) -> Fit:
    """The largest micro-batch that fits, recomputing as little as that needs.

    Each size is measured before it is taken, and one that would not fit by the growth so far is not tried.

    Args:
        measure: runs a micro-batch of a size and a share to recompute, and says how many bytes it took.
        most: the largest size that is of use.
        room: bytes that are free.
    """
    allowed = int(room * _SHARE)
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
    peak, over = Peak(), threading.Event()
    start = _anonymous()

    def look() -> None:
        while not over.wait(_EVERY_S):
            peak.bytes = max(peak.bytes, _anonymous() - start)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak.bytes = max(peak.bytes, _anonymous() - start)


def gib(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / 2**30:.1f} GiB"


def _anonymous() -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
