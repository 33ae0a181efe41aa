"""Linear layers of every weight format, as `nn.Linear`, with gradients with respect to their input."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from astrarium.engine.evenly import ROWS, evenly
from astrarium.engine.formats.panels import Panels
from astrarium.engine.native import kernels
from astrarium.engine.uninitialised import uninitialised


class HeldLinear(nn.Linear):
    """A frozen linear layer that knows how the engine holds its weight."""

    in_features: int
    out_features: int
    apart: bool = False
    """Whether it does its own product, and is never joined with others."""

    def __init__(self, outputs: int, inputs: int, bias: Tensor | None) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = inputs, outputs
        self.register_parameter("weight", None)
        held = None if bias is None else nn.Parameter(bias.float().contiguous(), requires_grad=False)
        self.register_parameter("bias", held)
        self._native: Any = None

    def native(self) -> Any:
        """The layer as the compiled kernels take it; None where there are none."""
        if self._native is None and self.device.type == "cpu" and (module := kernels()) is not None:
            self._native = self._make_native(module)
        return self._native

    def _make_native(self, module: Any) -> Any:
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where the weight is."""
        raise NotImplementedError

    def moved(self, device: torch.device) -> HeldLinear:
        """The same layer on a device."""
        raise NotImplementedError

    def values(self) -> Tensor:
        """The weight as fp32 `[outputs, inputs]`."""
        raise NotImplementedError

    def rows(self, ids: Tensor) -> Tensor:
        """Rows of the weight as fp32, `[n]` → `[n, inputs]`: what a token embedding does."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Bytes that the weight takes."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """`[…, inputs]` → `[…, outputs]`, in the dtype of `x`."""
        flat = x.reshape(-1, self.in_features)
        result: Tensor = _Product.apply(flat, self)  # type: ignore[no-untyped-call]
        return result.view(*x.shape[:-1], self.out_features)

    def product(self, x: Tensor, *, read: bool = False) -> Tensor:
        """fp32 `[rows, inputs]` → fp32 `[rows, outputs]`.

        Args:
            x: activations.
            read: whether they are a prompt's (`step.Step.read`).
        """
        module, layer = kernels(), self.native()
        if module is None or layer is None or x.device.type != "cpu":
            return self._torch_product(x, read)
        y = uninitialised(len(x), self.out_features)
        x = x.contiguous()
        to = y.data_ptr(), self.out_features
        module.Linears([layer]).run(x.data_ptr(), self.in_features, len(x), read, *to, False)
        return y

    def _torch_product(self, x: Tensor, read: bool) -> Tensor:
        weight = self.values()
        rows = ROWS if read else _WRITTEN
        return evenly(lambda block: functional.linear(block, weight, self.bias), x, rows)


class _Product(torch.autograd.Function):
    """x W^T + c, and its gradient with respect to x alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: HeldLinear) -> Tensor:
        ctx.layer = layer
        read = layer.native() is None  # torch's kernels are quicker with a training's many rows as with a prompt's
        return layer.product(x.float(), read=read).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        weight = ctx.layer.values().to(gradient.device)
        return (gradient.float() @ weight).to(gradient.dtype), None


class PlainLinear(HeldLinear):
    """Weights in fp32 or bf16."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        outputs, inputs = weight.shape
        super().__init__(outputs, inputs, bias)
        self.register_parameter("weight", nn.Parameter(weight.contiguous(), requires_grad=False))

    def _make_native(self, module: Any) -> Any:
        return module.dense_layer(
            self.out_features,
            self.in_features,
            self.weight.dtype == torch.bfloat16,
            self.weight.data_ptr(),
            _at(self.bias),
        )

    def values(self) -> Tensor:
        return self.weight.float()

    def rows(self, ids: Tensor) -> Tensor:
        return self.weight[ids].float()

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes

    @property
    def device(self) -> torch.device:
        return self.weight.device

    def moved(self, device: torch.device) -> PlainLinear:
        return PlainLinear(self.weight.to(device), None if self.bias is None else self.bias.to(device))

    def _torch_product(self, x: Tensor, read: bool) -> Tensor:
        direct = x.device.type != "cpu" or _multiplies_bf16()
        if self.weight.dtype == torch.float32 or (read and not direct):  # a prompt is worth widening the weight for
            return super()._torch_product(x, read)
        rows = 1 if not direct else _READ_BF16 if read else ROWS
        y = evenly(lambda block: functional.linear(block, self.weight), x.to(self.weight.dtype), rows).float()
        return y if self.bias is None else y + self.bias


class QuantisedLinear(HeldLinear):
    """Weights in panels: int8, int4, or the blocks of a GGUF file."""

    def __init__(self, panels: Panels, bias: Tensor | None = None) -> None:
        super().__init__(panels.outputs, panels.inputs, bias)
        self.panels = panels

    @property
    def device(self) -> torch.device:
        return self.panels.codes.device

    def moved(self, device: torch.device) -> QuantisedLinear:
        return QuantisedLinear(self.panels.moved(device), None if self.bias is None else self.bias.to(device))

    def _make_native(self, module: Any) -> Any:
        p = self.panels
        addresses = (p.codes, p.scales, p.minima, p.super_scales, p.super_minima, p.row_scale, p.row_minimum, self.bias)
        return module.quantised_layer(
            p.outputs, p.inputs, p.bits, p.kind, p.offset, p.table, *(_at(tensor) for tensor in addresses)
        )

    def values(self) -> Tensor:
        module, layer = kernels(), self.native()
        if module is None or layer is None:
            return self.panels.values()
        found = uninitialised(self.out_features, self.in_features)
        module.dequantise(layer, 0, self.out_features, found.data_ptr())
        return found

    def rows(self, ids: Tensor) -> Tensor:
        module, layer = kernels(), self.native()
        if module is None or layer is None:
            return self.panels.rows(ids)
        ids = ids.to(torch.int64).contiguous()
        found = uninitialised(len(ids), self.in_features)
        module.dequantise(layer, ids.data_ptr(), len(ids), found.data_ptr())
        return found

    @property
    def nbytes(self) -> int:
        return self.panels.nbytes


# Rows of a block of `evenly` that take little longer than one alone, as measured for 8192 x 2048 in two threads.
_WRITTEN = 2
_READ_BF16 = 64


@functools.cache
def _multiplies_bf16() -> bool:
    """Whether torch multiplies matrices of bf16 on this processor without widening them."""
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _at(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()
