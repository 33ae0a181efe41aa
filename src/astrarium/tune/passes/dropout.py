"""Dropout whose numbers are made again from a seed, so that no mask is kept; the same on every machine.

Whether a place is dropped is decided by the finaliser of MurmurHash3 (Appleby) over the place and the seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from astrarium.tune.passes.rows import drop

_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Dropout:
    """One draw: the same places are dropped as often as it is asked."""

    share: float
    """Of what is dropped, in [0, 1)."""
    seed: int

    @classmethod
    def drawn(cls, share: float) -> Dropout:
        """With a seed from torch's generator."""
        return cls(share, int(torch.randint(0, 1 << 32, ()).item()))

    def of(self, x: Tensor) -> Tensor:
        """`x` with places at 0, and the others multiplied by 1 / (1 - share)."""
        y = torch.empty_like(x, memory_format=torch.contiguous_format)
        if not drop(x, y, self.seed, self._threshold, 1 / (1 - self.share), plus=False):
            y.copy_(x * self.factors(x.numel()).view(x.shape))
        return y

    def add(self, x: Tensor, into: Tensor) -> None:
        """`into += of(x)`, without that tensor."""
        if not drop(x, into, self.seed, self._threshold, 1 / (1 - self.share), plus=True):
            into += (x * self.factors(x.numel()).view(x.shape)).to(into.dtype)

    def factors(self, count: int) -> Tensor:
        """What the first places are multiplied by, fp32 `[count]`."""
        h = (torch.arange(count) * 0x9E3779B1 + self.seed) & _WORD
        h = ((h ^ (h >> 16)) * 0x85EBCA6B) & _WORD
        h = ((h ^ (h >> 13)) * 0xC2B2AE35) & _WORD
        return ((h ^ (h >> 16)) >= self._threshold).float() / (1 - self.share)

    @property
    def _threshold(self) -> int:
        return min(_WORD, round(self.share * (1 << 32)))
