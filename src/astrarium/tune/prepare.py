"""From a recipe, rows and a base to what a training needs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from astrarium.core.errors import EngineError, TuneError
from astrarium.core.memory import available_bytes, gib
from astrarium.data import Row
from astrarium.engine.formats.layers import QuantisedLinear
from astrarium.engine.formats.panels import GROUP, Panels
from astrarium.engine.formats.rounding import int4, int8
from astrarium.methods import Recipe
from astrarium.model import Base, load_base
from astrarium.text import Template, template_named
from astrarium.tune.encode import Examples, encode_rows
from astrarium.tune.packing import PackedSequence, pack
from astrarium.tune.settings import Settings, check

_RECIPE_FIELDS = (
    "learning_rate",
    "schedule",
    "warmup_steps",
    "weight_decay",
    "sequence_length",
    "sequences_per_step",
    "steps",
    "options",
)
_ROUNDED = ("int8", "int4")
_FFT_BYTES = 16
"""A trained parameter in fp32, its gradient, and AdamW's two moments."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of a training, laid out."""

    template: Template
    training: Examples
    validation: Examples
    sequences: list[PackedSequence]
    held: list[PackedSequence]
    pad: int


def changed(chosen: Recipe, changes: dict[str, Any]) -> Recipe:
    """A recipe with other values of some fields; fewer steps shorten the warm-up in proportion.

    Raises:
        TuneError: no such field, or a value out of range.
    """
    unknown = sorted(set(changes) - set(_RECIPE_FIELDS))
    if unknown:
        raise TuneError(
            f"{', '.join(unknown)} is no setting of a recipe; known are {', '.join(sorted(_RECIPE_FIELDS))}"
        )
    changes = {name: value for name, value in changes.items() if value is not None}
    if "steps" in changes and "warmup_steps" not in changes:
        changes["warmup_steps"] = min(chosen.warmup_steps, int(changes["steps"] * chosen.warmup_steps / chosen.steps))
    chosen = chosen.replace(**changes)
    check(chosen.steps >= 1, "steps", chosen.steps, "1 or more")
    check(chosen.learning_rate > 0, "learning_rate", chosen.learning_rate, "above 0")
    check(chosen.sequence_length >= 2, "sequence_length", chosen.sequence_length, "2 or more")
    check(chosen.sequences_per_step >= 1, "sequences_per_step", chosen.sequences_per_step, "1 or more")
    check(chosen.warmup_steps >= 0, "warmup_steps", chosen.warmup_steps, "0 or more")
    check(chosen.weight_decay >= 0, "weight_decay", chosen.weight_decay, "0 or more")
    check(
        chosen.schedule in ("cosine", "linear", "constant"), "schedule", chosen.schedule, "cosine, linear or constant"
    )
    return chosen


def multiplies_in_bf16() -> bool:
    """Whether the processor has products in bf16; without them, bf16 is slower than fp32."""
    facts = torch.cpu.get_capabilities()
    return bool(torch.cuda.is_available() or facts.get("avx512_bf16") or facts.get("amx_bf16") or facts.get("bf16"))


def format_of(settings: Settings, chosen: Recipe) -> str:
    """How the base is held."""
    if settings.dtype is not None:
        if chosen.peft_type is None and settings.dtype in _ROUNDED:
            raise TuneError(f"dtype is {settings.dtype}, and fft trains the base itself; expected fp32 or bf16")
        return settings.dtype
    return "fp32" if chosen.peft_type is None or not multiplies_in_bf16() else "bf16"


def products_in(base: Base, settings: Settings, chosen: Recipe) -> torch.dtype:
    """The dtype of products: that of a plain base, bf16 for a rounded one where the processor has it."""
    if settings.dtype == "bf16" or (settings.dtype in _ROUNDED and multiplies_in_bf16()):
        return torch.bfloat16
    own = next(parameter.dtype for parameter in base.model.parameters())
    return torch.bfloat16 if own in (torch.bfloat16, torch.float16) and chosen.peft_type else torch.float32


def load(name: str, settings: Settings, chosen: Recipe, say: Callable[[str], None]) -> Base:
    """Load a base for a training.

    Raises:
        SourceError: it cannot be read.
        TuneError: full fine-tuning of it does not fit into memory.
    """
    held = format_of(settings, chosen)
    if chosen.peft_type is None:
        base = load_base(name, dtype="fp32")
        check_room(base, say)
        return base
    if held not in _ROUNDED:
        return load_base(name, dtype=held)
    base = load_base(name, dtype="bf16")
    skipped = hold(base.model, held)
    if skipped:
        base.notes.append(f"{skipped} linears keep bf16: their inputs are no multiple of {GROUP}")
    return base


class RoundedLinear(QuantisedLinear):
    """A rounded linear that shows its values to peft, which asks a linear for its weight's dtype, device and norm."""

    def __init__(self, panels: Panels, bias: torch.Tensor | None) -> None:
        super().__init__(panels, bias)
        del self._parameters["weight"]  # or torch would take what peft assigns for a parameter

    @property
    def weight(self) -> torch.Tensor:
        """`[outputs, inputs]` in fp32, made anew each time."""
        return self.values()

    @weight.setter
    def weight(self, value: torch.Tensor) -> None:
        """Nothing: what peft puts back when it takes an adapter off is what it was shown."""


def hold(model: nn.Module, held: str) -> int:
    """Round the linears of a model's blocks, in place; the embedding and the output head stay.

    Returns:
        How many were left as they were.
    """
    skipped = 0
    for path, linear in list(model.named_modules()):
        if not isinstance(linear, nn.Linear | Conv1D) or path.endswith("lm_head"):
            continue
        weight = linear.weight.t().contiguous() if isinstance(linear, Conv1D) else linear.weight
        if weight.shape[1] % GROUP:
            skipped += 1
            continue
        try:
            layer = RoundedLinear(int8(weight.detach()) if held == "int8" else int4(weight.detach()), linear.bias)
        except EngineError as error:
            raise EngineError(f"{path}: {error}") from error
        owner, _, leaf = path.rpartition(".")
        setattr(model.get_submodule(owner), leaf, layer)
    return skipped


def check_room(base: Base, say: Callable[[str], None]) -> None:
    """Say what full fine-tuning of a base takes, and refuse what cannot fit.

    Raises:
        TuneError: it takes more memory than there is.
    """
    count = sum(parameter.numel() for parameter in base.model.parameters())
    wanted, there = _FFT_BYTES * count, available_bytes()
    already = 4 * count  # the weights are loaded
    told = (
        f"full fine-tuning of {count:,} parameters takes {gib(wanted)} for weights, gradients and AdamW's moments, "
        "and activations besides"
    )
    if there is None:
        say(f"{told}; how much is free, this system does not say")
        return
    say(f"{told}; {gib(there + already)} are free")
    if wanted > there + already:
        raise TuneError(f"{told}; this machine has {gib(there + already)} left. Take lora, or a smaller base")


def prepare(kept: Sequence[Row], held: Sequence[Row], base: Base, chosen: Recipe, settings: Settings) -> Prepared:
    """Encode and pack the rows.

    Raises:
        TuneError: the sequence is longer than the base reaches, or no row fits into it.
    """
    _check_length(chosen, base)
    name = settings.template or ("chat" if base.tokenizer.chat_template else "astraios")
    template = template_named(name, base.tokenizer)
    # Virtual tokens stand before each row, so that rows are not packed.
    way = "pad" if chosen.peft_type == "P_TUNING" else settings.packing
    # Plain concatenation cuts rows anyway, as Astraios does; only there is none too long.
    longest = None if way == "concatenate" else chosen.sequence_length
    training, validation = (
        encode_rows(rows, template, base.tokenizer, loss=settings.loss, longest=longest, what=what)
        for rows, what in ((kept, "rows"), (held, "rows held back for validation"))
    )
    sequences, held_out = (
        pack(part.fitting, chosen.sequence_length, way, settings.seed) for part in (training, validation)
    )
    # There is one of the two: encode_rows has seen to the end token.
    pad = next(token for token in (base.tokenizer.pad_token_id, base.tokenizer.eos_token_id) if token is not None)
    return Prepared(template, training, validation, sequences, held_out, pad)


def adapted(base: Base, chosen: Recipe, *, own: bool) -> nn.Module:
    """The base with a fresh adapter on it; for full fine-tuning the base, or a copy where it is not ours to change.

    Raises:
        MethodError: the base has not the recipe's sites.
    """
    config = chosen.peft_config(base.source.config)
    if config is None:
        model: nn.Module = base.model if own else copy.deepcopy(base.model)
        return model.requires_grad_(True)
    import peft

    config.base_model_name_or_path = base.source.lasting_name
    try:
        found: nn.Module = peft.get_peft_model(base.model, config)
    except ValueError as error:
        base.model.requires_grad_(False)
        reason = " ".join(str(error).split())[:300]
        raise TuneError(f"{chosen.method} cannot be put on {base.source.name}: {reason}") from error
    return found


def _check_length(chosen: Recipe, base: Base) -> None:
    virtual = chosen.options.get("num_virtual_tokens", 0)
    if chosen.sequence_length + virtual > base.context:
        raise TuneError(
            f"sequence_length is {chosen.sequence_length}{f' and {virtual} virtual tokens' if virtual else ''}; "
            f"base {base.source.name} reaches {base.context} tokens"
        )
