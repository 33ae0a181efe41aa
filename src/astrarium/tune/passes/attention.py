"""Causal attention inside each row of a packed batch, block by block of queries; no scores are kept.

The rows of a batch lie end to end. A block of queries sees the keys of its row up to its own end, so that about half of
the square is never computed. The backward pass makes the weights again from the scores and their log-sum, as in
Dao et al. 2022 (arXiv 2205.14135), section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.rotary import Rotary

_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Heads:
    """How attention is laid out."""

    heads: int
    kv_heads: int
    width: int
    scale: float
    window: int = 0
    """How far back a token looks; 0 for everything."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of a batch are."""

    starts: tuple[int, ...]
    """First token of each row, and the end of the last."""
    cosine: Tensor | None = None
    """What q and k are turned by (`turning`); None where positions are in the embeddings."""
    sine: Tensor | None = None


def attend(q: Tensor, k: Tensor, v: Tensor, heads: Heads, layout: Layout) -> Tensor:
    """Attention over packed rows.

    Args:
        q: `[tokens, heads * width]`.
        k: `[tokens, kv_heads * width]`.
        v: as `k`.
        heads: the shape.
        layout: the rows.

    Returns:
        `[tokens, heads * width]`.
    """
    found: Tensor = _Attention.apply(q, k, v, heads, layout)  # type: ignore[no-untyped-call]
    return found


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, heads: Heads, layout: Layout) -> Tensor:
        q, k = (_turned(x, heads.width, layout) for x in (q, k))
        out = torch.empty(q.shape, dtype=q.dtype)
        sums = torch.empty(len(q), heads.heads)
        for start, end in zip(layout.starts, layout.starts[1:], strict=False):
            queries, keys, values = (_by_head(x[start:end], heads) for x in (q, k, v))
            result = torch.empty(queries.shape, dtype=q.dtype)
            logs = torch.empty(queries.shape[:2])
            for some, seen, hidden in _blocks(end - start, heads):
                scores = _scores(queries[:, some], keys[:, seen], heads, hidden)
                log = torch.logsumexp(scores, -1, keepdim=True)
                weights = scores.sub_(log).exp_().to(q.dtype)
                result[:, some] = torch.bmm(weights, values[:, seen])
                logs[:, some] = log.squeeze(-1)
            out[start:end] = _by_token(result, end - start)
            sums[start:end] = _by_token(logs.unsqueeze(-1), end - start)
        ctx.save_for_backward(q, k, v, out, sums)
        ctx.heads, ctx.layout = heads, layout
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        q, k, v, out, sums = ctx.saved_tensors
        heads, layout = ctx.heads, ctx.layout
        shape = (len(q), heads.heads, heads.width)
        shared = (gradient.reshape(shape).float() * out.view(shape)).sum(-1)  # [tokens, heads]
        dq, dk, dv = (torch.empty(x.shape, dtype=x.dtype) for x in (q, k, v))
        for start, end in zip(layout.starts, layout.starts[1:], strict=False):
            row = slice(start, end)
            queries, keys, values, gradients = (_by_head(x[row], heads) for x in (q, k, v, gradient))
            logs, products = (_by_head(x[row], heads, 1) for x in (sums, shared))
            by_query = torch.empty(queries.shape, dtype=q.dtype)
            by_key, by_value = (torch.zeros(keys.shape) for _ in range(2))
            for some, seen, hidden in _blocks(end - start, heads):
                scores = _scores(queries[:, some], keys[:, seen], heads, hidden)
                weights = scores.sub_(logs[:, some]).exp_()
                g = gradients[:, some]
                by_value[:, seen] += torch.bmm(weights.to(q.dtype).transpose(1, 2), g)
                inner = torch.bmm(g, values[:, seen].transpose(1, 2)).float()
                inner = inner.sub_(products[:, some]).mul_(weights).mul_(heads.scale).to(q.dtype)
                by_query[:, some] = torch.bmm(inner, keys[:, seen])
                by_key[:, seen] += torch.bmm(inner.transpose(1, 2), queries[:, some])
            dq[row] = _by_token(by_query, end - start)
            dk[row] = _by_token(by_key, end - start)
            dv[row] = _by_token(by_value, end - start)
        dq, dk = (_turned(x, heads.width, layout, back=True) for x in (dq, dk))
        return dq, dk, dv, None, None


def _scores(q: Tensor, k: Tensor, heads: Heads, hidden: Tensor) -> Tensor:
    """fp32 `[kv_heads, queries * group, keys]`, with what a query must not see far below the rest."""
    scores = torch.bmm(q, k.transpose(1, 2)).float().mul_(heads.scale)
    scores[..., -hidden.shape[-1] :].add_(hidden)
    return scores


def _blocks(length: int, heads: Heads) -> Iterator[tuple[slice, slice, Tensor]]:
    """Query rows (a token has a row for each head of its group), the keys they may see, and the mask of the last."""
    group = heads.heads // heads.kv_heads
    for start in range(0, length, _BLOCK):
        end = min(length, start + _BLOCK)
        first = max(0, start - heads.window + 1) if heads.window else 0
        cut = heads.window if heads.window and end - first > heads.window else 0
        # Of an unlimited row, only the block on the diagonal has anything to hide.
        width = end - first if cut else end - start
        yield slice(start * group, end * group), slice(first, end), _hidden(end - start, width, group, cut)


@cache
def _hidden(queries: int, keys: int, group: int, window: int) -> Tensor:
    """`[queries * group, keys]`: 0 where a query may look, a great negative number elsewhere. Keys end with queries."""
    behind = torch.arange(queries)[:, None] + (keys - queries) - torch.arange(keys)
    hide = behind < 0
    if window:
        hide |= behind >= window
    return torch.zeros(queries, keys).masked_fill_(hide, -1e30).repeat_interleave(group, 0)


def _by_head(x: Tensor, heads: Heads, width: int | None = None) -> Tensor:
    """`[tokens, heads * width]` → `[kv_heads, tokens * group, width]`, contiguous."""
    width = width or heads.width
    group = x.shape[1] // (heads.kv_heads * width)
    return x.reshape(len(x), heads.kv_heads, group, width).permute(1, 0, 2, 3).reshape(heads.kv_heads, -1, width)


def _by_token(x: Tensor, tokens: int) -> Tensor:
    """The way back: `[kv_heads, tokens * group, width]` → `[tokens, heads * width]`."""
    kv_heads, rows, width = x.shape
    return x.view(kv_heads, tokens, rows // tokens, width).permute(1, 0, 2, 3).reshape(tokens, -1)


def turning(rotary: Rotary, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions, each `[tokens, 1, turned / 2]`."""
    return rotary.cosine[positions].to(dtype).unsqueeze(1), rotary.sine[positions].to(dtype).unsqueeze(1)


def _turned(x: Tensor, width: int, layout: Layout, back: bool = False) -> Tensor:
    """Turned to its positions, or back from them."""
    if layout.cosine is None or layout.sine is None:
        return x
    by_head = x.view(len(x), -1, width)
    cosine, sine = layout.cosine, -layout.sine if back else layout.sine
    half = cosine.shape[-1]
    left, right = by_head[..., :half], by_head[..., half : 2 * half]
    turned = torch.empty_like(by_head)
    torch.addcmul(left * cosine, right, sine, value=-1, out=turned[..., :half])
    torch.addcmul(right * cosine, left, sine, out=turned[..., half : 2 * half])
    if 2 * half < width:
        turned[..., 2 * half :] = by_head[..., 2 * half :]
    return turned.view(x.shape)
