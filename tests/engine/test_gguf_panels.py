"""Blocks of a GGUF file as panels: the same values to the last bit, and the same products."""

import numpy as np
import pytest
import torch

from astrarium.engine.formats.gguf import HELD, held_as_is, panels_of
from astrarium.engine.formats.layers import QuantisedLinear
from astrarium.sources import open_base
from astrarium.sources.gguf.blocks import BLOCKS
from astrarium.sources.tensor import Tensor


def stored(kind, outputs, inputs, seed=0):
    """A tensor of random blocks, with factors that are ordinary numbers."""
    random, block = np.random.default_rng(seed), BLOCKS[kind]
    raw = random.integers(0, 256, (outputs * inputs // block.values, block.size), dtype=np.uint8)
    halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}[kind]
    for at in halves:
        factor = random.normal(0, 0.02, len(raw)).astype(np.float16)
        raw[:, at : at + 2] = factor.view(np.uint8).reshape(-1, 2)
    return Tensor("weight", (outputs, inputs), kind, memoryview(raw.tobytes()))


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("outputs", [16, 37])
def test_values_are_the_blocks_own(instructions, kind, outputs):
    tensor = stored(kind, outputs, 768)
    layer = QuantisedLinear(panels_of(tensor))
    expected = torch.from_numpy(tensor.values())
    assert torch.equal(layer.panels.values(), expected)
    assert torch.equal(layer.values(), expected)


@pytest.mark.parametrize("kind", HELD)
def test_product(instructions, kind):
    torch.manual_seed(0)
    tensor = stored(kind, 37, 768)
    x = torch.randint(-127, 128, (5, 768)).float()
    x[:, ::16] = 127.0  # so that the activations' own rounding changes nothing
    expected = x.double() @ torch.from_numpy(tensor.values()).double().T
    found = QuantisedLinear(panels_of(tensor))(x)
    assert torch.allclose(found.double(), expected, atol=2e-6 * expected.abs().max(), rtol=0)


@pytest.mark.parametrize("kind", HELD)
def test_a_row_does_not_depend_on_its_neighbours(instructions, kind):
    torch.manual_seed(1)
    layer = QuantisedLinear(panels_of(stored(kind, 37, 768)))
    x = torch.randn(40, 768)
    alone = torch.cat([layer(row.unsqueeze(0)) for row in x])
    for start, stop in ((0, 40), (3, 11), (5, 38)):
        assert torch.equal(layer(x[start:stop]), alone[start:stop])


def test_the_embedded_default_is_held_as_it_is(instructions):
    for tensor in open_base("default").tensors():
        if tensor.name.endswith("layers.3.mlp.down_proj.weight"):
            assert held_as_is(tensor)
            panels = panels_of(tensor)
            assert panels.nbytes == len(tensor.data)
            assert torch.equal(panels.values(), torch.from_numpy(tensor.values()))
            return
    pytest.fail("no such tensor")
