"""Rotary positions. Source: Su et al. 2021, "RoFormer" (arXiv 2104.09864), section 3.2; scaled as transformers does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from astrarium.core.errors import SourceError
from astrarium.families.family import positive

_NEEDED = {"default": (), "linear": ("factor",), "llama3": ("factor", "low_freq_factor", "high_freq_factor")}
KNOWN = tuple(_NEEDED)
"""Ways of scaling that are computed here."""


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary parameters of a configuration, in transformers' 5 or an older spelling.

    Raises:
        SourceError: they are no table, or a number of a known way of scaling is missing or none.
    """
    key = "rope_scaling" if config.get("rope_scaling") else "rope_parameters"  # as transformers does
    value = config.get(key) or {}
    if not isinstance(value, Mapping):
        raise SourceError(f"{key} is {value!r} in the base's configuration; expected a table of parameters")
    found: dict[str, Any] = dict(value)
    found.setdefault("rope_theta", config.get("rope_theta") or 10000.0)
    found["rope_type"] = found.get("rope_type") or found.get("type") or "default"
    for key in ("rope_theta", *_NEEDED.get(str(found["rope_type"]), ())):
        positive(found, key)
    if found["rope_type"] == "llama3" and not found["low_freq_factor"] < found["high_freq_factor"]:
        raise SourceError(
            f"low_freq_factor is {found['low_freq_factor']} in the base's configuration; expected less than its "
            f"high_freq_factor, {found['high_freq_factor']}"
        )
    return found


class Rotary:
    """Cosines and sines of every position, for heads of one width."""

    def __init__(
        self, config: Mapping[str, Any], width: int, positions: int, device: torch.device | str = "cpu"
    ) -> None:
        """Make the tables.

        Args:
            config: content of `config.json`.
            width: of a head; all of it is turned.
            positions: how many.
            device: where the tables are kept.
        """
        given = parameters(config)
        self.turned = width
        exponents = torch.arange(0, self.turned, 2, dtype=torch.int64, device="cpu").float() / self.turned
        frequencies = 1.0 / (float(given["rope_theta"]) ** exponents)
        if given["rope_type"] == "linear":
            frequencies /= float(given["factor"])
        elif given["rope_type"] == "llama3":
            frequencies = _llama3(frequencies, given, config)
        angles = torch.outer(torch.arange(positions, dtype=torch.float32, device="cpu"), frequencies)
        self.cosine, self.sine = angles.cos().contiguous().to(device), angles.sin().contiguous().to(device)

    def addresses(self) -> tuple[int, int, int]:
        """The tables as the compiled attention takes them."""
        return self.cosine.data_ptr(), self.sine.data_ptr(), self.turned

    def turn(self, x: Tensor, positions: Tensor) -> Tensor:
        """Turn `[tokens, heads, width]` to its positions `[tokens]`."""
        half = self.turned // 2
        cosine, sine = self.cosine[positions].unsqueeze(1), self.sine[positions].unsqueeze(1)
        left, right = x[..., :half], x[..., half : self.turned]
        return torch.cat([left * cosine - right * sine, right * cosine + left * sine, x[..., self.turned :]], dim=-1)


def _llama3(frequencies: Tensor, given: Mapping[str, Any], config: Mapping[str, Any]) -> Tensor:
    """Long waves slowed by the factor, short ones kept, those between by a share of each."""
    factor, low, high = (float(given[key]) for key in ("factor", "low_freq_factor", "high_freq_factor"))
    old = float(given.get("original_max_position_embeddings") or config["max_position_embeddings"])
    waves = 2 * math.pi / frequencies
    share = ((old / waves - low) / (high - low)).clamp(0, 1)
    return (1 - share) * frequencies / factor + share * frequencies
