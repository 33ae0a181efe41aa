"""Norms that keep their input, which the residual stream keeps anyway, and one number a token."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.tune.passes.products import Again


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
    inverse = _inverse(x.detach(), own.variance_epsilon)
    y = _RmsNorm.apply(x, inverse, weight, dtype)  # type: ignore[no-untyped-call]
    kept, kept_weight = x.detach(), weight.detach()
    return y, lambda: _scaled(kept, inverse, kept_weight, dtype)


def _as(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.to(x.dtype)


def _inverse(x: Tensor, epsilon: float) -> Tensor:
    """`1 / sqrt(mean(x²) + ε)`, `[tokens, 1]`."""
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()


def _scaled(x: Tensor, inverse: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
    return (x * inverse).mul_(weight).to(dtype)


class _RmsNorm(torch.autograd.Function):
    """`w x r` with r from `_inverse`. Source: Zhang & Sennrich 2019 (arXiv 1910.07467), equations 4 and 5."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inverse: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(x, inverse, weight)
        return _scaled(x, inverse, weight, dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor | None, None]:
        x, inverse, weight = ctx.saved_tensors
        g = gradient.to(x.dtype)
        by_weight = None
        if ctx.needs_input_grad[2]:
            by_weight = (g * x).mul_(inverse).sum(0).to(weight.dtype)
        g = g * weight
        shared = torch.linalg.vecdot(g, x).unsqueeze(-1).mul_(inverse.pow(3)).div_(x.shape[-1])
        return g.mul_(inverse).addcmul_(x, shared, value=-1), None, by_weight, None
