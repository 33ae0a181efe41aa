"""Norms that keep their input, which the residual stream keeps anyway, and one number a token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.tune.passes.products import Again
from astrarium.tune.passes.rows import rms, rms_back


def norm(module: nn.Module, x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Again]:
    """A norm of the base.

    Args:
        module: RMSNorm (any class with `variance_epsilon`) or `nn.LayerNorm`.
        x: fp32 `[tokens, hidden]`.
        dtype: of the result.

    Returns:
        `[tokens, hidden]`, and what makes it again.
    """
    own: Any = module
    if isinstance(module, nn.LayerNorm):
        y = functional.layer_norm(x, module.normalized_shape, _as(module.weight, x), _as(module.bias, x), module.eps)
        kept, kept_weight, kept_bias = x.detach(), module.weight.detach(), module.bias.detach()
        shape, eps = module.normalized_shape, module.eps
        return y.to(dtype), lambda: functional.layer_norm(
            kept, shape, _as(kept_weight, kept), _as(kept_bias, kept), eps
        ).to(dtype)
    weight = own.weight
    y = _RmsNorm.apply(x, weight, own.variance_epsilon, dtype)  # type: ignore[no-untyped-call]
    kept, kept_weight, epsilon = x.detach(), weight.detach(), own.variance_epsilon
    return y, lambda: rms(kept, kept_weight.float(), epsilon, dtype)[0]


def _as(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.to(x.dtype)


class _RmsNorm(torch.autograd.Function):
    """`w x r` with r = 1 / sqrt(mean(x²) + ε). Source: Zhang & Sennrich 2019 (arXiv 1910.07467), equations 4 and 5."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        y, inverse = rms(x, weight.float(), epsilon, dtype)
        ctx.save_for_backward(x, inverse, weight)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        x, inverse, weight = ctx.saved_tensors
        by_weight = None
        if ctx.needs_input_grad[1]:
            by_weight = (gradient.float() * x).mul_(inverse).sum(0).to(weight.dtype)
        return rms_back(gradient, x, weight.float(), inverse), by_weight, None, None
