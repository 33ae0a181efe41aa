"""The arithmetic of a bottleneck adapter around one linear layer.

With W, c the frozen linear's weight and bias, f the non-linearity and
`delta(z) = scaling · up(f(down(dropout(z))))`:

    in        y = W (x + delta(x)) + c
    out       h = W x + c;  y = h + delta(h)
    parallel  y = W x + c + delta(x)

Shapes: x `[batch, seq, in]`, y and h `[batch, seq, out]`, down `[bottleneck, z]`, up `[z', bottleneck]`.
Source: golden FORMAT.md, section 5 (the Astraios fork's `tuners/bottleneck.py`).
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from peft.tuners.tuners_utils import BaseTunerLayer, _get_in_out_features
from torch import nn
from torch.nn import functional
from transformers.activations import ACT2CLS, ACT2FN
from transformers.pytorch_utils import Conv1D

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck.config import BottleneckConfig

_BERT_STD = 0.02
BASE_ROW = "__base__"
"""The name peft gives, in `adapter_names`, to a row that takes no adapter."""


class BottleneckLayer(BaseTunerLayer):  # type: ignore[misc]
    """The adapters of one site, by name. Each has a kind of its own, so that two may differ on the same linear."""

    adapter_layer_names = ("adapter_down", "adapter_up", "adapter_scaling")
    other_param_names = ("kind", "scaling", "adapter_dropout", "non_linearity")

    def __init__(self, base_layer: nn.Module) -> None:
        self.base_layer = base_layer
        self.adapter_down = nn.ModuleDict()
        self.adapter_up = nn.ModuleDict()
        self.adapter_scaling = nn.ParameterDict()
        self.adapter_dropout = nn.ModuleDict()
        self.non_linearity: dict[str, nn.Module] = {}
        self.kind: dict[str, str] = {}
        self.scaling: dict[str, float] = {}
        self._disable_adapters = False
        self.merged_adapters: list[str] = []
        self.in_features, self.out_features = _get_in_out_features(self.get_base_layer())

    def update_layer(self, adapter_name: str, config: BottleneckConfig, kind: str) -> None:
        """Add an adapter to this site.

        Raises:
            AdapterError: the non-linearity is unknown or has weights of its own.
        """
        activation = activation_of(config.non_linearity)
        read = self.out_features if kind == "out" else self.in_features
        written = self.in_features if kind == "in" else self.out_features
        self.kind[adapter_name] = kind
        self.non_linearity[adapter_name] = activation
        self.adapter_dropout[adapter_name] = nn.Dropout(config.adapter_dropout)
        # fp32 whatever the base's dtype: FORMAT.md, section 5, "Precision".
        self.adapter_down[adapter_name] = nn.Linear(read, config.bottleneck_size, bias=False, dtype=torch.float32)
        self.adapter_up[adapter_name] = nn.Linear(config.bottleneck_size, written, bias=False, dtype=torch.float32)
        if isinstance(config.scaling, str):
            self.adapter_scaling[adapter_name] = nn.Parameter(torch.ones(1, dtype=torch.float32))
        else:
            self.scaling[adapter_name] = config.scaling
        self._initialise(adapter_name, config.init_weights)
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def _initialise(self, adapter_name: str, scheme: str) -> None:
        down, up = (linear.weight for linear in self._projections(adapter_name))
        if scheme == "bert":
            nn.init.normal_(down, std=_BERT_STD)
            nn.init.normal_(up, std=_BERT_STD)
        else:
            nn.init.kaiming_uniform_(down, a=math.sqrt(5))
            nn.init.zeros_(up)

    def _projections(self, adapter_name: str) -> tuple[nn.Linear, nn.Linear]:
        """The down and the up projection."""
        return cast(nn.Linear, self.adapter_down[adapter_name]), cast(nn.Linear, self.adapter_up[adapter_name])

    def _move_adapter_to_device_of_base_layer(self, adapter_name: str, device: torch.device | None = None) -> None:
        """Follow the base to its device, but not to its dtype: the adapter's arithmetic stays in fp32."""
        target = device if device is not None else self._get_base_layer_device_and_dtype(self.get_base_layer())[0]
        if target is None or target.type == "meta":
            return
        for group in (self.adapter_down, self.adapter_up, self.adapter_scaling):
            if adapter_name in group and not _on_meta(group[adapter_name]):
                group[adapter_name] = group[adapter_name].to(target)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Refuse: a bottleneck has a non-linearity, so that no weight of the base can hold it.

        Raises:
            AdapterError: always.
        """
        raise AdapterError(
            "a bottleneck adapter cannot be merged into its base: its non-linearity fits into no weight; "
            "keep the adapter, or call unload() to have the base back"
        )

    def delta(self, adapter_name: str, z: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What the adapter adds: `scaling · up(f(down(dropout(z))))`.

        Args:
            z: `[..., read]`, in any floating dtype; the projections run in fp32 (under autocast, in its dtype).
            dtype: the dtype of the sum the result goes into. The result is cast to it before the scaling.

        Returns:
            `[..., written]` in `dtype`.
        """
        down, up = self._projections(adapter_name)
        z = self.adapter_dropout[adapter_name](z.to(_working_dtype(down.weight)))
        result: torch.Tensor = _project(up, self.non_linearity[adapter_name](_project(down, z))).to(dtype)
        if adapter_name in self.adapter_scaling:
            return (result * cast(nn.Parameter, self.adapter_scaling[adapter_name])).to(dtype)
        scaling = self.scaling[adapter_name]
        return result if scaling == 1.0 else result * scaling


class BottleneckLinear(nn.Module, BottleneckLayer):
    """A linear layer (`nn.Linear` or transformers' `Conv1D`) with bottleneck adapters before, after or beside it."""

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig, kind: str) -> None:
        super().__init__()
        BottleneckLayer.__init__(self, base_layer)
        self._active_adapter = adapter_name
        self.update_layer(adapter_name, config, kind)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The base's linear with the active adapters, or with each row's own where `adapter_names` says so.

        Args:
            x: `[batch, seq, in]`.
            **kwargs: `adapter_names`, a name a row (`"__base__"` for none); the rest goes to the base.

        Returns:
            `[batch, seq, out]`.
        """
        adapter_names = kwargs.pop("adapter_names", None)
        rows: dict[str, torch.Tensor | None]
        if self.disable_adapters:
            return cast(torch.Tensor, self.base_layer(x, *args, **kwargs))
        if adapter_names is None:
            rows = {name: None for name in cast(list[str], self.active_adapters) if name in self.kind}
        else:
            rows = self._rows_of(adapter_names, x)
        h = self.base_layer(self._add(x, x, rows, "in"), *args, **kwargs)
        y = self._add(h, h, rows, "out")
        return self._add(y, x, rows, "parallel")

    def _rows_of(self, adapter_names: list[str], x: torch.Tensor) -> dict[str, torch.Tensor | None]:
        """Adapter → the numbers of its rows. Names: a, base, b, a → {a: [0, 3], b: [2]}."""
        if len(adapter_names) != len(x):
            raise AdapterError(f"adapter_names has {len(adapter_names)} names for {len(x)} rows; give one a row")
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(adapter_names):
            if name in self.kind:
                rows.setdefault(name, []).append(row)
        return {name: torch.tensor(numbers, device=x.device) for name, numbers in rows.items()}

    def _add(
        self, total: torch.Tensor, z: torch.Tensor, rows: dict[str, torch.Tensor | None], kind: str
    ) -> torch.Tensor:
        """`total` plus the deltas, each computed from the same `z`, of the adapters of one kind."""
        for name, numbers in rows.items():
            if self.kind[name] != kind:
                continue
            if numbers is None:
                total = total + self.delta(name, z, total.dtype)
            else:
                total = total.index_add(0, numbers, self.delta(name, z[numbers], total.dtype))
        return total

    def __repr__(self) -> str:
        return "bottleneck." + super().__repr__()


def activation_of(name: str) -> nn.Module:
    """A fresh non-linearity of transformers' ACT2FN.

    Raises:
        AdapterError: unknown, or with weights of its own, for which the format has no key.
    """
    if name not in ACT2CLS:
        raise AdapterError(f"non_linearity is {name!r}; expected one of {', '.join(sorted(ACT2CLS))}")
    activation: nn.Module = ACT2FN[name]
    if any(True for _ in activation.parameters()):
        raise AdapterError(f"non_linearity {name!r} has weights of its own, which the adapter format cannot hold")
    return activation


def is_supported(module: nn.Module) -> bool:
    """Whether a bottleneck adapter can be put on the module."""
    return isinstance(module, (nn.Linear, Conv1D))


def _working_dtype(weight: torch.Tensor) -> torch.dtype:
    return torch.promote_types(weight.dtype, torch.float32)


def _project(linear: nn.Linear, z: torch.Tensor) -> torch.Tensor:
    """`linear(z)` in fp32 or wider, also where somebody cast the whole model to half precision."""
    dtype = _working_dtype(linear.weight)
    if linear.weight.dtype == dtype:
        return cast(torch.Tensor, linear(z))
    return functional.linear(z.to(dtype), linear.weight.to(dtype))


def _on_meta(item: nn.Module | nn.Parameter) -> bool:
    tensors = item.parameters() if isinstance(item, nn.Module) else [item]
    return any(tensor.device.type == "meta" for tensor in tensors)
