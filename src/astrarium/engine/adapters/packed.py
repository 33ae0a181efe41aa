"""An adapter's projections in one block of memory, in large pages where the system has them."""

from __future__ import annotations

from dataclasses import replace

from astrarium.core.pages import LARGE
from astrarium.engine.adapters.parts import Adapter, LowRank
from astrarium.engine.large_pages import LargePages, room


def packed(adapter: Adapter) -> Adapter:
    """The adapter with its low-rank parts in one block; as it is where it is small, or not on the CPU."""
    parts = [part for parts in adapter.sites.values() for part in parts if isinstance(part, LowRank)]
    tensors = [tensor for part in parts for tensor in (part.down, part.up)]
    size = sum(room(tensor) for tensor in tensors)
    if size < LARGE or tensors[0].device.type != "cpu":
        return adapter
    pages = LargePages(size)
    for path, own in adapter.sites.items():
        adapter.sites[path] = [
            replace(part, down=pages.kept(part.down), up=pages.kept(part.up)) if isinstance(part, LowRank) else part
            for part in own
        ]
    return adapter
