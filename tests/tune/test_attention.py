"""Attention over packed rows against the same in plain torch: results and gradients, on every instruction set."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from astrarium.engine.native import VARIABLE, kernels
from astrarium.tune.passes import attention
from astrarium.tune.passes.attention import Heads, Layout, attend
from tests.instructions import sets


def plain(q: Tensor, k: Tensor, v: Tensor, heads: Heads, starts: tuple[int, ...]) -> Tensor:
    """Softmax over what each query sees, in fp32."""
    group, found = heads.heads // heads.kv_heads, []
    for start, end in pairwise(starts):
        count = end - start
        by_head = [x[start:end].view(count, -1, heads.width).transpose(0, 1) for x in (q, k, v)]
        queries, keys, values = by_head[0], *(x.repeat_interleave(group, 0) for x in by_head[1:])
        back = torch.arange(count)[:, None] - torch.arange(count)
        hidden = (back < 0) | ((back >= heads.window) if heads.window else torch.zeros((), dtype=torch.bool))
        scores = (queries @ keys.transpose(1, 2) * heads.scale).masked_fill(hidden, -torch.inf)
        found.append((scores.softmax(-1) @ values).transpose(0, 1).reshape(count, -1))
    return torch.cat(found)


@pytest.mark.parametrize("instructions", sets())
@settings(max_examples=25, deadline=None)
@example(lengths=[1], shape=(1, 1, 6), window=0, half=True, seed=35)
@given(
    lengths=st.lists(st.sampled_from([1, 3, 16, 63, 64, 65, 130, 200]), min_size=1, max_size=4),
    shape=st.sampled_from([(9, 3, 64), (4, 1, 32), (2, 2, 20), (3, 1, 128), (2, 1, 256), (1, 1, 6)]),
    window=st.sampled_from([0, 0, 1, 7, 70]),
    half=st.booleans(),
    seed=st.integers(0, 99),
)
def test_results_and_gradients(
    instructions: str, lengths: list[int], shape: tuple[int, int, int], window: int, half: bool, seed: int
) -> None:
    heads = Heads(*shape, shape[2] ** -0.5, window)
    starts = tuple(sum(lengths[:number]) for number in range(len(lengths) + 1))
    generator = torch.Generator().manual_seed(seed)
    dtype = torch.bfloat16 if half else torch.float32
    tokens, (count, kv_count, width) = starts[-1], shape
    # One tensor, as of a model whose queries, keys and values are one product: none of the three is contiguous.
    whole = torch.randn(tokens, (count + 2 * kv_count) * width, generator=generator).to(dtype)
    slope = torch.randn(tokens, count * width, generator=generator).to(dtype)
    wanted = whole.float().clone().requires_grad_()
    parts = [count * width, kv_count * width, kv_count * width]
    expected = plain(*wanted.split(parts, dim=1), heads, starts)
    expected.backward(slope.float())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, instructions)
        kernels()
        given_ = whole.clone().requires_grad_()
        found = attend(*given_.split(parts, dim=1), heads, Layout(starts))
        found.backward(slope)
    kernels()
    near = 1e-2 if half else 1e-5
    _, keys, values = (part.float().reshape(-1, width).norm(dim=1).max() for part in whole.split(parts, dim=1))
    rounded = max(near / 2, 2.0**-9 * heads.scale * float(keys * values) if half else 0.0)
    assert given_.grad is not None
    assert wanted.grad is not None
    assert (found.float() - expected).norm() <= near * expected.norm()
    for ours, theirs in zip(given_.grad.float().split(parts, 1), wanted.grad.split(parts, 1), strict=True):
        # A query that sees one key alone has a slope of nothing: what is left there is rounding, of products as large
        # as slope, key and value together.
        assert (ours - theirs).norm() <= near * theirs.norm() + rounded * slope.float().norm()


def test_bf16_takes_the_one_kernel_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heads, layout = Heads(2, 1, 16, 0.25), Layout((0, 8))
    module = kernels()
    here = module is not None and module.active() in ("amx", "avx512bf16")
    queries = torch.zeros(8, 32, dtype=torch.bfloat16)
    assert (attention._kernel(queries, heads, layout) is not None) == here
    assert attention._kernel(queries.float(), heads, layout) is None
    monkeypatch.setenv(VARIABLE, "torch")
    kernels()
    assert attention._kernel(queries, heads, layout) is None
    monkeypatch.undo()
    kernels()


def test_a_nan_is_not_hidden() -> None:
    heads, layout = Heads(2, 1, 16, 0.25), Layout((0, 70))
    q, k = torch.randn(70, 32).bfloat16(), torch.randn(70, 16).bfloat16()
    k[66, 3] = torch.nan
    kernels()
    found = attend(q, k, k.clone(), heads, layout)
    assert not found[:64].isnan().any()  # of the block before
    assert found[66:].isnan().any(1).all()
