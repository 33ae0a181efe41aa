"""Dropout made again from its seed: the same by every kernel, of the right share, and with the right gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from astrarium.engine.native import VARIABLE, kernels
from astrarium.tune.passes.dropout import Dropout
from astrarium.tune.passes.products import LowRank, products
from tests.instructions import sets


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("instructions", sets())
def test_every_kernel_drops_the_same(instructions: str, dtype: torch.dtype) -> None:
    x = torch.randn(77, 131, generator=torch.Generator().manual_seed(0)).to(dtype)
    drop = Dropout(0.3, 3_000_000_000)
    expected = (x.float() * drop.factors(x.numel()).view(x.shape)).to(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, instructions)
        kernels()
        into = torch.ones_like(x)
        drop.add(x, into)
        found = drop.of(x)
    kernels()
    torch.testing.assert_close(found, expected)
    assert torch.equal(found == 0, expected == 0)
    torch.testing.assert_close(
        into.float(), 1 + expected.float(), atol=0.02 if dtype == torch.bfloat16 else 1e-6, rtol=0
    )


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_the_share_and_that_neighbours_and_seeds_are_independent(share: float) -> None:
    kept = [(Dropout(share, seed).factors(200_000) > 0).float() for seed in (1, 2)]
    for one in kept:
        assert one.mean() == pytest.approx(1 - share, abs=0.005)
        assert Dropout(share, 1).factors(200_000).mean() == pytest.approx(1, abs=0.02)
        for distance in (1, 2, 576):
            assert torch.corrcoef(torch.stack([one[distance:], one[:-distance]]))[0, 1].abs() < 0.01
    assert torch.corrcoef(torch.stack(kept))[0, 1].abs() < 0.01


def test_seeds_come_from_torch_s_generator() -> None:
    torch.manual_seed(3)
    first = [Dropout.drawn(0.1).seed for _ in range(4)]
    torch.manual_seed(3)
    assert [Dropout.drawn(0.1).seed for _ in range(4)] == first
    assert len(set(first)) == 4


def test_gradients_are_those_of_what_was_dropped() -> None:
    """The same by autograd, with the factors of the seeds that the pass draws."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(9, 12, generator=generator).requires_grad_()
    linears = [nn.Linear(12, 5).requires_grad_(False), nn.Linear(12, 7).requires_grad_(False)]
    factors = [[torch.randn(2, 12, requires_grad=True), torch.randn(n, 2, requires_grad=True)] for n in (5, 7)]
    shares = [0.5, 0.0]
    slopes = [torch.randn(9, 5), torch.randn(9, 7)]
    updates = [LowRank(a, b, 0.7, share) for (a, b), share in zip(factors, shares, strict=True)]
    leaves = [x, *(factor for pair in factors for factor in pair)]

    torch.manual_seed(8)
    ours = torch.autograd.grad(products(x, linears, updates), leaves, slopes)  # type: ignore[arg-type]
    torch.manual_seed(8)
    seen = x * Dropout.drawn(0.5).factors(x.numel()).view(x.shape)
    inputs = [seen, x]
    plain = [
        linear(x) + 0.7 * (each @ a.t() @ b.t()) for linear, each, (a, b) in zip(linears, inputs, factors, strict=True)
    ]
    for found, expected in zip(ours, torch.autograd.grad(plain, leaves, slopes), strict=True):
        torch.testing.assert_close(found, expected)
