"""Linears with whatever peft has put around them, by peft's own arithmetic.

Frozen linears and those with plain low-rank updates that see one input become one node (`products.py`); every other
method is a few operations around a frozen product. In half precision the adapter's weights, which stay in fp32, are
rounded for the product, as under autocast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft.tuners.ia3.layer import Linear as Ia3Linear
from peft.tuners.lora.dora import DoraLinearLayer
from peft.tuners.lora.layer import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn import functional

from astrarium.methods.bottleneck.layer import BottleneckLinear
from astrarium.tune.passes.products import Again, LowRank, products
from astrarium.tune.passes.weights import bias_of, is_trained, weight_of


def linears(
    x: Tensor, modules: Sequence[nn.Module], again: Again | None = None, keep: Sequence[bool] = ()
) -> tuple[Tensor, ...]:
    """Every module on `x`.

    Args:
        x: `[tokens, inputs]`.
        modules: linears of the model, as peft has left them.
        again: makes `x` again in the backward pass; without it, `x` is kept where it is needed.
        keep: of each, whether its result stays until the backward pass; none does by default.
    """
    plain = {number: found for number, module in enumerate(modules) if (found := _plain(module)) is not None}
    results: dict[int, Tensor] = {}
    if plain:
        bases, updates = zip(*plain.values(), strict=True)
        results = dict(
            zip(
                plain,
                products(x, bases, updates, again, [keep[number] for number in plain] if keep else ()),
                strict=True,
            )
        )
    for number, module in enumerate(modules):
        if number not in plain:
            results[number] = _other(module, x)
    return tuple(results[number] for number in range(len(modules)))


def linear(x: Tensor, module: nn.Module, again: Again | None = None, keep: bool = False) -> Tensor:
    """One module on `x`; see `linears`."""
    return linears(x, (module,), again, (keep,))[0]


def is_known(module: nn.Module) -> bool:
    """Whether the module is a linear that is computed here, with at most one adapter active."""
    if not isinstance(module, BaseTunerLayer):
        return True
    if not isinstance(module, LoraLinear | Ia3Linear | BottleneckLinear) or not _is_alone(module):
        return False
    if module.merged:
        return False
    if isinstance(module, LoraLinear):
        name = module.active_adapters[0]
        if name in module.lora_variant and not _is_dora(module, name):
            return False
        return name not in module.lora_A or module.lora_B[name].bias is None
    return True


def _is_alone(module: Any) -> bool:
    return len(module.active_adapters) == 1


def _is_dora(module: LoraLinear, name: str) -> bool:
    magnitudes = module.lora_magnitude_vector
    return name in magnitudes and isinstance(magnitudes[name], DoraLinearLayer)


def _plain(module: nn.Module) -> tuple[nn.Module, LowRank | None] | None:
    """The frozen linear with its low-rank update; None where there is more to it."""
    if not isinstance(module, BaseTunerLayer):
        return None if is_trained(module) else (module, None)
    base = module.get_base_layer()
    if is_trained(base):
        return None
    if module.disable_adapters:
        return base, None
    if not isinstance(module, LoraLinear):
        return None
    name = module.active_adapters[0]
    if name not in module.lora_A:
        return base, None
    if name in module.lora_variant:
        return None
    return base, LowRank(
        module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name], _dropout(module, name)
    )


def _other(module: nn.Module, x: Tensor) -> Tensor:
    if not isinstance(module, BaseTunerLayer):
        return functional.linear(x, weight_of(module, x.dtype), bias_of(module, x.dtype))
    base: nn.Module = module.get_base_layer()
    if module.disable_adapters:
        return linear(x, base)
    name = module.active_adapters[0]
    if isinstance(module, LoraLinear):
        return _lora(module, name, base, x)
    if isinstance(module, Ia3Linear):
        return _ia3(module, name, base, x)
    return _bottleneck(module, name, base, x)


def _lora(module: Any, name: str, base: nn.Module, x: Tensor) -> Tensor:
    result = linear(x, base)
    dropout = _dropout(module, name)
    seen = functional.dropout(x, dropout) if dropout else x
    a, b, scale = module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name]
    low = functional.linear(functional.linear(seen, a.to(x.dtype)), b.to(x.dtype))
    if name not in module.lora_variant:
        updated: Tensor = result + low * scale
        return updated
    # DoRA (Liu et al. 2024, arXiv 2402.09353, equation 5); its norm has no gradient, as section 4.3 proposes.
    magnitude = module.lora_magnitude_vector[name].weight
    factor = magnitude / _dora_norm(base, a.detach(), b.detach(), scale)
    bias = bias_of(base, x.dtype)
    alone = linear(seen, base) if dropout else result
    alone = alone if bias is None else alone - bias
    changed: Tensor = result + (factor - 1) * alone + factor * low * scale
    return changed.to(x.dtype)


def _dora_norm(base: nn.Module, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """The norm of each row of W + s B A, without that matrix: |w|² + 2 s ⟨w Aᵀ, b⟩ + s² ⟨b (A Aᵀ), b⟩."""
    weight = weight_of(base, torch.float32)
    squares = torch.linalg.vecdot(weight, weight) + 2 * scale * torch.linalg.vecdot(weight @ a.t(), b)
    squares += scale * scale * torch.linalg.vecdot(b @ (a @ a.t()), b)
    norm: Tensor = squares.clamp_(min=0).sqrt_()
    return norm


def _ia3(module: Any, name: str, base: nn.Module, x: Tensor) -> Tensor:
    if name not in module.ia3_l:
        return linear(x, base)
    factor: Tensor = module.ia3_l[name].flatten()
    if module.is_feedforward:
        return linear((x * factor).to(x.dtype), base)
    return (linear(x, base) * factor).to(x.dtype)


def _bottleneck(module: Any, name: str, base: nn.Module, x: Tensor) -> Tensor:
    if name not in module.kind:
        return linear(x, base)
    kind = module.kind[name]
    if kind == "in":
        return linear(x + _delta(module, name, x), base)
    y = linear(x, base)
    return y + _delta(module, name, x if kind == "parallel" else y)


def _delta(module: Any, name: str, z: Tensor) -> Tensor:
    """`scaling · up(f(down(dropout(z))))`."""
    down, up = module.adapter_down[name].weight, module.adapter_up[name].weight
    inner = functional.linear(module.adapter_dropout[name](z), down.to(z.dtype))
    result = functional.linear(module.non_linearity[name](inner), up.to(z.dtype))
    if name in module.adapter_scaling:
        learned: Tensor = module.adapter_scaling[name]
        return (result * learned).to(z.dtype)
    scaling: float = module.scaling[name]
    return result if scaling == 1.0 else result * scaling


def _dropout(module: Any, name: str) -> float:
    dropout = module.lora_dropout[name]
    return float(dropout.p) if isinstance(dropout, nn.Dropout) and module.training else 0.0
