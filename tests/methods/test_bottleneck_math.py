"""The formulas of golden FORMAT.md, section 5, against plain tensor arithmetic."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft.utils import PeftType
from torch import nn
from torch.nn import functional
from transformers.activations import ACT2FN
from transformers.pytorch_utils import Conv1D

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck import BottleneckConfig, BottleneckLinear

_NAMES = """
gelu gelu_10 gelu_fast gelu_new gelu_python gelu_pytorch_tanh gelu_accurate laplace leaky_relu linear mish
quick_gelu relu relu2 relu6 sigmoid silu swish tanh
"""
ORIGINAL_NON_LINEARITIES = _NAMES.split()


def site(
    kind: str, *, dtype: torch.dtype = torch.float32, linear: nn.Module | None = None, **options: object
) -> BottleneckLinear:
    torch.manual_seed(0)
    linear = nn.Linear(6, 10, dtype=dtype) if linear is None else linear
    config = BottleneckConfig(target_modules=["x"], bottleneck_size=3, **options)
    layer = BottleneckLinear(linear, "default", config, kind)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if "adapter_" in name:
                parameter.normal_()
    return layer.eval()


def expected(layer: BottleneckLinear, x: torch.Tensor, non_linearity: str, scaling: float) -> torch.Tensor:
    down, up = layer.adapter_down["default"].weight, layer.adapter_up["default"].weight
    base, kind = layer.base_layer, layer.kind["default"]

    def delta(z: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        return scaling * (ACT2FN[non_linearity](z.float() @ down.T) @ up.T).to(dtype)

    if kind == "in":
        return base(x + delta(x, x.dtype))
    h = base(x)
    return h + delta(h if kind == "out" else x, h.dtype)


@pytest.mark.parametrize("kind", ["in", "out", "parallel"])
@pytest.mark.parametrize("non_linearity", ORIGINAL_NON_LINEARITIES)
def test_every_kind_and_non_linearity(kind: str, non_linearity: str) -> None:
    layer = site(kind, non_linearity=non_linearity, scaling=0.7)
    x = torch.randn(2, 5, 6)
    torch.testing.assert_close(layer(x), expected(layer, x, non_linearity, 0.7))


@given(
    kind=st.sampled_from(["in", "out", "parallel"]),
    batch=st.integers(1, 3),
    length=st.integers(1, 5),
    scaling=st.floats(-3, 3, allow_nan=False),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)
@settings(max_examples=40, deadline=None)
def test_any_shape_scaling_and_base_dtype(
    kind: str, batch: int, length: int, scaling: float, dtype: torch.dtype
) -> None:
    layer = site(kind, dtype=dtype, scaling=scaling)
    x = torch.randn(batch, length, 6).to(dtype)
    y = layer(x)
    assert y.dtype == dtype
    assert y.shape == (batch, length, 10)
    torch.testing.assert_close(y, expected(layer, x, "tanh", scaling))


@pytest.mark.parametrize("kind", ["in", "out", "parallel"])
def test_conv1d_is_a_linear_with_its_weight_transposed(kind: str) -> None:
    layer = site(kind, linear=Conv1D(10, 6))
    twin = site(kind)
    with torch.no_grad():
        twin.base_layer.weight.copy_(layer.base_layer.weight.T)
        twin.base_layer.bias.copy_(layer.base_layer.bias)
        for name, parameter in layer.named_parameters():
            if "adapter_" in name:
                twin.get_parameter(name).copy_(parameter)
    x = torch.randn(2, 5, 6)
    torch.testing.assert_close(layer(x), twin(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_learned_scaling_is_the_number_it_holds(dtype: torch.dtype) -> None:
    learned, fixed = site("parallel", dtype=dtype, scaling="learned"), site("parallel", dtype=dtype, scaling=0.25)
    with torch.no_grad():
        for name, parameter in fixed.named_parameters():
            learned.get_parameter(name).copy_(parameter)
        learned.adapter_scaling["default"].fill_(0.25)
    x = torch.randn(2, 5, 6).to(dtype)
    assert torch.equal(learned(x), fixed(x))
    learned(x).float().sum().backward()
    assert learned.adapter_scaling["default"].grad is not None


def test_the_result_is_cast_before_it_is_scaled() -> None:
    layer = site("parallel", dtype=torch.bfloat16, scaling=1 / 3)
    x = torch.randn(64, 6).to(torch.bfloat16)
    down, up = layer.adapter_down["default"].weight, layer.adapter_up["default"].weight
    late = (torch.tanh(x.float() @ down.T) @ up.T).bfloat16() * (1 / 3)
    early = ((torch.tanh(x.float() @ down.T) @ up.T) * (1 / 3)).bfloat16()
    assert not torch.equal(late, early)
    assert torch.equal(layer(x), layer.base_layer(x) + late)


@pytest.mark.parametrize("scaling", [1, "1.0", 1.0])
def test_a_whole_or_written_number_is_a_scaling(scaling: object) -> None:
    assert BottleneckConfig(target_modules=["x"], scaling=scaling).scaling == 1.0  # type: ignore[arg-type]


def test_dropout_acts_in_training_only() -> None:
    layer = site("parallel", adapter_dropout=0.5)
    x = torch.randn(4, 6)
    assert torch.equal(layer(x), layer(x))
    layer.train()
    assert not torch.equal(layer(x), layer(x))


def test_under_autocast_the_projections_run_in_its_dtype() -> None:
    layer = site("parallel")
    seen: list[torch.dtype] = []
    layer.adapter_down["default"].register_forward_hook(lambda module, args, output: seen.append(output.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(torch.randn(2, 6))
    assert seen == [torch.bfloat16]


def test_a_wholly_cast_model_still_computes_in_fp32() -> None:
    layer = site("parallel").to(torch.bfloat16)
    x = torch.randn(3, 6).to(torch.bfloat16)
    down, up = (part["default"].weight.float() for part in (layer.adapter_down, layer.adapter_up))
    delta = functional.linear(torch.tanh(functional.linear(x.float(), down)), up).bfloat16()
    assert torch.equal(layer(x), layer.base_layer(x) + delta)


def test_initialisations() -> None:
    linear = nn.Linear(64, 64)
    bert = BottleneckLinear(linear, "a", BottleneckConfig(target_modules=["x"], bottleneck_size=64), "out")
    mam = BottleneckLinear(
        linear, "a", BottleneckConfig(target_modules=["x"], bottleneck_size=64, init_weights="mam_adapter"), "out"
    )
    for weight in (bert.adapter_down["a"].weight, bert.adapter_up["a"].weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not mam.adapter_up["a"].weight.any()
    assert mam.adapter_down["a"].weight.abs().max() <= 1 / 8  # Kaiming-uniform with a = √5: bound 1/√fan_in
    assert mam.adapter_down["a"].weight.std() > 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "much"}, "scaling is 'much'; expected a number or 'learned'"),
        ({"scaling": True}, "scaling is True"),
        ({"bottleneck_size": 0}, "bottleneck_size is 0; expected a whole number from 1"),
        ({"bottleneck_size": 2.5}, "bottleneck_size is 2.5"),
        ({"bias": "some"}, "bias is 'some'; expected one of none, all, adapter_only"),
        ({"init_weights": "zero"}, "init_weights is 'zero'"),
        ({"adapter_dropout": 1.0}, "adapter_dropout is 1.0; expected a number from 0 to below 1"),
        ({"site_kinds": {"x": "before"}}, r"site_kinds\['x'\] is 'before'; expected one of in, out, parallel"),
        ({"site_kinds": {"x": "in"}, "use_parallel_adapter": True}, "use_parallel_adapter makes every site parallel"),
    ],
)
def test_a_config_that_no_adapter_can_be_made_from(options: dict[str, object], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        BottleneckConfig(target_modules=["x"], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"), [("tahn", "non_linearity is 'tahn'; expected one of"), ("prelu", "weights of its own")]
)
def test_an_unusable_non_linearity(name: str, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        site("in", non_linearity=name)


def test_what_goes_to_disk_is_the_original_s_keys() -> None:
    original = {
        "bottleneck_size", "non_linearity", "adapter_dropout", "target_modules", "use_parallel_adapter",
        "use_adapterp", "scaling", "bias", "init_weights", "modules_to_save",
    }  # fmt: skip
    common = {
        "peft_type", "task_type", "base_model_name_or_path", "revision", "auto_mapping", "inference_mode",
        "peft_version",
    }  # fmt: skip
    config = BottleneckConfig(target_modules={"b", "a"})
    assert set(config.to_dict()) == original | common
    assert config.to_dict()["target_modules"] == ["a", "b"]
    assert config.peft_type == PeftType.BOTTLENECK
