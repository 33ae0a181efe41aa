"""A small answer in the log: what the adapter says, greedily, to a row that was held back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from astrarium.model import Base
from astrarium.tune.packing import IGNORED, PackedSequence


@torch.no_grad()
def answer_sample(model: nn.Module, base: Base, held: Sequence[PackedSequence], tokens: int) -> dict[str, str]:
    """The answer to the first row held back.

    Args:
        model: with its adapter.
        base: whose tokenizer it is.
        held: the sequences held back.
        tokens: the most to write.

    Returns:
        `source` of the row, its `prompt`, and the `answer`.
    """
    first = held[0]
    row = [at for at, segment in enumerate(first.segments) if segment == first.segments[0]]
    learned = next((at for at in row if first.labels[at] != IGNORED), row[-1])
    prompt = first.ids[row[0] : learned] or first.ids[:1]
    was_training = model.training
    model.eval()
    own: Any = model
    ids = torch.tensor([prompt])
    written = own.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=tokens,
        pad_token_id=base.tokenizer.pad_token_id or base.tokenizer.eos_token_id,
    )[0].tolist()
    model.train(was_training)
    # With virtual tokens, generate gives back only what is new.
    new = written[len(prompt) :] if written[: len(prompt)] == prompt else written
    decode = base.tokenizer.decode
    return {"source": first.sources[0], "prompt": decode(prompt), "answer": decode(new)}
