"""Files mapped in large pages: what is read again and again is then found by fewer look-ups of addresses."""

from __future__ import annotations

import contextlib
import mmap
import os
import platform
import re
from pathlib import Path

LARGE = 2 << 20
"""Bytes of a large page."""
_SINCE = (5, 18)  # of Linux: before, each page of a file so advised would be read alone


def prefer_large(mapped: mmap.mmap) -> None:
    """Have the system read a mapped file in large pages, where it can; what it holds already in small ones stays so."""
    if not hasattr(mmap, "MADV_HUGEPAGE") or _linux() < _SINCE or len(mapped) < LARGE:
        return
    with contextlib.suppress(OSError):  # a kernel or a file system without them
        mapped.madvise(mmap.MADV_HUGEPAGE)
        # Reading ahead would bring the rest in small ones; a fault then reads one large page, no more.
        mapped.madvise(mmap.MADV_RANDOM)


def forget_pages(path: Path) -> None:
    """Have the system let go of what it remembers of a file that is on disk, but for what is mapped."""
    if not hasattr(os, "posix_fadvise"):
        return
    with contextlib.suppress(OSError), open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _linux() -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", platform.release()) if platform.system() == "Linux" else None
    return tuple(map(int, found.groups())) if found else (0, 0)
