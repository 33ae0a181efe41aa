"""Weights in large pages: the same numbers, one after another, and a system without large pages does as well."""

from __future__ import annotations

import itertools
import mmap

import pytest
import torch

from astrarium.core import pages
from astrarium.engine.formats.layers import PlainLinear, QuantisedLinear
from astrarium.engine.formats.rounding import int8
from astrarium.engine.large_pages import LargePages

SIZES = (1, 63, 64, 1000, 5000, 900)


def test_tensors_lie_one_after_another() -> None:
    store = LargePages(chunk=4096)
    tensors = [torch.arange(size, dtype=torch.uint8) for size in SIZES]
    found = [store.kept(tensor) for tensor in tensors]
    assert all(map(torch.equal, found, tensors))
    assert all(tensor.data_ptr() % 64 == 0 for tensor in found)
    blocks = [tensor.untyped_storage().data_ptr() for tensor in found]
    assert blocks[0] == blocks[1] == blocks[2] == blocks[3]
    assert len({blocks[3], blocks[4], blocks[5]}) == 3  # 5000 has its own, and it was full
    ends = sorted((tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes) for tensor in found)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ends))


@pytest.mark.parametrize("has_large", [True, False])
def test_a_quantised_layer_keeps_its_values(has_large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_large:
        monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    layer = QuantisedLinear(int8(torch.randn(40, 64)), torch.randn(40))
    kept = LargePages().keep("a", layer)
    assert kept is not layer
    assert torch.equal(kept.values(), layer.values())
    assert torch.equal(kept.bias, layer.bias)
    x = torch.randn(3, 64)
    assert torch.equal(kept.product(x), layer.product(x))
    assert kept.nbytes == layer.nbytes


def test_a_plain_layer_stays_where_it_is() -> None:
    layer = PlainLinear(torch.randn(4, 8))
    assert LargePages().keep("a", layer) is layer


@pytest.mark.parametrize(
    ("system", "release", "expected"),
    [("Linux", "6.18.44-x", (6, 18)), ("Linux", "4.4.0", (4, 4)), ("Linux", "odd", (0, 0)), ("Darwin", "23.1", (0, 0))],
)
def test_old_systems_are_known(system: str, release: str, expected: tuple[int, int], monkeypatch) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.release", lambda: release)
    assert pages._linux() == expected
