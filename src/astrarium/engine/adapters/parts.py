"""What an adapter does, whatever its method: low-rank or elementwise arithmetic at linears, and tokens of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from astrarium.engine.formats.panels import PANEL

Place = Literal["in", "beside", "out"]
"""On a linear's input before it, from its input to its output, or on its output after it."""

SMALL_RANK = 16
"""Up to this rank the projections are kept by rank, so that a row of one is as long as the input or output."""


@dataclass(frozen=True, slots=True)
class LowRank:
    """`scale * up(f(down(z)))`, added to what is at its place: LoRA, and bottleneck adapters."""

    place: Place
    down: Tensor
    """`[rank, read]`, fp32 or bf16; in panels `[⌈rank / 16⌉, read, 16]` where `panels`."""
    up: Tensor
    """`[rank, written]`, or in panels `[⌈written / 16⌉, rank, 16]`."""
    rank: int
    read: int
    written: int
    scale: float
    activation: str | None = None
    """A name of transformers' ACT2FN."""
    panels: bool = False
    """16 outputs lie side by side for each input, so that a product needs no sum across a vector."""

    def plain(self) -> tuple[Tensor, Tensor]:
        """Both projections, fp32 `[rank, read]` and `[written, rank]`."""
        if not self.panels:
            return self.down.float(), self.up.float().T
        return tuple(  # type: ignore[return-value]
            held.float().transpose(1, 2).flatten(0, 1)[:outputs]
            for held, outputs in ((self.down, self.rank), (self.up, self.written))
        )

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.down.nbytes + self.up.nbytes


@dataclass(frozen=True, slots=True)
class Affine:
    """`scale * z + shift`, element by element: (IA)³, DoRA's magnitudes, retrained biases."""

    place: Place
    scale: Tensor | None = None
    """fp32 `[width]`; None for ones."""
    shift: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum(tensor.nbytes for tensor in (self.scale, self.shift) if tensor is not None)


Part = LowRank | Affine


@dataclass(slots=True)
class Adapter:
    """One adapter in memory."""

    name: str
    sites: dict[str, list[Part]] = field(default_factory=dict)
    """Module path of a linear → what happens there, in order."""
    prompt: Tensor | None = None
    """Virtual tokens before the prompt, fp32 `[tokens, hidden]`."""
    past: Tensor | None = None
    """Keys and values before the prompt, fp32 `[layers, 2, tokens, kv_heads, head_width]`."""
    replaced: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """Module path → its own fp32 `weight` and `bias`, in the place of the base's."""
    notes: list[str] = field(default_factory=list)

    def moved(self, device: torch.device) -> Adapter:
        """The same adapter on a device."""

        def on(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        def part_on(part: Part) -> Part:
            if isinstance(part, LowRank):
                return replace(part, down=part.down.to(device), up=part.up.to(device))
            return replace(part, scale=on(part.scale), shift=on(part.shift))

        return Adapter(
            self.name,
            {path: [part_on(part) for part in parts] for path, parts in self.sites.items()},
            on(self.prompt),
            on(self.past),
            {path: {kind: t.to(device) for kind, t in own.items()} for path, own in self.replaced.items()},
            self.notes,
        )

    @property
    def virtual_tokens(self) -> int:
        """How many positions it takes before the prompt."""
        if self.prompt is not None:
            return len(self.prompt)
        return 0 if self.past is None else int(self.past.shape[2])

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        tensors = [tensor for module in self.replaced.values() for tensor in module.values()]
        tensors += [tensor for tensor in (self.prompt, self.past) if tensor is not None]
        return sum(part.nbytes for parts in self.sites.values() for part in parts) + sum(t.nbytes for t in tensors)


def low_rank(
    place: Place, down: Tensor, up: Tensor, scale: float, dtype: torch.dtype, activation: str | None = None
) -> LowRank:
    """A low-rank part, laid out as the kernels like it.

    Args:
        place: where it is.
        down: `[rank, read]`.
        up: `[written, rank]`.
        scale: of the result.
        dtype: fp32 or bf16, how it is held.
        activation: between the two.
    """
    (rank, read), written = down.shape, len(up)
    panels = rank > SMALL_RANK
    first, second = (_in_panels(down, dtype), _in_panels(up, dtype)) if panels else (down.to(dtype), up.T.to(dtype))
    return LowRank(place, first.contiguous(), second.contiguous(), rank, read, written, scale, activation, panels)


def _in_panels(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """`[outputs, inputs]` → `[⌈outputs / 16⌉, inputs, 16]`, with zeros behind the last output."""
    outputs, inputs = weight.shape
    padded = functional.pad(weight, (0, 0, 0, -outputs % PANEL))
    return padded.to(dtype).view(-1, PANEL, inputs).transpose(1, 2)
