"""Prompts on their way through a network, block by block, so that others can decode in between."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from astrarium.engine.cache import Cache
from astrarium.engine.families.network import Network
from astrarium.engine.native import kernels
from astrarium.engine.step import Segment, Step


class Reading:
    """A piece of one or more prompts. After an error in `advance` it is of no use."""

    def __init__(self, network: Network, cache: Cache, segments: list[Segment]) -> None:
        self._network, self._cache = network, cache
        self._step = Step(segments, network.device, read=True)
        self._step.open(cache)
        self._x: Tensor | None = None
        self._next = 0

    @property
    def tokens(self) -> int:
        """How many are read."""
        return self._step.tokens

    @property
    def left(self) -> int:
        """Blocks that are still to come."""
        return len(self._network.blocks) - self._next

    @torch.inference_mode()
    def advance(self) -> None:
        """One block."""
        kernels()
        x = self._network.embedded(self._step) if self._x is None else self._x
        self._x = self._network.blocks[self._next](x, self._step, self._cache)
        self._next += 1

    @torch.inference_mode()
    def logits(self) -> Tensor:
        """The wanted tokens' logits, fp32 `[wanted, vocabulary]`, on the CPU; no block is left, and some are wanted."""
        assert self._x is not None
        assert not self.left
        return self._network.logits(self._x, self._step).cpu()

    @torch.inference_mode()
    def finite(self) -> list[bool]:
        """Of each piece, whether its numbers are: keys and values of others come from such."""
        assert self._x is not None
        rows = torch.isfinite(self._x).all(1).cpu().tolist()
        ends = list(itertools.accumulate(len(segment.ids) for segment in self._step.segments))
        return [all(rows[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
