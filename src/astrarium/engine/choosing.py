"""Which token a request takes next, and how likely it was."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from astrarium.engine.native import current
from astrarium.engine.request import Logprob, Running
from astrarium.engine.sampling import draw, penalised


def likeliest_of(logits: Tensor) -> list[int | None]:
    """Of each row of `[rows, vocabulary]` the first of the largest; None where a number is not finite."""
    module = current()
    if module is None:
        found, finite = logits.argmax(-1).tolist(), torch.isfinite(logits).all(-1).tolist()
    else:
        logits = logits.contiguous()
        found = module.likeliest(logits.data_ptr(), *logits.shape)
        finite = [token >= 0 for token in found]
    return [token if whole else None for token, whole in zip(found, finite, strict=True)]


def choose(request: Running, logits: Tensor, likeliest: int, ends: Collection[int]) -> int:
    """The next token of a request.

    Args:
        request: whose options and random stream decide.
        logits: fp32 `[vocabulary]`.
        likeliest: the first of the largest of them.
        ends: ids that end an answer, which it may not do before `min_new_tokens`.
    """
    options = request.sampling
    held_open = len(request.ticket.tokens) < options.min_new_tokens
    if options.plain_greedy and not (held_open and likeliest in ends):
        return likeliest
    if options.repetition_penalty != 1:
        seen = sorted({token for token in request.ids if token >= 0})
        logits = penalised(logits, torch.tensor(seen, device=logits.device), options.repetition_penalty)
    if held_open and ends:
        logits = logits.index_fill(0, torch.tensor(sorted(ends), device=logits.device), -torch.inf)
    if options.temperature == 0:
        return int(logits.argmax())
    assert request.stream is not None
    return draw(logits, options, request.stream)


def logprob(token: int, logits: Tensor, count: int) -> Logprob:
    """A token's log-probability, with those of so many of the likeliest."""
    every = logits.log_softmax(-1)
    values, ids = every.topk(min(count, len(every))) if count else (every[:0], every[:0])
    return Logprob(token, float(every[token]), tuple(zip(ids.int().tolist(), values.tolist(), strict=True)))
