"""A base on transformers' own `generate`, for the families that the engine does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transformers import GenerationConfig

from astrarium.core.errors import EngineError
from astrarium.engine.opening import device_of
from astrarium.engine.request import Ticket
from astrarium.model.adapters import Wardrobe
from astrarium.model.base import load_base
from astrarium.model.runner import Request, Runner
from astrarium.model.transformers_generate import stream

if TYPE_CHECKING:
    from astrarium.engine.sampling import Sampling
    from astrarium.sources import AdapterSource

FORMATS = {"auto": None, "fp32": "fp32", "bf16": "bf16"}
_NAMES = {f"torch.{dtype}": name for dtype, name in (("float32", "fp32"), ("bfloat16", "bf16"), ("float16", "fp16"))}


class TransformersRunner(Runner):
    """Runs any causal language model that transformers knows, one answer at a time."""

    def __init__(
        self,
        name: str,
        weight_format: str,
        device: str,
        revision: str | None,
        reason: str,
        options: dict[str, Any],
    ) -> None:
        """Load a base.

        Args:
            name: see `load_base`.
            weight_format: `auto` (the base's own), `fp32` or `bf16`.
            device: where the weights go.
            revision: of the hub.
            reason: why the engine does not run it.
            options: what was asked of the engine, for the note that it has no effect.

        Raises:
            EngineError: another weight format, or no such device.
            SourceError: see `load_base`.
        """
        super().__init__()
        if weight_format not in FORMATS:
            raise EngineError(
                f"weight format {weight_format!r} is not for this base: {reason}, and transformers, which runs it, "
                f"takes {', '.join(FORMATS)}"
            )
        device_of(device)
        self.base = load_base(name, dtype=FORMATS[weight_format], device=device, revision=revision)
        ends = self.base.model.generation_config.eos_token_id
        # What else the base's file says (a penalty, beams) would change answers unseen.
        self.base.model.generation_config = GenerationConfig(eos_token_id=ends)
        self.source, self.tokenizer, self.context = self.base.source, self.base.tokenizer, self.base.context
        self.notes = [*self.base.notes, f"{reason}: transformers runs it, which is slower"]
        if options:
            self.notes.append(f"{', '.join(options)}: of the engine, without effect here")
        self.format = _NAMES.get(str(self.base.model.dtype), str(self.base.model.dtype))
        self._wardrobe = Wardrobe(self.base, {})

    def add(self, name: str, source: AdapterSource) -> list[str]:
        """See `Runner.add`."""
        self._wardrobe.add(name, source)
        self.adapters[name] = source
        return []

    def drop(self, name: str) -> None:
        """See `Runner.drop`."""
        self.adapter(name)
        self._wardrobe.drop(name)
        del self.adapters[name]

    def stream(self, prompt: list[int], adapter: str | None, sampling: Sampling) -> Iterator[str]:
        """See `Runner.stream`."""
        ticket = Ticket(0, len(prompt), adapter)
        yield from self._written(ticket, prompt, sampling)

    def answers(self, requests: Sequence[Request]) -> list[Ticket]:
        """See `Runner.answers`. They are written one after another."""
        if any(sampling.logprobs is not None for _, _, sampling in requests):
            raise EngineError(f"logprobs are given by the engine alone; base {self.source.name} is run by transformers")
        tickets = []
        for number, (prompt, adapter, sampling) in enumerate(requests):
            ticket = Ticket(number, len(prompt), adapter)
            ticket.text = "".join(self._written(ticket, prompt, sampling))
            tickets.append(ticket)
        return tickets

    def _written(self, ticket: Ticket, prompt: list[int], sampling: Sampling) -> Iterator[str]:
        worn = self._wardrobe.wear(ticket.adapter)
        yield from stream(worn, self.tokenizer, prompt, sampling, self.context, ticket)
