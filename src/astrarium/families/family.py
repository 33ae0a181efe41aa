"""The description that every family fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from astrarium.core.errors import MethodError, SourceError

Config = Mapping[str, Any]
"""The content of a `config.json`."""

MOST_LAYERS = 10_000
"""More would be listed, one by one, for minutes, before anything else could say that no file holds them."""

BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "int8": 1.0, "int4": 0.5}


@dataclass(frozen=True, slots=True)
class Linear:
    """One linear layer of a base model."""

    path: str
    """Module path, such as `transformer.h.0.attn.c_attn`."""
    inputs: int
    outputs: int
    bias: bool

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.inputs * self.outputs + (self.outputs if self.bias else 0)


@dataclass(frozen=True, slots=True)
class FimTokens:
    """How a family spells the three marks of fill-in-the-middle."""

    prefix: str
    suffix: str
    middle: str


@dataclass(frozen=True, slots=True)
class Family:
    """A model architecture. The functions take the content of `config.json`."""

    model_type: str
    kinds: Mapping[str, str]
    """Last path component → `in` (before the linear) or `out` (after it), as bottleneck adapters use it."""
    linears_of: Callable[[Config], tuple[Linear, ...]]
    """Every linear, the output head last."""
    other_parameters: Callable[[Config], int]
    """Parameters outside the linears: embeddings and norms."""
    ties_head: Callable[[Config], bool]
    """Whether the output head is the token embedding again."""
    kv_width: Callable[[Config], int]
    """Numbers that the cache keeps a token and layer: keys and values of all stored heads."""
    layers: Callable[[Config], int]
    width: Callable[[Config], int]
    context: Callable[[Config], int]
    """The most tokens that the positions reach."""
    fim: tuple[FimTokens, ...] = ()
    """Spellings of the fill-in-the-middle marks to look for in the tokenizer, the likeliest first."""

    def linears(self, config: Config) -> tuple[Linear, ...]:
        """Every linear of the base, the output head last."""
        return self.linears_of(config)

    def parameters(self, config: Config) -> int:
        """How many parameters the base has; a tied output head counts once."""
        linears = self.linears(config)
        tied = linears[-1].parameters if self.ties_head(config) else 0
        return sum(linear.parameters for linear in linears) - tied + self.other_parameters(config)

    def weight_bytes(self, config: Config, weight_format: str) -> int:
        """Bytes that the parameters take in `fp32`, `bf16`, `fp16`, `int8` or `int4` (without scales).

        Raises:
            MethodError: another weight format.
        """
        return int(self.parameters(config) * _bytes_each(weight_format))

    def kv_bytes_per_token(self, config: Config, weight_format: str = "bf16") -> int:
        """Bytes that the key-value cache takes for each token of each row.

        Raises:
            MethodError: another weight format than those of `weight_bytes`.
        """
        return int(self.layers(config) * self.kv_width(config) * _bytes_each(weight_format))


def integer(config: Config, key: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """A whole number of the configuration; absent or null means the default.

    Raises:
        SourceError: it is no whole number, below the least or above the most.
    """
    value = config.get(key)
    if value is None:
        return default
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not whole or (most is not None and value > most):
        expected = f"a whole number from {least}" + ("" if most is None else f" to {most}")
        raise SourceError(f"{key} is {value!r} in the base's configuration; expected {expected}")
    return int(value)


def positive(config: Config, key: str, default: float | None = None) -> float:
    """A number of the configuration above 0; absent or null means the default.

    Raises:
        SourceError: it is no such number, or absent without a default.
    """
    value = config.get(key)
    if value is None:
        value = default
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise SourceError(f"{key} is {value!r} in the base's configuration; expected a number above 0")
    return float(value)


def flag(config: Config, key: str, default: bool) -> bool:
    """A yes or no of the configuration; absent or null means the default.

    Raises:
        SourceError: it is neither.
    """
    value = config.get(key)
    if value is not None and not isinstance(value, bool):
        raise SourceError(f"{key} is {value!r} in the base's configuration; expected true or false")
    return default if value is None else value


def _bytes_each(weight_format: str) -> float:
    if weight_format not in BYTES:
        raise MethodError(f"weight format {weight_format!r} is not known; known are {', '.join(BYTES)}")
    return BYTES[weight_format]
