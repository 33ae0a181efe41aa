"""What a training may be told, and the limits of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from astrarium.core.errors import TuneError

PACKINGS = ("pack", "concatenate", "pad")
LOSSES = ("answer", "full")


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
    seed: int = 0
    micro_batch: int = 1
    """Sequences that go through the model at once; `sequences_per_step` of the recipe are added up to one step."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    dtype: str | None = None
    """Of the base: `fp32`, `bf16`, `fp16`; None takes its own (fp32 for full fine-tuning)."""

    def __post_init__(self) -> None:
        check(self.packing in PACKINGS, "packing", self.packing, f"one of {', '.join(PACKINGS)}")
        check(self.loss in LOSSES, "loss", self.loss, f"one of {', '.join(LOSSES)}")
        check(0 < self.validation < 1, "validation", self.validation, "above 0 and below 1")
        check(self.seed >= 0, "seed", self.seed, "0 or more")
        check(self.micro_batch >= 1, "micro_batch", self.micro_batch, "1 or more")
        check(self.clip > 0, "clip", self.clip, "above 0")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def check(fine: bool, name: str, value: object, expected: str) -> None:
    """Raise a TuneError that names the setting, its value, and what was expected."""
    if not fine:
        raise TuneError(f"{name} is {value}; expected {expected}")
