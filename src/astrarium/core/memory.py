"""Memory by the system's account: how much is free, how much this process holds."""

from __future__ import annotations

import ctypes
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Bytes that this process can still take, by the system and its control group; None where neither says."""
    found = []
    if (free := _entry(Path("/proc/meminfo"), "MemAvailable")) is not None:
        found.append(free)
    limit, used = (_number(_GROUP / name) for name in ("memory.max", "memory.current"))
    if limit is not None and used is not None:
        found.append(limit - used)
    return min(found) if found else None


def process_bytes(kind: str) -> int:
    """Bytes of this process; 0 where the system does not say.

    Args:
        kind: `RssAnon` (its own), `VmRSS` (with what is mapped of files) or `VmHWM` (the most of that so far).
    """
    return _entry(Path("/proc/self/status"), kind) or 0


def trim() -> None:
    """Give back what the C library holds of freed memory, so that what is taken next is seen to be taken (glibc)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        return


def gib(count: float) -> str:
    """Bytes as people say them."""
    return f"{count / 2**30:.1f} GiB"


def _entry(file: Path, name: str) -> int | None:
    """A line `name:   1234 kB`, in bytes."""
    try:
        with open(file, encoding="ascii", errors="replace") as lines:
            return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)
    except (OSError, ValueError):
        return None


def _number(file: Path) -> int | None:
    """Its whole number; None where there is no file, or no limit (`max`)."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
