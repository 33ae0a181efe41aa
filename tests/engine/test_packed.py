"""Adapters in one block of memory: the same numbers, one place after another."""

from __future__ import annotations

import pytest
import torch

from astrarium.engine.adapters.packed import packed
from astrarium.engine.adapters.parts import Adapter, Affine, LowRank, low_rank


def adapter_of(sites: int, rank: int, width: int, dtype: torch.dtype) -> Adapter:
    drawn = torch.Generator().manual_seed(0)
    adapter = Adapter("a")
    for site in range(sites):
        down, up = torch.randn(rank, width, generator=drawn), torch.randn(width, rank, generator=drawn)
        scale = Affine("out", scale=torch.randn(width, generator=drawn))
        adapter.sites[f"layers.{site}"] = [low_rank("beside", down, up, 0.5, dtype), scale]
    return adapter


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rank", "width"), [(8, 4099), (33, 1001)])
def test_a_large_adapter_lies_in_one_block_with_the_same_numbers(rank: int, width: int, dtype: torch.dtype) -> None:
    expected = adapter_of(16, rank, width, dtype)
    found = packed(adapter_of(16, rank, width, dtype))
    blocks = set()
    for path, (part, scale) in expected.sites.items():
        own, kept = found.sites[path]
        assert isinstance(part, LowRank)
        assert isinstance(own, LowRank)
        assert isinstance(scale, Affine)
        assert isinstance(kept, Affine)
        assert (own.rank, own.read, own.written, own.scale, own.panels) == (rank, width, width, 0.5, part.panels)
        for mine, theirs in ((own.down, part.down), (own.up, part.up)):
            assert mine.dtype == dtype
            assert torch.equal(mine, theirs)
            assert mine.data_ptr() % 64 == 0
            blocks.add(mine.untyped_storage().data_ptr())
        assert kept.scale is not None
        assert scale.scale is not None
        assert torch.equal(kept.scale, scale.scale)
    assert len(blocks) == 1
    assert found.nbytes == expected.nbytes


def test_a_small_adapter_stays_as_it_is() -> None:
    adapter = adapter_of(2, 8, 64, torch.float32)
    before = adapter.sites["layers.0"][0]
    assert packed(adapter).sites["layers.0"][0] is before
