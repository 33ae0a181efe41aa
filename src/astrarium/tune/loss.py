"""The loss: cross-entropy over the tokens that are learned, by our own passes or by transformers'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.tune.packing import IGNORED, Batch, Flat, PackedSequence, collate, flatten
from astrarium.tune.passes.model import Passes, virtual_tokens, why_not
from astrarium.tune.processes import Processes


class StockPass(nn.Module):
    """The same face as `Passes`, through the model's own forward: for bases whose family we have no pass for."""

    def __init__(self, model: nn.Module, pad: int) -> None:
        super().__init__()
        self.model, self._pad = model, pad

    def forward(self, flat: Flat) -> tuple[Tensor, Tensor]:
        """The summed loss of the learned tokens, and each one's own `[learned]`, which has no gradient."""
        losses = token_losses(self.model, collate(flat.sequences, self._pad))
        return losses.sum(), losses.detach()


def pass_of(model: nn.Module, dtype: torch.dtype, pad: int, recompute: float) -> tuple[Passes | StockPass, str]:
    """How a model is trained, and what the user should know of it (empty where it is our own pass).

    Args:
        model: a causal model or a peft model around one.
        dtype: of products in our own pass.
        pad: the id to fill up with in transformers' pass.
        recompute: share of the blocks that are computed again backward.
    """
    reason = why_not(model)
    if reason:
        extra = "; nothing is recomputed" if recompute else ""
        return StockPass(model, pad), f"{reason}: training goes through transformers, which is slower{extra}"
    return Passes(model, dtype, recompute), ""


def token_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, int]:
    """The summed cross-entropy of a batch through the model's own forward, and how many tokens it sums over."""
    losses = token_losses(model, batch)
    return losses.sum(), len(losses)


def token_losses(model: nn.Module, batch: Batch) -> Tensor:
    """The cross-entropy of each learned token of a batch, `[learned]`, through the model's own forward.

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
    return functional.cross_entropy(chosen, shifted[learned], reduction="none")


@torch.no_grad()
def mean_loss(
    passes: nn.Module, sequences: Sequence[PackedSequence], micro_batch: int, processes: Processes | None = None
) -> float:
    """The mean cross-entropy a learned token over all sequences, in eval mode, shared out among the processes."""
    processes = processes or Processes()
    was_training = passes.training
    passes.eval()
    batches = [sequences[start : start + micro_batch] for start in range(0, len(sequences), micro_batch)]
    total, count = 0.0, 0
    # Each process has the same number of turns: shards are gathered by all or by none.
    for turn in range(0, len(batches), processes.count):
        number = turn + processes.rank
        flat = flatten(batches[number] if number < len(batches) else batches[0])
        loss, _ = passes(flat)
        if number < len(batches):
            total, count = total + float(loss), count + len(flat.targets)
    passes.train(was_training)
    total, tokens = processes.total(total, count)
    return total / tokens
