"""The two norms of the families."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.engine.evenly import evenly
from astrarium.engine.native import current
from astrarium.engine.step import Rows


class Norm(nn.Module):
    """A norm over the last dimension of fp32 `[rows, width]`, with each row's own weights where its adapter has any."""

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, path: str, weight: Tensor, bias: Tensor | None, epsilon: float) -> None:
        super().__init__()
        self.path, self.epsilon = path, epsilon
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias, requires_grad=False))
        # A module's own look-up of a parameter takes longer than a row's norm.
        self._addresses = weight.data_ptr(), 0 if bias is None else bias.data_ptr()

    def __call__(self, x: Tensor, rows: Rows) -> Tensor:
        y = self._whole(x)
        if not rows.layout:
            return y
        for row, count, own in rows.replacing(self.path):
            weight, bias = own.get("weight", self.weight), own.get("bias", self.bias)
            y[row : row + count] = self._own(x[row : row + count], weight, bias)
        return y

    def _own(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return evenly(lambda rows: self._plain(rows, weight, bias), x)

    def _whole(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _plain(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        raise NotImplementedError


class RMSNorm(Norm):
    """`w x / sqrt(mean(x²) + ε)`. Source: Zhang & Sennrich 2019 (arXiv 1910.07467), equation 4."""

    def _whole(self, x: Tensor) -> Tensor:
        module = current()
        if module is None or x.device.type != "cpu":
            return evenly(lambda rows: self._plain(rows, self.weight, None), x)
        y = torch.empty_like(x)
        rows, width = x.shape
        module.rms_norm(x.data_ptr(), self._addresses[0], self.epsilon, rows, width, y.data_ptr())
        return y

    def _plain(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon))


class LayerNorm(Norm):
    """`w (x - mean) / sqrt(variance + ε) + b`. Source: Ba et al. 2016 (arXiv 1607.06450), equation 4."""

    def _whole(self, x: Tensor) -> Tensor:
        module = current()
        if module is None or x.device.type != "cpu":
            return evenly(lambda rows: self._plain(rows, self.weight, self.bias), x)
        y = torch.empty_like(x)
        rows, width = x.shape
        module.layer_norm(x.data_ptr(), *self._addresses, self.epsilon, rows, width, y.data_ptr())
        return y

    def _plain(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.layer_norm(x, (x.shape[1],), weight, bias, self.epsilon)
