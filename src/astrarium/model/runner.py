"""What a `Model` runs on: the engine, or transformers for the bases that the engine does not know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import AdapterError, SourceError

if TYPE_CHECKING:
    from astrarium.engine.request import Ticket
    from astrarium.engine.sampling import Sampling
    from astrarium.sources import AdapterSource, BaseSource
    from astrarium.sources.tokenizer import Tokenizer


Request = tuple[list[int], str | None, "Sampling"]
"""Prompt, adapter, how to choose."""


class Runner(ABC):
    """A base in memory with the adapters that have been added to it."""

    source: BaseSource
    tokenizer: Tokenizer
    context: int
    """The most tokens, prompt and answer together, that the model's positions reach."""
    format: str
    """How the weights are held."""
    notes: list[str]
    """What the user should know of how it was loaded."""

    def __init__(self) -> None:
        self.adapters: dict[str, AdapterSource] = {}

    @abstractmethod
    def add(self, name: str, source: AdapterSource) -> list[str]:
        """Load an adapter; what the user should know of it, beside what `check_made_for` says.

        Raises:
            AdapterError: it does not fit the base.
        """

    @abstractmethod
    def drop(self, name: str) -> None:
        """Take an adapter out."""

    @abstractmethod
    def stream(self, prompt: list[int], adapter: str | None, sampling: Sampling) -> Iterator[str]:
        """Write on from a prompt; pieces of text as they become certain.

        Raises:
            TextError: the prompt is empty or leaves no room for an answer.
            AdapterError: no adapter of that name.
        """

    @abstractmethod
    def answers(self, requests: Sequence[Request]) -> list[Ticket]:
        """Whole answers to many requests.

        Raises:
            TextError, AdapterError, EngineError: one of them cannot be begun; then none is.
        """

    def adapter(self, name: str) -> AdapterSource:
        """Where an adapter came from.

        Raises:
            AdapterError: no adapter of that name.
        """
        if name not in self.adapters:
            known = ", ".join(sorted(self.adapters)) or "none"
            raise AdapterError(f"no adapter {name!r} is loaded; loaded are: {known}")
        return self.adapters[name]


def end_tokens(tokenizer: Tokenizer, generation_config: Any) -> list[int]:
    """The ids that end an answer: the tokenizer's eos, which every tuned row ends in, and the base's own.

    Raises:
        SourceError: the base's are no ids.
    """
    own = generation_config.get("eos_token_id") if isinstance(generation_config, dict) else None
    ids = own if isinstance(own, list) else [own]
    if not all(i is None or (isinstance(i, int) and not isinstance(i, bool)) for i in ids):
        raise SourceError(f"eos_token_id is {str(own)[:60]!r} in the base's configuration; expected one id or a list")
    return [i for i in dict.fromkeys([tokenizer.eos_token_id, *ids]) if i is not None]
