"""What lies between the products, row by row: compiled kernels where there are any, torch's operations elsewhere.

Every function takes fp32 or bf16 and computes in fp32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.activations import NATIVE
from astrarium.engine.native import current
from astrarium.tune.passes.arena import kept

_KINDS = {name: kind for name, kind in NATIVE.items() if kind in (1, 2)}
"""Activations whose slope has a kernel: gelu by tanh, silu."""


def _module(*tensors: Tensor) -> Any:
    """The compiled kernels, where they take these tensors."""
    for tensor in tensors:
        if tensor.device.type != "cpu" or tensor.dtype not in (torch.float32, torch.bfloat16):
            return None
    return current()


def _half(x: Tensor) -> bool:
    return x.dtype == torch.bfloat16


def losses_of(logits: Tensor, targets: Tensor, learns: bool) -> Tensor:
    """The cross-entropy of each row, `[rows]`; with `learns`, the logits become the gradient of its sum.

    Args:
        logits: `[rows, vocabulary]`, contiguous.
        targets: `[rows]`.
        learns: whether a gradient is wanted.
    """
    module = _module(logits)
    if module is not None:
        found = torch.empty(len(logits))
        rows, width = logits.shape
        targets = targets.contiguous()
        module.train_losses(_half(logits), logits.data_ptr(), rows, width, targets.data_ptr(), learns, found.data_ptr())
        return found
    scores, wanted = logits.float(), targets.unsqueeze(1)
    log = torch.logsumexp(scores, -1, keepdim=True)
    found = (log - scores.gather(1, wanted)).squeeze(1)
    if learns:
        slope = (scores - log).exp_()
        slope.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=slope.dtype))
        logits.copy_(slope)
    return found


class Block:
    """A block of queries and the keys that it sees; a query has a row for each head of its group."""

    def __init__(self, start: int, end: int, first: int, group: int, window: int, scale: float) -> None:
        self.queries = slice(start * group, end * group)
        """Rows of the queries in their head."""
        self.keys = slice(first, end)
        self.group, self.window, self.scale = group, window, scale
        self.diagonal = start - first
        """The number, among the keys, of the first query's own."""

    def soften(self, scores: Tensor, logs: Tensor) -> None:
        """Scores become weights, and the logs of their sums are kept.

        Args:
            scores: `[kv_heads, rows, keys]`, in place.
            logs: `[kv_heads, all rows]`, of which this block's are filled.
        """
        module = _module(scores)
        if module is not None:
            module.train_soften(
                _half(scores), scores.data_ptr(), *scores.shape, self.group, self.diagonal, self.window, self.scale,
                _at(logs, self.queries.start), logs.shape[1],
            )  # fmt: skip
            return
        values = scores.float().mul_(self.scale).add_(self._hidden(scores))
        log = torch.logsumexp(values, -1, keepdim=True)
        logs[:, self.queries] = log.squeeze(-1)
        scores.copy_(values.sub_(log).exp_())

    def harden(self, scores: Tensor, slopes: Tensor, logs: Tensor, shared: Tensor) -> None:
        """Scores become weights again, and gradients of weights those of scores before the scale.

        Args:
            scores: `[kv_heads, rows, keys]`, in place.
            slopes: the same shape, in place.
            logs: `[kv_heads, all rows]`, from `soften`.
            shared: `[kv_heads, all rows]`: of each row, the product of its output and the output's gradient.
        """
        module = _module(scores, slopes)
        if module is not None:
            module.train_harden(
                _half(scores), scores.data_ptr(), slopes.data_ptr(), *scores.shape, self.group, self.diagonal,
                self.window, self.scale, _at(logs, self.queries.start), _at(shared, self.queries.start), logs.shape[1],
            )  # fmt: skip
            return
        values = scores.float().mul_(self.scale).add_(self._hidden(scores))
        weights = values.sub_(logs[:, self.queries].unsqueeze(-1)).exp_()
        scores.copy_(weights)
        slopes.copy_((slopes.float() - shared[:, self.queries].unsqueeze(-1)).mul_(weights).mul_(self.scale))

    def _hidden(self, scores: Tensor) -> Tensor:
        return _mask(scores.shape[1] // self.group, scores.shape[2], self.diagonal, self.group, self.window)


@cache
def _mask(queries: int, keys: int, diagonal: int, group: int, window: int) -> Tensor:
    """`[queries * group, keys]`: 0 where a query may look, a great negative number elsewhere."""
    behind = torch.arange(queries)[:, None] + diagonal - torch.arange(keys)
    hide = behind < 0
    if window:
        hide |= behind >= window
    return torch.zeros(queries, keys).masked_fill_(hide, -1e30).repeat_interleave(group, 0)


def turned(x: Tensor, width: int, cosine: Tensor, sine: Tensor, sign: float) -> Tensor:
    """Heads turned by their positions' angles, or back with a sign of -1.

    Args:
        x: `[tokens, heads * width]`.
        width: of a head.
        cosine: fp32 `[tokens, turned / 2]`.
        sine: as `cosine`.
        sign: 1 or -1.
    """
    module = _module(x)
    tokens, half = cosine.shape
    if module is not None:
        x = x.contiguous()
        y = kept(x.shape, x.dtype)
        heads = x.shape[1] // width
        module.train_turn(
            _half(x), x.data_ptr(), tokens, heads, width, cosine.data_ptr(), sine.data_ptr(), half, sign, y.data_ptr()
        )
        return y
    by_head = x.reshape(tokens, -1, width).float()
    left, right = by_head[..., :half], by_head[..., half : 2 * half]
    c, s = cosine.unsqueeze(1), sine.unsqueeze(1) * sign
    parts = [left * c - right * s, right * c + left * s, by_head[..., 2 * half :]]
    return torch.cat(parts, dim=-1).to(x.dtype).view(x.shape)


def drop(x: Tensor, y: Tensor, seed: int, threshold: int, scale: float, *, plus: bool) -> bool:
    """`y` becomes what dropout leaves of `x`, or with `plus` gets it added; False where there is no kernel for it.

    Args:
        x: the input.
        y: the same shape and dtype, contiguous.
        seed: below 2³².
        threshold: a place whose number is below is dropped.
        scale: of what is left.
        plus: add.
    """
    module = _module(x, y)
    if module is None or x.dtype != y.dtype or not y.is_contiguous():
        return False
    x = x.contiguous()
    module.train_drop(_half(x), x.data_ptr(), y.data_ptr(), x.numel(), seed, threshold, scale, plus)
    return True


def added(x: Tensor, y: Tensor) -> Tensor:
    """`x + y`, fp32.

    Args:
        x: fp32 `[tokens, hidden]`.
        y: the same shape.
    """
    found = kept(x.shape, torch.float32)
    module = _module(x, y)
    if module is None:
        return torch.add(x, y, out=found)
    x, y = x.contiguous(), y.contiguous()
    module.train_add(_half(y), x.data_ptr(), y.data_ptr(), found.data_ptr(), x.numel())
    return found


def gate(name: str, g: Tensor, u: Tensor | None) -> Tensor | None:
    """`f(g) u`, or `f(g)`; None where there is no kernel for it."""
    module = _module(g)
    if module is None or name not in _KINDS:
        return None
    g, u = g.contiguous(), None if u is None else u.contiguous()
    y = torch.empty_like(g)
    module.train_gate(_half(g), _KINDS[name], g.data_ptr(), _pointer(u), y.data_ptr(), g.numel())
    return y


def gate_back(name: str, d: Tensor, g: Tensor, u: Tensor | None) -> tuple[Tensor, Tensor | None] | None:
    """The gradients of g and u from that of `f(g) u`; None where there is no kernel for it."""
    module = _module(d, g)
    if module is None or name not in _KINDS or d.dtype != g.dtype:
        return None
    d, g, u = d.contiguous(), g.contiguous(), None if u is None else u.contiguous()
    by_g, by_u = torch.empty_like(g), None if u is None else torch.empty_like(g)
    module.train_gate_back(
        _half(g), _KINDS[name], d.data_ptr(), g.data_ptr(), _pointer(u), by_g.data_ptr(), _pointer(by_u), g.numel()
    )
    return by_g, by_u


def rms(x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """`w x r` with `r = 1 / sqrt(mean(x²) + ε)`, and r.

    Args:
        x: fp32 `[rows, width]`.
        weight: fp32 `[width]`.
        epsilon: ε.
        dtype: of the result.
    """
    y = torch.empty(x.shape, dtype=dtype)
    module = _module(x, y)
    if module is not None:
        r, x = kept((len(x), 1), torch.float32), x.contiguous()
        module.train_rms(_half(y), x.data_ptr(), weight.data_ptr(), epsilon, *x.shape, y.data_ptr(), r.data_ptr())
        return y, r
    r = torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)
    return (x * r).mul_(weight).to(dtype), r


def rms_back(d: Tensor, x: Tensor, weight: Tensor, r: Tensor) -> Tensor:
    """The gradient of x, fp32: `r w d - x r³ mean(w d x)`."""
    module = _module(d, x)
    if module is not None:
        d, found = d.contiguous(), torch.empty_like(x)
        module.train_rms_back(
            _half(d), d.data_ptr(), x.data_ptr(), weight.data_ptr(), r.data_ptr(), *x.shape, found.data_ptr()
        )
        return found
    g = d.float() * weight
    shared = torch.linalg.vecdot(g, x).unsqueeze(-1).mul_(r.pow(3)).div_(x.shape[-1])
    return g.mul_(r).addcmul_(x, shared, value=-1)


def _at(tensor: Tensor, column: int) -> int:
    return tensor.data_ptr() + 4 * column


def _pointer(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()
