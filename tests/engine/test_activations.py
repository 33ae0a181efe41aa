"""Non-linearities of any width, on every instruction set, against torch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from astrarium.engine.activations import NATIVE, activate, activation_of, gate

WIDTHS = [1, 40, 4096, 4097, 9000]  # a kernel takes 4,096 numbers at a time


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", [1, 3, 9])
@pytest.mark.usefixtures("instructions")
def test_gates(rows: int, width: int) -> None:
    x = torch.randn(rows, 2 * width, generator=torch.Generator().manual_seed(width))
    gates, others = x.chunk(2, dim=1)
    assert torch.allclose(gate("silu", x.clone()), functional.silu(gates) * others, atol=1e-6)


@pytest.mark.parametrize("name", sorted(name for name in NATIVE if name))
@pytest.mark.usefixtures("instructions")
def test_activations(name: str) -> None:
    x = 3 * torch.randn(3, 9000, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(activate(name, x.clone()), activation_of(name)(x), atol=1e-5)


@pytest.mark.parametrize("name", ["quick_gelu", "mish", *sorted(name for name in NATIVE if name)])
@pytest.mark.usefixtures("instructions")
def test_a_row_does_not_depend_on_its_place(name: str) -> None:
    for width in (33, 47):
        x = 3 * torch.randn(17, 2 * width, generator=torch.Generator().manual_seed(width))
        alone = torch.cat([gate(name, row.unsqueeze(0)) for row in x])
        assert torch.equal(gate(name, x.clone()), alone)
        alone = torch.cat([activate(name, row.unsqueeze(0).clone()) for row in x])
        assert torch.equal(activate(name, x.clone()), alone)


@pytest.mark.parametrize("name", sorted(name for name in NATIVE if name))
@pytest.mark.usefixtures("instructions")
def test_what_is_no_number_is_passed_on(name: str) -> None:
    x = torch.ones(2, 40)
    x[0, 3] = x[1, 39] = torch.nan
    assert torch.equal(activate(name, x.clone()).isnan(), x.isnan())
