"""The weight of a frozen linear in the dtype that a product runs in, whatever it is held in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from astrarium.engine.formats.layers import QuantisedLinear


def weight_of(linear: nn.Module, dtype: torch.dtype) -> Tensor:
    """`[outputs, inputs]`. Rounded weights are made plain for the one product, and let go of."""
    if isinstance(linear, QuantisedLinear):
        return linear.values().to(dtype)
    held: Any = linear
    weight: Tensor = held.weight
    if isinstance(linear, Conv1D):
        weight = weight.t()
    return weight.to(dtype)


def bias_of(linear: nn.Module, dtype: torch.dtype) -> Tensor | None:
    """`[outputs]`, or None."""
    bias: Tensor | None = getattr(linear, "bias", None)
    return None if bias is None else bias.to(dtype)


def is_trained(linear: nn.Module) -> bool:
    """Whether a linear's own weights are trained, as in full fine-tuning."""
    return any(parameter.requires_grad for parameter in linear.parameters(recurse=False))
