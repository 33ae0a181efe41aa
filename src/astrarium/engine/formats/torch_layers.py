"""Layers as torch's own kernels multiply them on a CPU, where ours are missing or do not run on this processor.

Quantised weights go through torch's product with codes of four bits in groups of 32. It multiplies in bf16: what a
layer reads, the scales, and the weights that codes stand for are rounded to that. Codes of eight bits are two of four.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from astrarium.engine.formats.layers import HeldLinear, PlainLinear, QuantisedLinear
from astrarium.engine.formats.panels import GROUP, PANEL, SUPER6, Panels, unpack
from astrarium.engine.weights import Weights

_MIDDLE = 8  # torch takes it from each code
WITHOUT_PACKING = ("Q6_K",)
"""Blocks whose scales are for 16 inputs, which torch's kernel does not take: they are held in bf16."""
_PACKED_AT_A_TIME = 4096  # outputs: packing takes them as 32-bit numbers, eight times their size


class PackedLinear(HeldLinear):
    """A quantised weight in the order of torch's kernel."""

    apart = True

    def __init__(self, panels: Panels, bias: Tensor | None, *, looked_up: bool) -> None:
        """Pack panels whose scales are for 32 inputs each.

        Args:
            panels: the weight.
            bias: `[outputs]`.
            looked_up: whether it is a table of embeddings, too, and the panels are kept for `rows`.
        """
        super().__init__(panels.outputs, panels.inputs, bias)
        scale, minimum = panels.factors()
        codes = unpack(panels.codes, panels.bits)
        if panels.bits == 4:
            parts = [(codes, scale, minimum + (_MIDDLE - panels.offset) * scale)]
        else:
            low = minimum + (17 * _MIDDLE - panels.offset) * scale
            parts = [(codes >> 4, 16 * scale, torch.zeros_like(scale)), (codes & 15, scale, low)]
        self._parts = [(_packed(code), _factors(step, zero)) for code, step, zero in parts]
        self._panels = panels if looked_up else None

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """Bytes that codes and factors take, those of the panels counted where they are kept."""
        own = sum(codes.nbytes + factors.nbytes for codes, factors in self._parts)
        return own + (0 if self._panels is None else self._panels.nbytes)

    def _make_native(self, module: Any) -> None:
        """None: ours do not take it."""

    def values(self) -> Tensor:
        """The weight as it is multiplied. Slow: a product with every input alone."""
        one = torch.eye(self.in_features, device="cpu")
        return self._multiplied(one).T.contiguous()

    def rows(self, ids: Tensor) -> Tensor:
        """See `HeldLinear.rows`; a table of embeddings alone has them."""
        assert self._panels is not None
        return self._panels.rows(ids)

    def product(self, x: Tensor, *, read: bool = False) -> Tensor:
        """See `HeldLinear.product`."""
        y = self._multiplied(x)
        return y if self.bias is None else y + self.bias

    def _multiplied(self, x: Tensor) -> Tensor:
        half = x.to(torch.bfloat16).contiguous()
        products = [
            torch.ops.aten._weight_int4pack_mm_for_cpu(half, codes, GROUP, factors).float()
            for codes, factors in self._parts
        ]
        y: Tensor = products[0] if len(products) == 1 else products[0].add_(products[1])
        return y[:, : self.out_features]


def for_torch(weights: Weights, embedding: str) -> Weights:
    """Weights as torch's kernels multiply them; each layer's panels are let go of before the next is packed.

    Args:
        weights: on the CPU.
        embedding: module path of the table of tokens.
    """
    table = weights.linears[embedding]
    tied = weights.linears.get("lm_head") is table
    for path, layer in weights.linears.items():
        if isinstance(layer, QuantisedLinear) and layer is not table:
            weights.linears[path] = _for_torch(layer, looked_up=False)
    if tied and isinstance(table, QuantisedLinear):
        weights.linears[embedding] = weights.linears["lm_head"] = _for_torch(table, looked_up=True)
    return weights


def packed_bytes(outputs: int, inputs: int, bits: int) -> int:
    """Bytes that a weight takes as torch's kernel reads it, without panels kept beside it."""
    return -(-outputs // PANEL) * PANEL * (inputs // GROUP) * (bits // 4) * (GROUP // 2 + 4)


def _for_torch(layer: QuantisedLinear, *, looked_up: bool) -> HeldLinear:
    if layer.panels.kind == SUPER6:  # see `WITHOUT_PACKING`
        return PlainLinear(layer.panels.values().bfloat16(), layer.bias)
    return PackedLinear(layer.panels, layer.bias, looked_up=looked_up)


def _packed(codes: Tensor) -> Tensor:
    parts = torch.split(codes, _PACKED_AT_A_TIME)
    return torch.cat([torch.ops.aten._convert_weight_to_int4pack_for_cpu(part.int(), 1) for part in parts])


def _factors(scale: Tensor, zero: Tensor) -> Tensor:
    """`[outputs, groups]` each → bf16 `[groups, outputs, 2]`."""
    return torch.stack([scale.T, zero.T], dim=-1).to(torch.bfloat16).contiguous()
