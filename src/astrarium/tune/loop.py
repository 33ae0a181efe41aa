"""The training loop: AdamW, a schedule, gradients added up over micro-batches, and a place to go on from."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from astrarium.core.errors import TuneError
from astrarium.methods import Recipe
from astrarium.tune.checkpoints import Checkpoint, State
from astrarium.tune.feed import Feed, draw_seed
from astrarium.tune.packing import Flat, PackedSequence, flatten
from astrarium.tune.processes import Processes, put, whole
from astrarium.tune.settings import Settings

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


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
    """Since the beginning, validations apart."""
    seconds_left: float
    gradient_norm: float = 0.0
    """Before clipping."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Loop:
    """Trains the parameters that require a gradient, a step at a time."""

    def __init__(
        self,
        passes: nn.Module,
        sequences: Sequence[PackedSequence],
        recipe: Recipe,
        settings: Settings,
        state: State,
        processes: Processes,
        *,
        in_order: bool = False,
    ) -> None:
        """Make the optimizer.

        Args:
            passes: gives a batch's summed loss and each token's own.
            sequences: gone through again and again, each time in another order.
            recipe: learning rate, schedule, steps, sequences a step.
            settings: the rest.
            state: where it stands; counted on here.
            processes: those that share the work.
            in_order: take the sequences in their order each time, as a comparison needs.
        """
        self._passes, self._recipe, self._settings = passes, recipe, settings
        self.state, self._processes = state, processes
        self._named = {_plain(name): p for name, p in passes.named_parameters() if p.requires_grad}
        self.sharded = shards = any(isinstance(parameter, DTensor) for parameter in self._named.values())
        self._optimizer = torch.optim.AdamW(
            _groups(list(self._named.values()), recipe.weight_decay),
            lr=recipe.learning_rate,
            fused=not shards,
            foreach=False if shards else None,
        )
        self._feed = Feed(range(len(sequences)), settings.seed, recipe.sequences_per_step, in_order=in_order)
        self._sequences = sequences
        self._mine = processes.share(recipe.sequences_per_step)

    def step(self) -> Progress:
        """One step.

        Raises:
            TuneError: the loss or the gradient is no number; the parameters are then those of the step before.
        """
        begin = time.monotonic()
        state, recipe = self.state, self._recipe
        number = state.step + 1
        rate = recipe.learning_rate * rate_at(state.step, recipe)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        chosen = self._feed.step(number)
        batches = self._batches(chosen)
        learned = max(1, sum(self._learned(sequence) for sequence in chosen))
        total, tokens = self._gradients(batches, learned, number)
        total, tokens = self._processes.total(total, tokens)
        norm = float(whole(nn.utils.clip_grad_norm_(list(self._named.values()), self._settings.clip)))
        if not math.isfinite(norm):
            raise TuneError(
                f"the gradient at step {number} is {norm}, in the rows from {batches[0][1].sources[0]} on; "
                "lower the learning rate, or look at those rows"
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        state.step, state.tokens = number, state.tokens + int(tokens)
        state.seconds += time.monotonic() - begin
        speed = state.tokens / state.seconds
        left = state.seconds / number * (recipe.steps - number)
        return Progress(number, recipe.steps, total / learned, rate, int(tokens), speed, left, norm)

    def trained(self) -> dict[str, Tensor]:
        """The trained parameters by name, whole, each with memory of its own."""
        return {name: whole(parameter).contiguous() for name, parameter in self._named.items()}

    def optimizer(self) -> dict[str, Tensor]:
        """What AdamW keeps, whole, by the parameter's name and its own."""
        found: dict[str, Tensor] = {}
        for name, parameter in self._named.items():
            for moment in _MOMENTS:
                value = self._optimizer.state[parameter].get(moment)
                if value is not None:
                    found[f"{name}/{moment}"] = whole(value).contiguous()
        return found

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            TuneError: it holds other parameters.
        """
        self.load(checkpoint.trained, str(checkpoint.path))
        for name, parameter in self._named.items():
            state: dict[str, Tensor] = {}
            for moment in _MOMENTS:
                value = checkpoint.optimizer.get(f"{name}/{moment}")
                if value is None:
                    raise TuneError(f"checkpoint {checkpoint.path} has no {moment} of {name}; remove it")
                if moment == "step":
                    state[moment] = value
                else:
                    state[moment] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
                    put(state[moment], value)
            self._optimizer.state[parameter] = state

    def load(self, trained: Mapping[str, Tensor], source: str) -> None:
        """Fill the trained parameters.

        Raises:
            TuneError: other names or shapes than ours.
        """
        for name, parameter in self._named.items():
            value = trained.get(name)
            if value is None or value.shape != parameter.shape or len(trained) != len(self._named):
                found = "nothing" if value is None else list(value.shape)
                raise TuneError(
                    f"{source} holds {found} for {name}; expected {list(parameter.shape)} and {len(self._named)} "
                    f"tensors, it has {len(trained)}: it is of another training"
                )
            put(parameter, value)

    def _batches(self, chosen: list[int]) -> list[tuple[int, Flat]]:
        """This process's micro-batches, each with the place of its first sequence in the step."""
        size = self._settings.micro_batch
        mine = self._mine
        return [
            (start, flatten([self._sequences[number] for number in chosen[start : min(start + size, mine.stop)]]))
            for start in range(mine.start, mine.stop, size)
        ]

    def _learned(self, number: int) -> int:
        return sum(label >= 0 for label in self._sequences[number].labels[1:])

    def _gradients(self, batches: list[tuple[int, Flat]], learned: int, step: int) -> tuple[float, float]:
        """Gradients of the mean over all learned tokens of the step, whichever micro-batch or process has them."""
        total, tokens = 0.0, 0
        for turn, (place, flat) in enumerate(batches):
            tokens += flat.tokens
            # The same numbers are drawn for a sequence however the step is cut up, where it is a batch of its own.
            torch.manual_seed(draw_seed(self._settings.seed, step, place))
            with self._quiet(turn < len(batches) - 1):
                loss, losses = self._passes(flat)
                self._check(losses, flat, step)
                # Gradients are averaged over the processes; this makes a sum of that.
                (loss * (self._processes.count / learned)).backward()
            total += float(loss.detach())
            del loss, losses  # or this graph would stay until the next one is there
        return total, float(tokens)

    def _quiet(self, more: bool) -> Any:
        """Let the processes exchange gradients only after the last micro-batch."""
        if self._processes.count == 1:
            return nullcontext()
        spread: Any = self._passes
        if hasattr(spread, "no_sync"):
            return spread.no_sync() if more else nullcontext()
        spread.set_requires_gradient_sync(not more)
        return nullcontext()

    def _check(self, losses: Tensor, flat: Flat, step: int) -> None:
        bad = (~torch.isfinite(losses)).nonzero()
        if len(bad):
            number = int(bad[0])
            raise TuneError(
                f"the loss at step {step} is {float(losses[number])}, in the row {flat.source_of(number)}; "
                "lower the learning rate, or look at that row"
            )


def rate_at(step: int, recipe: Recipe) -> float:
    """The learning rate's factor at a step, from 0: a linear warm-up, then the schedule.

    `cosine` comes down half a cosine to 0, `linear` a straight line to 0, `constant` stays.

    Raises:
        TuneError: a schedule that is not known.
    """
    if recipe.schedule not in ("cosine", "linear", "constant"):
        raise TuneError(f"schedule is {recipe.schedule!r}; expected cosine, linear or constant")
    if step < recipe.warmup_steps:
        return (step + 1) / (recipe.warmup_steps + 1)
    if recipe.schedule == "constant":
        return 1.0
    done = min(1.0, (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps))
    return 1 - done if recipe.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))


def _groups(parameters: list[nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors (biases, scales, norms) do not."""
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def _plain(name: str) -> str:
    """A parameter's name without what DDP and the pass put before it."""
    return name.removeprefix("module.").removeprefix("model.")
