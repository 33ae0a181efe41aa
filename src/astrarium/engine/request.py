"""A request, as its caller sees it and as the engine keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import index
from typing import Literal

import torch

from astrarium.core.errors import AstrariumError, TextError
from astrarium.engine.sampling import Sampling
from astrarium.engine.step import Worn
from astrarium.text.feed import Feed

Reason = Literal["end", "stop", "length", "time", "cancelled", "error"]
"""Why an answer is over: the model ended it, a stop text, the most tokens, the time limit, …"""


@dataclass(frozen=True, slots=True)
class Logprob:
    """Log-probabilities at one token of an answer."""

    token: int
    value: float
    likeliest: tuple[tuple[int, float], ...] = ()
    """(id, log-probability) of the likeliest tokens."""


@dataclass(slots=True)
class Ticket:
    """A request, and what has come of it."""

    id: int
    prompt_tokens: int
    adapter: str | None
    tokens: list[int] = field(default_factory=list)
    """The answer so far, without the token that ended it."""
    text: str = ""
    """The answer so far as text, where the engine has a tokenizer."""
    logprobs: list[Logprob] = field(default_factory=list)
    shared_tokens: int = 0
    """How many of the prompt's tokens were found in the cache."""
    reason: Reason | None = None
    error: AstrariumError | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more comes."""
        return self.reason is not None


@dataclass(frozen=True, slots=True)
class Event:
    """What one step did for one request."""

    ticket: Ticket
    token: int | None
    """The token written; None where the request only ended."""
    text: str = ""
    """The text that has become certain."""


@dataclass(slots=True, eq=False)
class Running:
    """A request inside the engine."""

    ticket: Ticket
    sampling: Sampling
    ids: list[int]
    """All tokens from position 0 on: virtual ones (negative), the prompt, the answer."""
    prompt_end: int
    most: int
    """The most new tokens, as far as the context reaches."""
    deadline: float | None
    stream: torch.Generator | None
    feed: Feed | None
    seed: bytes = b""
    """Of the adapter when the request was taken: another one of the same name is not it."""
    worn: Worn | None = None
    pages: list[int] = field(default_factory=list)
    done: int = 0
    """Positions whose keys and values are kept."""
    remembered: int = 0
    """Pages that others can find."""

    @property
    def decoding(self) -> bool:
        """Whether only the newest token is left to be run."""
        return self.done >= self.prompt_end


def whole_ids(ids: Iterable[int]) -> list[int]:
    """A prompt's token ids, as Python's own numbers.

    Raises:
        TextError: it holds something else than whole numbers.
    """
    try:
        return [index(number) for number in ids]
    except TypeError as error:
        raise TextError(f"the prompt is {str(ids)[:60]!r}; expected token ids, which are whole numbers") from error
