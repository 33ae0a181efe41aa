"""What a training may be told, and the limits of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from astrarium.core.errors import TuneError

PACKINGS = ("pack", "concatenate", "pad")
LOSSES = ("answer", "full")
DTYPES = ("fp32", "bf16", "fp16", "int8", "int4")
PARALLELS = ("ddp", "fsdp")


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of one training that are not the recipe's.

    Raises:
        TuneError: a value is out of its range.
    """

    packing: str = "pack"
    """`pack` puts whole rows beside one another, each seeing only itself; `concatenate` is Astraios's way, rows end to
    end and cut where a sequence is full; `pad` is one row a sequence."""
    loss: str = "answer"
    """`answer` learns the completion and the end token; `full` learns the prompt too."""
    validation: float = 0.1
    """Share of the rows held back."""
    template: str | None = None
    """Prompt template; None takes the tokenizer's chat template, or Astraios's where there is none."""
    fim_rate: float = 0.0
    """Share of the rows that become middles to fill in (`data.fill_in_middle`), in the base's own tokens for them."""
    seed: int = 0
    micro_batch: int = 1
    """Sequences that go through the model at once; `sequences_per_step` of the recipe are added up to one step."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    dtype: str | None = None
    """How the base is held: `fp32`, `bf16`, `fp16`, or rounded to `int8` or `int4`. None is `bf16` where the processor
    multiplies in it, and else `fp32`; `fp32` for full fine-tuning. What is trained is fp32 in each case."""
    recompute: float = 0.0
    """Share of the blocks, from 0 to 1, that keep only their input and are computed again in the backward pass."""
    auto: bool = False
    """Choose `micro_batch` and `recompute` by measuring what fits into memory."""
    checkpoint_every: int | None = None
    """Steps between checkpoints; None is a tenth of the training."""
    keep: int = 2
    """How many checkpoints stay, besides the best."""
    evaluate_every: int | None = None
    """Steps between validations; None validates only before and after."""
    patience: int | None = None
    """End after so many validations without a better one; None trains to the end."""
    sample: int = 0
    """Tokens of an answer to a row held back, written to the log at each validation; 0 for none."""
    parallel: str = "ddp"
    """Between the processes of `torchrun`: `ddp`, or `fsdp` (torch's `fully_shard`), which shares out the weights."""
    trackers: bool = True
    """Write to TensorBoard and trackio too, where they are installed."""

    def __post_init__(self) -> None:
        check(self.packing in PACKINGS, "packing", self.packing, f"one of {', '.join(PACKINGS)}")
        check(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        check(0 < self.validation < 1, "validation", self.validation, "above 0 and below 1")
        check(0 <= self.fim_rate <= 1, "fim_rate", self.fim_rate, "from 0 to 1")
        check(self.seed >= 0, "seed", self.seed, "0 or more")
        check(self.micro_batch >= 1, "micro_batch", self.micro_batch, "1 or more")
        check(self.clip > 0, "clip", self.clip, "above 0")
        check(self.dtype in (None, *DTYPES), "dtype", self.dtype, f"one of {', '.join(DTYPES)}")
        check(0 <= self.recompute <= 1, "recompute", self.recompute, "from 0 to 1")
        for name in ("checkpoint_every", "evaluate_every", "patience"):
            value = getattr(self, name)
            check(value is None or value >= 1, name, value, "1 or more")
        check(self.keep >= 1, "keep", self.keep, "1 or more")
        check(self.sample >= 0, "sample", self.sample, "0 or more")
        check(self.parallel in PARALLELS, "parallel", self.parallel, f"one of {', '.join(PARALLELS)}")
        check(
            self.patience is None or self.evaluate_every is not None,
            "patience",
            self.patience,
            "evaluate_every with it, which says how often to validate",
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def check(fine: bool, name: str, value: object, expected: str) -> None:
    """Raise a TuneError that names the setting, its value, and what was expected."""
    if not fine:
        raise TuneError(f"{name} is {value}; expected {expected}")
