"""The output head with its cross-entropy. The logits of all tokens are never there at once.

For a token with target t and logits z, the loss is log Σ exp z − z_t and its gradient softmax(z) − e_t; both are found
while a chunk of logits is there, so that the backward pass has only to scale.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from astrarium.tune.passes.rows import losses_of
from astrarium.tune.passes.weights import bias_of, is_trained, weight_of

_CHUNK_BYTES = 48 << 20
"""Of the logits that are there at once."""


def head_losses(x: Tensor, head: nn.Module, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy of every token.

    Args:
        x: `[tokens, hidden]`, after the last norm.
        head: the output linear.
        targets: `[tokens]`.

    Returns:
        The sum, and each token's own loss `[tokens]`, which has no gradient.
    """
    own: Any = head
    learns = torch.is_grad_enabled() and (x.requires_grad or is_trained(head))
    found: tuple[Tensor, Tensor] = _Head.apply(x, own.weight, head, targets, learns)  # type: ignore[no-untyped-call]
    return found


class _Head(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, parameter: Tensor | None, head: nn.Module, targets: Tensor, learns: bool
    ) -> tuple[Tensor, Tensor]:
        weight, bias = weight_of(head, x.dtype), bias_of(head, x.dtype)
        losses = torch.empty(len(x))
        by_x = torch.empty_like(x) if learns else None
        trains = learns and parameter is not None and parameter.requires_grad
        by_weight = torch.zeros(weight.shape) if trains else None
        chunk = min(len(x), max(64, _CHUNK_BYTES // (len(weight) * x.element_size())))
        memory = torch.empty(chunk, len(weight), dtype=x.dtype)
        for start in range(0, len(x), max(1, chunk)):
            some = slice(start, min(start + chunk, len(x)))
            logits = memory[: some.stop - start]
            torch.mm(x[some], weight.t(), out=logits)
            if bias is not None:
                logits += bias
            losses[some] = losses_of(logits, targets[some], learns)
            if by_x is None:
                continue
            torch.mm(logits, weight, out=by_x[some])
            if by_weight is not None:
                by_weight += logits.t() @ x[some]
        ctx.save_for_backward(*(tensor for tensor in (by_x, by_weight) if tensor is not None))
        ctx.mark_non_differentiable(losses)
        return losses.sum(), losses

    @staticmethod
    def backward(ctx: Any, scale: Tensor, _: Tensor) -> tuple[Any, ...]:
        by_x, *rest = ctx.saved_tensors
        by_weight = rest[0].mul_(scale) if rest else None
        return by_x * scale.to(by_x.dtype), by_weight, None, None, None
