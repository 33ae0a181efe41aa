"""Quantised weights as torch's kernels take them, where ours are missing."""

import pytest
import torch
from tests.engine.test_gguf_panels import stored

from astrarium.engine.formats import rounding
from astrarium.engine.formats.gguf import HELD, panels_of
from astrarium.engine.formats.layers import PlainLinear, QuantisedLinear
from astrarium.engine.formats.torch_layers import PackedLinear, for_torch, packed_bytes
from astrarium.engine.weights import Weights

MADE = {
    "int8": lambda outputs: rounding.int8(torch.randn(outputs, 768)),
    "int4": lambda outputs: rounding.int4(torch.randn(outputs, 768)),
    **{kind: lambda outputs, kind=kind: panels_of(stored(kind, outputs, 768)) for kind in HELD if kind != "Q6_K"},
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("outputs", [16, 37, 4100])  # the last is packed in two pieces
def test_product_and_values(kind, outputs):
    panels, bias = MADE[kind](outputs), torch.randn(outputs)
    layer = PackedLinear(panels, bias, looked_up=False)
    weight, x = panels.values(), torch.randn(5, 768)
    parts = weight.abs().amax(1, keepdim=True)
    if kind == "Q4_K":  # the sum of two larger ones
        parts = panels.factors()[1].abs().amax(1)[:outputs, None] + parts
    assert ((layer.values() - weight).abs() <= 2**-7 * parts).all()
    size = x.abs() @ weight.abs().T
    assert ((layer(x) - bias - x @ weight.T).abs() <= 2**-7 * size.amax()).all()
    assert ((layer(x) - bias - x @ weight.T).square().mean() <= 2**-15 * (x @ weight.T).square().mean()).all()


@pytest.mark.parametrize("kind", MADE)
def test_a_row_does_not_depend_on_its_neighbours(kind):
    layer = PackedLinear(MADE[kind](37), None, looked_up=False)
    x = torch.randn(70, 768)
    alone = torch.cat([layer.product(row.unsqueeze(0)) for row in x])
    for start, stop in ((0, 70), (0, 23), (5, 38), (69, 70)):
        for read in (False, True):
            assert torch.equal(layer.product(x[start:stop], read=read), alone[start:stop])


@pytest.mark.parametrize("kind", MADE)
def test_a_table_s_rows_are_its_panels_own(kind):
    panels = MADE[kind](37)
    layer = PackedLinear(panels, None, looked_up=True)
    ids = torch.tensor([36, 0, 16, 16])
    assert torch.equal(layer.rows(ids), panels.values()[ids])
    assert layer.nbytes == panels.nbytes + packed_bytes(37, 768, panels.bits)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_no_number_is_passed_on(bad):
    x = torch.zeros(3, 768)
    x[1, 40] = bad
    finite = torch.isfinite(PackedLinear(MADE["int4"](37), None, looked_up=False)(x)).any(dim=1)
    assert finite.tolist() == [True, False, True]


def test_gradient():
    layer = PackedLinear(MADE["int8"](37), None, looked_up=False)
    x = torch.randn(3, 768, requires_grad=True)
    layer(x).sum().backward()
    assert torch.allclose(x.grad, layer.values().sum(0).expand(3, 768), atol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_every_layer_is_packed_but_a_table_that_is_looked_up_alone(tied):
    table, head, plain = (QuantisedLinear(MADE["int8"](48)) for _ in range(3))
    six = QuantisedLinear(panels_of(stored("Q6_K", 37, 768)))
    bf16 = PlainLinear(torch.ones(4, 4).bfloat16())
    linears = {"wte": table, "lm_head": table if tied else head, "fc": plain, "six": six, "bf16": bf16}
    packed = for_torch(Weights("int8", dict(linears)), "wte").linears
    assert isinstance(packed["fc"], PackedLinear)
    assert isinstance(packed["lm_head"], PackedLinear)
    assert packed["bf16"] is bf16
    assert (packed["wte"] is packed["lm_head"]) == tied
    assert tied or packed["wte"] is table
    ids = torch.tensor([3, 40])
    assert torch.equal(packed["wte"].rows(ids), table.rows(ids))
    assert torch.equal(packed["six"].values(), six.panels.values().bfloat16().float())
