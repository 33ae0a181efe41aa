"""One step of the engine: some tokens of some requests, one after another, with an adapter each or none."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.cache import Cache
from astrarium.engine.native import current


class Worn:
    """An adapter as steps refer to it: equal only to itself."""

    __slots__ = ("adapter", "nbytes")

    def __init__(self, adapter: Adapter) -> None:
        self.adapter, self.nbytes = adapter, adapter.nbytes


Layout = tuple[tuple[Worn, int, int], ...]
"""(adapter, first row, rows) of the rows that have one."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which rows wear which adapter, and which are read. `rows_of` gives the same object for the same ones."""

    layout: Layout
    read: bool
    """Whether they are tokens of prompts: these have products of their own where the processor has a unit for it."""

    def replacing(self, path: str) -> Iterator[tuple[int, int, dict[str, Tensor]]]:
        """(row, rows, own weights) of the rows whose adapter has its own weights for a module."""
        for worn, row, rows in self.layout:
            own = worn.adapter.replaced.get(path)
            if own is not None:
                yield row, rows, own


@functools.lru_cache(maxsize=32)
def rows_of(layout: Layout, read: bool) -> Rows:
    """The rows of a layout: one object, which hundreds of look-ups a step compare by identity alone."""
    return Rows(layout, read)


@dataclass(frozen=True, slots=True)
class Segment:
    """One request's tokens in a step."""

    ids: tuple[int, ...]
    """A virtual token `i` of the adapter is -(i + 1)."""
    position: int
    """Of the first of them."""
    pages: list[int]
    """The pages of its cache, in order."""
    worn: Worn | None
    wanted: int = 1
    """Of how many of its tokens, the last, logits are wanted."""


@dataclass(slots=True)
class Step:
    """What a forward pass needs to know. Segments of one adapter stand together."""

    segments: list[Segment]
    device: torch.device | str = "cpu"
    read: bool = False
    """Whether these are tokens of prompts. It is told, not counted: what a token's numbers are may not depend on how
    many of them are read at a time."""
    rows: Rows = field(init=False)
    """Of all its tokens."""
    chosen: Rows = field(init=False)
    """Of the tokens whose logits are wanted."""
    tokens: int = field(init=False)
    wanted: Tensor | None = field(init=False)
    """int64: the rows whose logits are wanted; None for all."""
    _native: dict[tuple[int, int, int], Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        wanted: list[int] = []
        row = 0
        for segment in self.segments:
            count = len(segment.ids)
            wanted += range(row + count - segment.wanted, row + count)
            row += count
        self.tokens = row
        self.rows = rows_of(_layout((segment.worn, len(segment.ids)) for segment in self.segments), self.read)
        self.chosen = rows_of(_layout((segment.worn, segment.wanted) for segment in self.segments), self.read)
        self.wanted = None if len(wanted) == row else torch.tensor(wanted, device=self.device)

    def open(self, cache: Cache) -> None:
        """Make ready the pages that its tokens are written to."""
        for segment in self.segments:
            cache.open(segment.pages, segment.position, segment.position + len(segment.ids))

    @property
    def positions(self) -> Tensor:
        """int64 `[tokens]`; made when asked for, since the compiled attention counts by itself."""
        found = (range(segment.position, segment.position + len(segment.ids)) for segment in self.segments)
        return torch.tensor([*itertools.chain(*found)], device=self.device)

    def ids(self) -> Tensor:
        """The token ids, int64 `[tokens]`; virtual tokens are 0."""
        return torch.tensor([max(i, 0) for segment in self.segments for i in segment.ids], device=self.device)

    def virtual(self) -> Iterator[tuple[int, Tensor]]:
        """(row, embedding `[hidden]`) of every virtual token."""
        row = 0
        for segment in self.segments:
            if segment.ids[0] < 0:
                assert segment.worn is not None
                assert segment.worn.adapter.prompt is not None
                for number, token in enumerate(segment.ids):
                    if token < 0:
                        yield row + number, segment.worn.adapter.prompt[-token - 1]
            row += len(segment.ids)

    @property
    def native_kinds(self) -> list[tuple[int, int, int]]:
        """What `native` was asked for, in that order."""
        return list(self._native)

    def native(self, heads: int, kv_heads: int, window: int) -> Any:
        """The step as the compiled attention takes it."""
        key = (heads, kv_heads, window)
        if key not in self._native:
            module = current()
            assert module is not None
            table: list[int] = []
            pages: list[int] = []
            row = 0
            for segment in self.segments:
                table += (row, len(segment.ids), segment.position, len(pages))
                pages += segment.pages
                row += len(segment.ids)
            self._native[key] = module.Step(table, pages, heads, kv_heads, window)
        return self._native[key]


def _layout(counts: Iterable[tuple[Worn | None, int]]) -> Layout:
    """Neighbours with the same adapter are one."""
    found: list[tuple[Worn, int, int]] = []
    row = 0
    for worn, count in counts:
        if worn is not None and count:
            if found and found[-1][0] is worn and found[-1][1] + found[-1][2] == row:
                found[-1] = (worn, found[-1][1], found[-1][2] + count)
            else:
                found.append((worn, row, count))
        row += count
    return tuple(found)
