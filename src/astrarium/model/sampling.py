"""How the next token is chosen, and when to stop. These options exist once and serve every caller."""

from __future__ import annotations

from dataclasses import dataclass

from astrarium.core.errors import TextError


@dataclass(frozen=True, slots=True)
class Sampling:
    """Options of one generation.

    Raises:
        TextError: a value is out of its range.
    """

    max_new_tokens: int = 256
    """The most tokens to write, from 1."""
    min_new_tokens: int = 0
    """Do not let the answer end before so many tokens."""
    temperature: float = 0.0
    """0 takes the likeliest token each time (greedy); above 0 samples, the higher the freer."""
    top_p: float = 1.0
    """Sample from the smallest set of tokens that holds this share of the probability: above 0, up to 1."""
    seed: int = 0
    """Seed of the random stream; the same seed gives the same answer."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""

    def __post_init__(self) -> None:
        _check(self.max_new_tokens >= 1, "max_new_tokens", self.max_new_tokens, "1 or more")
        _check(
            0 <= self.min_new_tokens <= self.max_new_tokens,
            "min_new_tokens",
            self.min_new_tokens,
            f"0 to {self.max_new_tokens}, the most",
        )
        _check(self.temperature >= 0, "temperature", self.temperature, "0 (greedy) or more")
        _check(0 < self.top_p <= 1, "top_p", self.top_p, "above 0 and at most 1")
        _check(self.seed >= 0, "seed", self.seed, "0 or more")
        _check(all(self.stop), "stop", list(self.stop), "texts that are not empty")

    def generate_options(self) -> dict[str, object]:
        """The same, as keyword arguments of transformers' `generate`."""
        options: dict[str, object] = {"max_new_tokens": self.max_new_tokens, "do_sample": self.temperature > 0}
        if self.min_new_tokens:
            options["min_new_tokens"] = self.min_new_tokens
        if self.temperature > 0:
            # top_k 0: a base's generation config may hold one, and the answer would depend on it unseen.
            options |= {"temperature": self.temperature, "top_p": self.top_p, "top_k": 0}
        return options


def _check(fine: bool, name: str, value: object, expected: str) -> None:
    if not fine:
        raise TextError(f"{name} is {value}; expected {expected}")
