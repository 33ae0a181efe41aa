"""Our passes give the loss and the gradients of transformers and peft, for every family, method and weight format."""

from __future__ import annotations

import copy
from typing import Any

import peft
import pytest
import torch

from astrarium.methods import METHODS, recipe
from astrarium.tune.encode import Example
from astrarium.tune.loss import StockPass
from astrarium.tune.packing import flatten, pack
from astrarium.tune.passes.model import Passes, why_not
from astrarium.tune.prepare import hold
from tests.methods.tiny import CONFIGS, base_of

OPTIONS: dict[str, dict[str, Any]] = {
    "lora": {"lora_dropout": 0.0},
    "dora": {"lora_dropout": 0.0, "use_dora": True},
    "rslora": {"lora_dropout": 0.0, "use_rslora": True},
    "ia3": {},
    "ptuning": {"num_virtual_tokens": 3},
    **{method: {"bottleneck_size": 8} for method in ("adapterh", "adapterp", "parallel")},
    "fft": {},
}


def adapted(method: str, base: torch.nn.Module) -> torch.nn.Module:
    """The base with an adapter that changes it, every trained tensor away from its start."""
    name = "lora" if method in ("dora", "rslora") else method
    config = recipe(name).replace(options=OPTIONS[method]).peft_config(base.config.to_dict())  # type: ignore[operator, union-attr]
    torch.manual_seed(4)
    model = base.requires_grad_(True) if config is None else peft.get_peft_model(base, config)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad and config is not None:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def batch(method: str, count: int = 4) -> Any:
    """Several rows, two of them in one sequence where the method allows."""
    generator = torch.Generator().manual_seed(0)
    rows = [
        Example((*torch.randint(1, 128, (length,), generator=generator).tolist(), 0), 2, str(length))
        for length in (5, 9, 7, 12)[:count]
    ]
    return flatten(pack(rows, 24, "pad" if method == "ptuning" else "pack", 0))


def loss_and_gradients(passes: torch.nn.Module, model: torch.nn.Module, flat: Any) -> tuple[float, dict[str, Any]]:
    model.zero_grad(set_to_none=True)
    loss, losses = passes(flat)
    (loss * 0.37).backward()  # as of a mean over more than this batch
    loss = loss.detach()
    assert len(losses) == len(flat.targets)
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad and p.grad is not None}
    return float(loss), gradients


def compare(ours: tuple[float, dict[str, Any]], theirs: tuple[float, dict[str, Any]], near: float) -> None:
    assert ours[0] == pytest.approx(theirs[0], rel=near)
    assert ours[1].keys() == theirs[1].keys()
    assert ours[1]
    for name, gradient in theirs[1].items():
        assert (ours[1][name] - gradient).norm() <= near * 10 * gradient.norm() + 1e-6, name


@pytest.mark.parametrize("recompute", [0.0, 1.0])
@pytest.mark.parametrize("method", OPTIONS)
@pytest.mark.parametrize("family", CONFIGS)
def test_our_pass_gives_the_loss_and_the_gradients_of_the_stock_one(family: str, method: str, recompute: float) -> None:
    model = adapted(method, base_of(family))
    if why_not(model):
        pytest.skip(why_not(model))
    flat = batch(method)
    theirs = loss_and_gradients(StockPass(model, 0), model, flat)
    compare(loss_and_gradients(Passes(model, torch.float32, recompute), model, flat), theirs, 1e-4)


def test_every_method_and_family_has_a_pass_of_our_own() -> None:
    assert set(METHODS) <= set(OPTIONS)
    without = {
        (family, method) for family in CONFIGS for method in OPTIONS if why_not(adapted(method, base_of(family)))
    }
    assert without == set()


@pytest.mark.parametrize("method", ["lora", "dora", "ia3", "ptuning", "parallel"])
@pytest.mark.parametrize("held", ["int8", "int4"])
def test_an_adapter_learns_on_a_rounded_base_as_on_its_rounded_values(held: str, method: str) -> None:
    base = base_of("llama", hidden_size=64, intermediate_size=96)
    rounded = copy.deepcopy(base)
    assert hold(rounded, held) == 0
    for path, module in list(base.named_modules()):
        if isinstance(module, torch.nn.Linear) and path != "lm_head":
            module.weight.data = rounded.get_submodule(path).values()  # type: ignore[operator]
    flat = batch(method)
    models = [adapted(method, model) for model in (rounded, base)]
    ours = loss_and_gradients(Passes(models[0], torch.float32), models[0], flat)
    theirs = loss_and_gradients(StockPass(models[1], 0), models[1], flat)

    compare(ours, theirs, 1e-4)


def test_a_linear_whose_inputs_fill_no_group_stays_and_is_counted() -> None:
    base = base_of("llama", hidden_size=48, num_attention_heads=4)
    assert hold(base, "int8") > 0


def test_recomputing_keeps_less_and_what_nothing_is_trained_below_keeps_nothing() -> None:
    """What is kept for the backward pass, in bytes, shrinks with the share that is recomputed."""

    def kept(recompute: float, layers: list[int] | None = None) -> int:
        base = base_of("llama", num_hidden_layers=4)
        chosen = {"layers_to_transform": layers} if layers else {}
        config = recipe("lora").replace(options={"lora_dropout": 0.0, **chosen}).peft_config(base.config.to_dict())
        model = peft.get_peft_model(base, config)  # type: ignore[arg-type]
        total = 0

        def pack_tensor(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal total
            if not isinstance(tensor, torch.nn.Parameter):
                total += tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack_tensor, lambda tensor: tensor):
            loss, _ = Passes(model, torch.float32, recompute)(batch("lora"))
        loss.backward()
        return total

    assert kept(1.0) < kept(0.5) < kept(0.0)
    assert kept(0.0, [3]) < 0.5 * kept(0.0)
    # Blocks below the first adapter have nothing to keep, so that recomputing them would only cost time.
    assert kept(0.5, [3]) == kept(0.0, [3])
