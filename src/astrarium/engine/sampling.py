"""How the next token is chosen, and when to stop. These options exist once and serve every caller."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from astrarium.core.errors import TextError

_MOST_LOGPROBS = 50
_COLDEST = 1e-30  # as good as greedy, and no zero in fp32

_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair, which no answer holds


@dataclass(frozen=True, slots=True)
class Sampling:
    """Options of one generation. They act in this order: penalty, temperature, top-k, top-p, min-p.

    Raises:
        TextError: a value is out of its range.
    """

    max_new_tokens: int = 256
    """The most tokens to write, from 1."""
    min_new_tokens: int = 0
    """Do not let an end token end the answer before so many tokens; a stop text still does."""
    temperature: float = 0.0
    """0 takes the likeliest token each time (greedy); above 0 samples, the higher the freer."""
    top_p: float = 1.0
    """Sample from the smallest set of tokens that holds this share of the probability: above 0, up to 1."""
    top_k: int = 0
    """Sample from so many of the likeliest tokens; 0 for all."""
    min_p: float = 0.0
    """Leave out tokens below this share of the likeliest one's probability: 0 up to below 1."""
    repetition_penalty: float = 1.0
    """Divides the logits of tokens that are in the prompt or the answer (multiplies negative ones); 1 for none.
    Source: Keskar et al. 2019 (arXiv 1909.05858), section 4.1."""
    seed: int = 0
    """Seed of the random stream; the same seed gives the same answer, whoever shares the batch."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    logprobs: int | None = None
    """Give each token's log-probability, and of so many of the likeliest; 0 for the chosen one's alone."""
    time_limit: float | None = None
    """Seconds after which the answer ends with what it has."""

    def __post_init__(self) -> None:
        stop = (self.stop,) if isinstance(self.stop, str) else self.stop
        _check(isinstance(stop, list | tuple | set | frozenset), "stop", stop, "texts")
        object.__setattr__(self, "stop", tuple(stop))
        _check(
            _whole(self.max_new_tokens) and self.max_new_tokens >= 1, "max_new_tokens", self.max_new_tokens, "1 or more"
        )
        _check(
            _whole(self.min_new_tokens) and 0 <= self.min_new_tokens <= self.max_new_tokens,
            "min_new_tokens",
            self.min_new_tokens,
            f"0 to {self.max_new_tokens}, the most",
        )
        _check(
            _real(self.temperature) and self.temperature >= 0,
            "temperature",
            self.temperature,
            "a number from 0 (greedy)",
        )
        _check(_real(self.top_p) and 0 < self.top_p <= 1, "top_p", self.top_p, "above 0 and at most 1")
        _check(_whole(self.top_k) and self.top_k >= 0, "top_k", self.top_k, "0 (all) or more")
        _check(_real(self.min_p) and 0 <= self.min_p < 1, "min_p", self.min_p, "0 up to below 1")
        _check(
            _real(self.repetition_penalty) and self.repetition_penalty > 0,
            "repetition_penalty",
            self.repetition_penalty,
            "above 0; 1 is none",
        )
        _check(_whole(self.seed) and 0 <= self.seed < 2**63, "seed", self.seed, "0 or more")
        _check(
            all(isinstance(text, str) and text and not _HALF.search(text) for text in self.stop),
            "stop",
            list(self.stop),
            "Unicode texts that are not empty",
        )
        _check(
            self.logprobs is None or (_whole(self.logprobs) and 0 <= self.logprobs <= _MOST_LOGPROBS),
            "logprobs",
            self.logprobs,
            f"0 to {_MOST_LOGPROBS}",
        )
        limit = self.time_limit
        _check(limit in (None, math.inf) or (_real(limit) and limit > 0), "time_limit", limit, "seconds above 0")

    @property
    def plain_greedy(self) -> bool:
        """Whether the likeliest token is taken as it is."""
        return self.temperature == 0 and self.repetition_penalty == 1

    def generate_options(self) -> dict[str, object]:
        """The same, as keyword arguments of transformers' `generate`."""
        options: dict[str, object] = {"max_new_tokens": self.max_new_tokens, "do_sample": self.temperature > 0}
        if self.min_new_tokens:
            options["min_new_tokens"] = self.min_new_tokens
        if self.repetition_penalty != 1:
            options["repetition_penalty"] = self.repetition_penalty
        if self.time_limit is not None:
            options["max_time"] = self.time_limit
        if self.temperature > 0:
            # top_k always: a base's generation config may hold one, and the answer would depend on it unseen.
            options |= {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
            if self.min_p:
                options["min_p"] = self.min_p
        return options


def penalised(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Logits `[vocabulary]` with those of the seen ids made less likely."""
    some = logits[seen]
    # A penalty beyond fp32's range gives infinities, which no probability can be made of.
    return logits.index_copy(0, seen, torch.where(some > 0, some / penalty, some * penalty).nan_to_num())


def draw(logits: Tensor, options: Sampling, stream: torch.Generator) -> int:
    """A token by its probability.

    Args:
        logits: fp32 `[vocabulary]`.
        options: temperature, top-k, top-p and min-p; the temperature is above 0.
        stream: the request's own.
    """
    ordered, ids = torch.sort(logits, descending=True, stable=True)
    # The likeliest becomes 0 first, so that no temperature makes it infinite.
    ordered = (ordered - ordered[0]) / max(options.temperature, _COLDEST)
    if options.top_k:
        ordered, ids = ordered[: options.top_k], ids[: options.top_k]
    chances = ordered.softmax(-1)
    keep = chances.cumsum(-1) - chances < options.top_p
    if options.min_p:
        kept = chances * keep
        keep &= kept >= options.min_p * kept[0]
    keep[0] = True
    return int(ids[torch.multinomial(chances * keep, 1, generator=stream)])


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _real(value: object) -> bool:
    """Whether it is a finite number."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _check(fine: bool, name: str, value: object, expected: str) -> None:
    if not fine:
        shown = repr(value) if isinstance(value, str) else value
        raise TextError(f"{name} is {shown}; expected {expected}")
