"""A base on transformers' own `generate`, for the families that the engine does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from astrarium.core.errors import EngineError
from astrarium.model.adapters import Wardrobe
from astrarium.model.base import load_base
from astrarium.model.runner import Runner, base_notes
from astrarium.model.transformers_generate import stream

if TYPE_CHECKING:
    from astrarium.engine.sampling import Sampling
    from astrarium.sources import AdapterSource

FORMATS = {"auto": None, "fp32": "fp32", "bf16": "bf16"}


class TransformersRunner(Runner):
    """Runs any causal language model that transformers knows, one answer at a time."""

    def __init__(self, name: str, weight_format: str, device: str, revision: str | None, reason: str) -> None:
        """Load a base.

        Args:
            name: see `load_base`.
            weight_format: `auto` (the base's own), `fp32` or `bf16`.
            device: where the weights go.
            revision: of the hub.
            reason: why the engine does not run it.

        Raises:
            EngineError: another weight format.
            SourceError: see `load_base`.
        """
        super().__init__()
        if weight_format not in FORMATS:
            raise EngineError(
                f"weight format {weight_format!r} is not for this base: {reason}, and transformers, which runs it, "
                f"takes {', '.join(FORMATS)}"
            )
        self.base = load_base(name, dtype=FORMATS[weight_format], device=device, revision=revision)
        self.source, self.tokenizer, self.context = self.base.source, self.base.tokenizer, self.base.context
        self.notes = [*self.base.notes, f"{reason}: transformers runs it, which is slower"]
        self._wardrobe = Wardrobe(self.base, {})

    def add(self, name: str, source: AdapterSource) -> list[str]:
        """See `Runner.add`."""
        self._wardrobe.add(name, source)
        self.adapters[name] = source
        return base_notes(source, self.source)

    def drop(self, name: str) -> None:
        """See `Runner.drop`."""
        self.adapter(name)
        self._wardrobe.drop(name)
        del self.adapters[name]

    def stream(self, prompt: list[int], adapter: str | None, sampling: Sampling) -> Iterator[str]:
        """See `Runner.stream`."""
        worn = self._wardrobe.wear(adapter)
        yield from stream(worn, self.tokenizer, prompt, sampling, self.context)
