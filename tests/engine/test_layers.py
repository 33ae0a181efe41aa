"""Products of every weight format, by every instruction set, against a plain product of the same values."""

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from astrarium.core.errors import EngineError
from astrarium.engine.formats import rounding
from astrarium.engine.formats.layers import PlainLinear, QuantisedLinear
from astrarium.engine.formats.panels import BYTE, GROUP, Panels, by_panel, pack, padded
from astrarium.engine.native import kernels

SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 9), st.integers(1, 40))


def _table(weight):
    """Codes that stand for the values of a table."""
    outputs, inputs = weight.shape
    torch.manual_seed(outputs)
    codes = torch.randint(0, 16, (outputs, inputs), dtype=torch.uint8)
    scales = torch.randint(0, 256, (outputs, inputs // GROUP), dtype=torch.uint8)
    table = bytes([1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241])
    rows = padded(torch.rand(outputs) * 1e-3)
    return Panels(outputs, inputs, 4, BYTE, 128, pack(codes, 4), by_panel(scales), row_scale=rows, table=table)


LAYERS = {
    "fp32": lambda weight, bias: PlainLinear(weight, bias),
    "bf16": lambda weight, bias: PlainLinear(weight.bfloat16(), bias),
    "int8": lambda weight, bias: QuantisedLinear(rounding.int8(weight), bias),
    "int4": lambda weight, bias: QuantisedLinear(rounding.int4(weight), bias),
    "table": lambda weight, bias: QuantisedLinear(_table(weight), bias),
}


def rounded(x):
    """Activations as the kernels see them: 8 bits in groups of 32."""
    groups = x.view(len(x), -1, GROUP)
    scale = groups.abs().amax(-1, keepdim=True) / 127
    return (torch.round(groups / torch.where(scale == 0, 1, scale)) * scale).view_as(x)


@pytest.mark.parametrize("form", LAYERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=SHAPES, with_bias=st.booleans(), seed=st.integers(0, 1000))
@example(shape=(17, 9, 25), with_bias=True, seed=0)  # rows that lie together, and fewer of them at the end
@example(shape=(17, 8, 20), with_bias=False, seed=0)
def test_product(instructions, form, shape, with_bias, seed):
    outputs, groups, rows = shape
    torch.manual_seed(seed)
    weight, x = torch.randn(outputs, groups * GROUP), torch.randn(rows, groups * GROUP)
    bias = torch.randn(outputs) if with_bias else None
    layer = LAYERS[form](weight, bias)
    plain = form in ("fp32", "bf16")
    seen = rounded(x)
    if plain or instructions == "torch":
        seen = x.bfloat16().float() if form == "bf16" and instructions == "torch" else x
    expected = torch.nn.functional.linear(
        seen.double(), layer.values().double(), None if bias is None else bias.double()
    )
    # A group's largest activation may lie on the edge between two codes: the same quotient, otherwise rounded.
    tolerance = 1e-6 if plain or instructions == "torch" else 2e-3
    if form == "bf16" and instructions == "torch":
        tolerance = 2**-8  # of the products themselves, which come in bf16
    size = (seen.abs().double() @ layer.values().abs().double().T).max()  # of the terms, before they cancel out
    assert torch.allclose(layer(x).double(), expected, atol=tolerance * size + 1e-6, rtol=0)


@pytest.mark.parametrize("form", LAYERS)
def test_values_and_rows_agree_with_torch(instructions, form):
    torch.manual_seed(1)
    layer = LAYERS[form](torch.randn(50, 96), None)
    own = layer.weight.float() if form in ("fp32", "bf16") else layer.panels.values()
    assert torch.allclose(layer.values(), own, atol=1e-6)
    ids = torch.tensor([49, 0, 7, 7])
    assert torch.equal(layer.rows(ids), layer.values()[ids])


@pytest.mark.parametrize("form", LAYERS)
def test_a_row_does_not_depend_on_its_neighbours(instructions, form):
    torch.manual_seed(2)
    layer = LAYERS[form](torch.randn(48, 640), torch.randn(48))
    x = torch.randn(70, 640)
    alone = torch.cat([layer(row.unsqueeze(0)) for row in x])
    for start, stop in ((0, 70), (0, 23), (5, 38), (69, 70)):
        assert torch.equal(layer(x[start:stop]), alone[start:stop])


@pytest.mark.parametrize("form", LAYERS)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_is_passed_on(instructions, form, bad):
    layer = LAYERS[form](torch.randn(18, 96), None)
    for place in range(32, 64):  # wherever in a group, alone or among others
        for rest in (0.0, 1.0):
            x = torch.full((3, 96), rest)
            x[1, place] = bad
            finite = torch.isfinite(layer(x)).any(dim=1)
            assert finite.tolist() == [True, False, True], (place, rest)


@pytest.mark.parametrize("form", LAYERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradient_reaches_the_input_alone(instructions, form, dtype):
    torch.manual_seed(3)
    layer = LAYERS[form](torch.randn(20, 64), torch.randn(20))
    x = torch.randn(2, 3, 64, dtype=dtype, requires_grad=True)
    out = layer(x)
    assert out.dtype == dtype
    assert out.shape == (2, 3, 20)
    out.sum().backward()
    expected = layer.values().sum(0).expand(2, 3, 64).to(dtype)
    assert torch.allclose(x.grad, expected, atol=1e-4 if dtype == torch.float32 else 0.1)
    assert all(not parameter.requires_grad for parameter in layer.parameters())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.floats(1e-6, 1e4), st.integers(0, 1000))
def test_rounding_error_is_within_a_step(outputs, groups, size, seed):
    torch.manual_seed(seed)
    apart = torch.exp2(torch.randint(-12, 1, (outputs, groups)).float()).repeat_interleave(GROUP, dim=1)
    weight = torch.randn(outputs, groups * GROUP) * size * apart
    blocks = weight.view(outputs, groups, GROUP)
    eight = (rounding.int8(weight).values() - weight).view_as(blocks).abs().amax(-1)
    # Half a step, of which the group's own size makes the most, and rounding its scale up a 255th of the output's.
    steps = blocks.abs().amax(-1) / 127
    assert (eight <= (steps + steps.amax(-1, keepdim=True) / 255) / 2 * 1.001 + 1e-6 * steps.amax() * 127).all()
    four = rounding.int4(weight).values().sub(weight).square().mean()
    low, high = blocks.amin(-1, keepdim=True), blocks.amax(-1, keepdim=True)
    step = (high - low) / 15
    nearest = (torch.round((blocks - low) / step) * step + low - blocks).square().mean()
    assert four <= nearest * 1.05


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_constant_weights_stay(value):
    weight = torch.full((5, 64), value)
    for form in (rounding.int8, rounding.int4):
        assert torch.allclose(form(weight).values(), weight, rtol=2e-3)


@pytest.mark.parametrize("form", [rounding.int8, rounding.int4])
def test_weights_that_cannot_be_rounded(form):
    weight = torch.ones(4, 64)
    weight[1, 5] = float("nan")
    with pytest.raises(EngineError, match=r"1 of 256 weights are not finite"):
        form(weight)
    with pytest.raises(EngineError, match=r"40 inputs.*multiple of 32"):
        form(torch.ones(4, 40))


def test_wrong_instruction_set(monkeypatch):
    monkeypatch.setenv("ASTRARIUM_CPU", "mmx")
    with pytest.raises(EngineError, match="'mmx'; expected one of amx, avx512bf16, avx512, avxvnni, avx2, torch"):
        kernels()
