"""A base on the engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from astrarium.core.errors import AdapterError, AstrariumError
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.adapters.read import NotComputedError, read_adapter
from astrarium.engine.adapters.target import Target
from astrarium.engine.opening import open_engine
from astrarium.model.caches import cache_folder
from astrarium.model.runner import Request, Runner, end_tokens

if TYPE_CHECKING:
    from astrarium.engine.request import Ticket
    from astrarium.engine.sampling import Sampling
    from astrarium.sources import AdapterSource, BaseSource

ADAPTER_FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class EngineRunner(Runner):
    """Runs a base of one of the engine's families."""

    def __init__(
        self, source: BaseSource, weight_format: str, adapter_format: str, device: str = "cpu", **options: Any
    ) -> None:
        """Open an engine over a base.

        Args:
            source: the base.
            weight_format: see `load`.
            adapter_format: `fp32` or `bf16`.
            device: where weights, cache and adapters go.
            **options: of `Engine`.

        Raises:
            AdapterError: an unknown adapter format.
            SourceError, EngineError: see `open_engine`.
        """
        super().__init__()
        if adapter_format not in ADAPTER_FORMATS:
            raise AdapterError(f"adapter format {adapter_format!r} is not known; expected fp32 or bf16")
        self.source, self.tokenizer = source, source.tokenizer()
        ends = end_tokens(self.tokenizer, source.generation_config or source.config)
        self.engine, notes = open_engine(
            source,
            weight_format=weight_format,
            cache=cache_folder() / "weights",
            ends=ends,
            decode=self.tokenizer.decode,
            device=device,
            **options,
        )
        self.notes = [*source.notes, *notes]
        self.context, self.format = self.engine.context, self.engine.format
        self._target = Target(self.engine.network, source.name, ADAPTER_FORMATS[adapter_format])

    def add(self, name: str, source: AdapterSource) -> list[str]:
        """See `Runner.add`."""
        digests: list[str] = []

        def read() -> Adapter:
            digests.append(source.digest())
            if digests[-1] != digests[0]:
                raise AdapterError(
                    f"adapter {name!r} is not what was loaded: {source.weights} has changed; drop it and add it again"
                )
            return self._read(source)

        adapter = self.engine.add_adapter(name, read)
        self.adapters[name] = source
        return [f"adapter {source.name}: {note}" for note in adapter.notes]

    def drop(self, name: str) -> None:
        """See `Runner.drop`."""
        self.engine.drop_adapter(name)
        del self.adapters[name]

    def stream(self, prompt: list[int], adapter: str | None, sampling: Sampling) -> Iterator[str]:
        """See `Runner.stream`. Several answers may be written at once, also from several threads."""
        ticket = self.engine.submit(prompt, sampling=sampling, adapter=adapter)
        ending = sys.is_finalizing  # by then the module's own names are gone
        given = 0
        try:
            while True:
                over = ticket.finished
                text = ticket.text
                if len(text) > given:
                    yield text[given:]
                    given = len(text)
                if over:
                    break
                self.engine.step()
            if ticket.error is not None:
                raise ticket.error
        finally:
            if not ending():
                self.engine.cancel(ticket)

    def answers(self, requests: Sequence[Request]) -> list[Ticket]:
        """See `Runner.answers`. All of them share the engine's batch."""
        tickets: list[Ticket] = []
        try:
            for prompt, adapter, sampling in requests:
                tickets.append(self._submit(prompt, adapter, sampling, len(tickets), len(requests)))
            while not all(ticket.finished for ticket in tickets):
                self.engine.step()
        finally:
            for ticket in tickets:
                self.engine.cancel(ticket)
        return tickets

    def _submit(self, prompt: list[int], adapter: str | None, sampling: Sampling, number: int, count: int) -> Ticket:
        try:
            return self.engine.submit(prompt, sampling=sampling, adapter=adapter)
        except AstrariumError as error:
            if count == 1:
                raise
            raise type(error)(f"question {number + 1} of {count}: {error}") from error

    def _read(self, source: AdapterSource) -> Adapter:
        try:
            with torch.device("cpu"):  # whatever the caller's default is
                return read_adapter(source, self._target)
        except NotComputedError as reason:
            from astrarium.model.merging import merged

            return merged(source, self.source, self._target, str(reason))
