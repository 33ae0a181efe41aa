"""Causal attention inside each row of a packed batch, block by block of queries; no scores are kept.

The rows of a batch lie end to end. A block of queries sees the keys of its row up to its own end, so that about half of
the square is never computed. The backward pass makes the weights again from the scores and their log-sum, as in
Dao et al. 2022 (arXiv 2205.14135), section 3.1. Where the processor multiplies bf16, one kernel does all of it;
elsewhere torch's products, and kernels for what lies between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from astrarium.engine.native import current
from astrarium.engine.rotary import Rotary
from astrarium.tune.passes.arena import kept
from astrarium.tune.passes.rows import Block, turned

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
        out = kept(q.shape, q.dtype)
        ctx.heads, ctx.layout = heads, layout
        ctx.kernel = _kernel(q, heads, layout)
        if ctx.kernel is not None:
            q, k, v = (x if x.stride(1) == 1 else x.contiguous() for x in (q, k, v))
            log = kept((heads.heads, len(q)), torch.float32)
            ctx.kernel.forward(*_rows(q, k, v), out.data_ptr(), log.data_ptr())
            ctx.save_for_backward(q, k, v, out, log)
            return out
        logs = []
        for row, count in _runs(layout.starts):
            queries, keys, values = (_by_head(x[row], heads, count) for x in (q, k, v))
            result = torch.empty(queries.shape, dtype=q.dtype)
            log = kept(queries.shape[:2], torch.float32)
            for block in _blocks((row.stop - row.start) // count, heads):
                scores = torch.bmm(queries[:, block.queries], keys[:, block.keys].transpose(1, 2))
                block.soften(scores, log)
                result[:, block.queries] = torch.bmm(scores, values[:, block.keys])
            _by_token(result, out[row], count)
            logs.append(log)
        ctx.save_for_backward(q, k, v, out, *logs)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        q, k, v, out, *logs = ctx.saved_tensors
        heads, layout = ctx.heads, ctx.layout
        dq, dk, dv = (torch.empty(x.shape, dtype=x.dtype) for x in (q, k, v))
        if ctx.kernel is not None:
            gradient = gradient.contiguous()
            ctx.kernel.backward(
                *_rows(q, k, v), *(x.data_ptr() for x in (out, logs[0], gradient.to(q.dtype), dq, dk, dv))
            )
            dq, dk = (_turned(x, heads.width, layout, back=True) for x in (dq, dk))
            return dq, dk, dv, None, None
        for log, (row, count) in zip(logs, _runs(layout.starts), strict=True):
            five = (q, k, v, gradient, out)
            queries, keys, values, gradients, results = (_by_head(x[row], heads, count) for x in five)
            shared = (gradients.float() * results).sum(-1)  # [kv_heads, rows]
            by_query = torch.empty(queries.shape, dtype=q.dtype)
            by_key, by_value = (torch.zeros(keys.shape) for _ in range(2))
            for block in _blocks((row.stop - row.start) // count, heads):
                some, g, seen = queries[:, block.queries], gradients[:, block.queries], keys[:, block.keys]
                weights = torch.bmm(some, seen.transpose(1, 2))
                slopes = torch.bmm(g, values[:, block.keys].transpose(1, 2))
                block.harden(weights, slopes, log, shared)
                by_value[:, block.keys] += torch.bmm(weights.transpose(1, 2), g)
                by_query[:, block.queries] = torch.bmm(slopes, seen)
                by_key[:, block.keys] += torch.bmm(slopes.transpose(1, 2), some)
            for found, whole in ((by_query, dq), (by_key, dk), (by_value, dv)):
                _by_token(found, whole[row], count)
        dq, dk = (_turned(x, heads.width, layout, back=True) for x in (dq, dk))
        return dq, dk, dv, None, None


def _kernel(q: Tensor, heads: Heads, layout: Layout) -> Any:
    """The compiled attention over these rows; None where there is none."""
    module = current()
    if module is None or q.dtype != torch.bfloat16 or q.device.type != "cpu" or not module.trains_attention():
        return None
    if heads.width > module.train_attention_width:
        return None
    starts = list(layout.starts)
    return module.RowsAttention(heads.heads, heads.kv_heads, heads.width, heads.window, heads.scale, starts)


def _rows(*tensors: Tensor) -> list[int]:
    """Where each begins, and how far it is from row to row."""
    return [number for x in tensors for number in (x.data_ptr(), x.stride(0))]


def _blocks(length: int, heads: Heads) -> Iterator[Block]:
    group = heads.heads // heads.kv_heads
    for start in range(0, length, _BLOCK):
        end = min(length, start + _BLOCK)
        first = max(0, start - heads.window + 1) if heads.window else 0
        yield Block(start, end, first, group, heads.window, heads.scale)


def _runs(starts: tuple[int, ...]) -> list[tuple[slice, int]]:
    """Rows of one length that follow each other go together: where they are, and how many. (0, 5, 10, 12) → 2, 1."""
    found: list[tuple[slice, int]] = []
    for start, end in pairwise(starts):
        if found and (found[-1][0].stop - found[-1][0].start) // found[-1][1] == end - start:
            before, count = found.pop()
            found.append((slice(before.start, end), count + 1))
        else:
            found.append((slice(start, end), 1))
    return found


def _by_head(x: Tensor, heads: Heads, rows: int) -> Tensor:
    """`[rows * tokens, heads * width]` → `[rows * kv_heads, tokens * group, width]`, contiguous."""
    parts = x.reshape(rows, len(x) // rows, heads.kv_heads, -1, heads.width).transpose(1, 2)
    return parts.reshape(rows * heads.kv_heads, -1, heads.width)


def _by_token(x: Tensor, into: Tensor, rows: int) -> None:
    """The way back: `[rows * kv_heads, tokens * group, width]` into `[rows * tokens, heads * width]`."""
    tokens, width = len(into) // rows, x.shape[-1]
    parts = into.view(rows, tokens, len(x) // rows, -1, width).transpose(1, 2)
    parts.copy_(x.view(parts.shape))


def turning(rotary: Rotary, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions, fp32 `[tokens, turned / 2]` each."""
    return rotary.cosine[positions], rotary.sine[positions]


def _turned(x: Tensor, width: int, layout: Layout, back: bool = False) -> Tensor:
    """Turned to its positions, or back from them."""
    if layout.cosine is None or layout.sine is None:
        return x
    return turned(x, width, layout.cosine, layout.sine, -1.0 if back else 1.0)
