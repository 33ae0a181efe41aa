"""The training loop: AdamW, a schedule, gradients added up over micro-batches."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from astrarium.core.errors import TuneError
from astrarium.methods import Recipe
from astrarium.tune.loss import token_loss
from astrarium.tune.packing import PackedSequence, collate
from astrarium.tune.settings import Settings


@dataclass(frozen=True, slots=True)
class Progress:
    """How a training stands after a step."""

    step: int
    steps: int
    loss: float
    """Mean over the tokens learned in this step."""
    learning_rate: float
    tokens: int
    """Tokens of this step, without padding."""
    tokens_per_second: float
    """Since the beginning."""
    seconds_left: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def run_steps(
    model: nn.Module,
    sequences: Sequence[PackedSequence],
    recipe: Recipe,
    settings: Settings,
    pad: int,
    report: Callable[[Progress], None],
) -> float:
    """Train the parameters that require a gradient.

    Args:
        model: in place.
        sequences: gone through again and again, each time in another order.
        recipe: learning rate, schedule, steps, sequences a step.
        settings: the rest.
        pad: the id to fill up with.
        report: called after each step.

    Returns:
        Tokens a second, without padding.

    Raises:
        TuneError: the loss is no number.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(_groups(trained, recipe.weight_decay), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, recipe))
    endless = _endless(sequences, settings.seed)
    model.train()
    begin, seen = time.monotonic(), 0
    for step in range(1, recipe.steps + 1):
        batch = [next(endless) for _ in range(recipe.sequences_per_step)]
        rate = float(schedule.get_last_lr()[0])
        loss, tokens = _step(model, batch, settings, pad, step)
        torch.nn.utils.clip_grad_norm_(trained, settings.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        seen += tokens
        seconds = time.monotonic() - begin
        left = seconds / step * (recipe.steps - step)
        report(Progress(step, recipe.steps, loss, rate, tokens, seen / seconds, left))
    model.eval()
    return seen / (time.monotonic() - begin)


def rate_at(step: int, recipe: Recipe) -> float:
    """The learning rate's factor at a step, from 0: a linear warm-up, then half a cosine down to 0.

    Raises:
        TuneError: a schedule that is not known.
    """
    if recipe.schedule not in ("cosine", "constant"):
        raise TuneError(f"schedule is {recipe.schedule!r}; expected cosine or constant")
    if step < recipe.warmup_steps:
        return (step + 1) / (recipe.warmup_steps + 1)
    if recipe.schedule == "constant":
        return 1.0
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _step(
    model: nn.Module, sequences: list[PackedSequence], settings: Settings, pad: int, step: int
) -> tuple[float, int]:
    """Gradients of one step: the mean over all its learned tokens, whichever micro-batch they are in."""
    batches = [
        collate(sequences[start : start + settings.micro_batch], pad)
        for start in range(0, len(sequences), settings.micro_batch)
    ]
    learned = sum(int((batch.labels[:, 1:] >= 0).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        loss, _ = token_loss(model, batch)
        if not torch.isfinite(loss):
            raise TuneError(
                f"the loss at step {step} is {float(loss.detach())}, in a batch that begins with {batch.sources[0]}; "
                "lower the learning rate, or look at that row"
            )
        (loss / learned).backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total / learned, sum(batch.tokens for batch in batches)


def _groups(parameters: list[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors (biases, scales, norms) do not."""
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def _endless(sequences: Sequence[PackedSequence], seed: int) -> Iterator[PackedSequence]:
    generator = random.Random(seed)
    while True:
        order = list(sequences)
        generator.shuffle(order)
        yield from order
