"""The loss: cross-entropy over the tokens that are learned, counted in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from astrarium.tune.packing import IGNORED, Batch, PackedSequence, collate


def token_loss(model: nn.Module, batch: Batch) -> tuple[torch.Tensor, int]:
    """The summed cross-entropy of a batch, and how many tokens it sums over.

    A mean is taken by the caller, over all tokens of a step: means of means would weigh short rows more.

    Args:
        model: a causal model or a peft model around one.
        batch: the sequences.
    """
    virtual = virtual_tokens(model)
    if virtual:
        # peft puts virtual tokens before each row and counts the positions itself; such rows are never packed.
        inputs: dict[str, Any] = {"attention_mask": batch.padding_mask()}
    else:
        dtype = next(parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
        inputs = {"attention_mask": batch.attention_mask(dtype), "position_ids": batch.positions}
    logits = model(input_ids=batch.ids, use_cache=False, **inputs).logits[:, virtual:]
    shifted = batch.labels[:, 1:]  # the token at t is predicted from those up to t - 1
    learned = shifted != IGNORED
    chosen = logits[:, :-1][learned].float()  # [learned, vocabulary]
    return functional.cross_entropy(chosen, shifted[learned], reduction="sum"), int(learned.sum())


@torch.no_grad()
def mean_loss(model: nn.Module, sequences: Sequence[PackedSequence], pad: int, micro_batch: int) -> float:
    """The mean cross-entropy a learned token over all sequences, in eval mode."""
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    for start in range(0, len(sequences), micro_batch):
        loss, tokens = token_loss(model, collate(sequences[start : start + micro_batch], pad))
        total, count = total + float(loss), count + tokens
    model.train(was_training)
    return total / count


def virtual_tokens(model: nn.Module) -> int:
    """How many virtual tokens a prompt method puts before each row; 0 for every other model."""
    config = getattr(model, "active_peft_config", None)
    if config is None or getattr(model, "_adapters_disabled", False):
        return 0
    return int(getattr(config, "num_virtual_tokens", None) or 0)
