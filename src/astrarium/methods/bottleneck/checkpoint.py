"""Between the keys of a model and those of a checkpoint in the Astraios fork's format (golden FORMAT.md, section 3).

model                                                       checkpoint
base_model.model.…c_fc.adapter_down.<adapter>.weight        base_model.model.…c_fc.adapter_down.weight
base_model.model.…c_fc.adapter_scaling.<adapter>            base_model.model.…c_fc.adapter_scaling
base_model.model.…c_fc.base_layer.bias                      base_model.model.…c_fc.bias
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck.config import BottleneckConfig
from astrarium.methods.bottleneck.layer import BottleneckLayer

_PEFT_PREFIX = "base_model.model."
_SHOWN = 4
_SAVED_COPY = re.compile(r"\.modules_to_save\.bias$")
_Tensors = Mapping[str, torch.Tensor]


def adapter_keys(model: nn.Module, adapter_name: str) -> dict[str, str]:
    """Checkpoint key → model key of every tensor of one adapter."""
    keys = {}
    for path, module in model.named_modules():
        if not isinstance(module, BottleneckLayer) or adapter_name not in module.kind:
            continue
        for part in ("adapter_down", "adapter_up"):
            keys[f"{path}.{part}.weight"] = f"{path}.{part}.{adapter_name}.weight"
        if adapter_name in module.adapter_scaling:
            keys[f"{path}.adapter_scaling"] = f"{path}.adapter_scaling.{adapter_name}"
    return keys


def bias_keys(model: nn.Module, config: BottleneckConfig, adapter_name: str) -> dict[str, str]:
    """Checkpoint key → model key of the base's biases that belong to an adapter with `bias` all or adapter_only."""
    if config.bias == "none":
        return {}
    if config.bias == "adapter_only":
        sites = [
            (path, module)
            for path, module in model.named_modules()
            if isinstance(module, BottleneckLayer) and adapter_name in module.kind
        ]
        return {f"{path}.bias": f"{path}.base_layer.bias" for path, site in sites if site.bias is not None}
    whole = [path + "." for path, module in model.named_modules() if isinstance(module, AuxiliaryTrainingWrapper)]
    return {
        key.replace(".base_layer.", "."): key
        for key, _ in model.named_parameters()
        if "bias" in key and not key.startswith(tuple(whole)) and ".adapter_" not in key
    }


def select(model: nn.Module, config: BottleneckConfig, adapter_name: str, state: _Tensors) -> dict[str, torch.Tensor]:
    """The entries of the model's state that the checkpoint of one adapter holds, under the model's keys.

    peft drops from `state` every key that contains another adapter's name, also where that is the name of a module
    (an adapter called `mlp`); such a key is taken from the model itself.
    """
    wanted = {**adapter_keys(model, adapter_name), **bias_keys(model, config, adapter_name)}
    missing = [key for key in wanted.values() if key not in state]
    whole = model.state_dict() if missing else {}
    return {key: state[key] if key in state else whole[key] for key in wanted.values()}


def fit(model: nn.Module, config: BottleneckConfig, adapter_name: str, tensors: _Tensors) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint under the model's keys: each in its place, none left over, none missing.

    Args:
        tensors: checkpoint key → tensor. Keys of `modules_to_save` are the model's already (peft maps them first).

    Returns:
        Model key → tensor; the adapter's own in the dtype the adapter is held in.

    Raises:
        AdapterError: a key is missing, left over, or of another shape. Nothing has been loaded then.
    """
    own = adapter_keys(model, adapter_name)
    expected = {**own, **bias_keys(model, config, adapter_name)}
    prefixed = any(key.startswith(_PEFT_PREFIX) for key in model.state_dict())
    there = dict(model.state_dict())
    fitted: dict[str, torch.Tensor] = {}
    strange: list[str] = []
    for key, tensor in tensors.items():
        key = key if prefixed else key.removeprefix(_PEFT_PREFIX)
        model_key = expected.get(key, key)
        if ".original_module." in key or _SAVED_COPY.search(key):
            continue  # with bias "all" the fork writes these copies of a saved module's bias beside its plain name
        if model_key not in there:
            strange.append(f"{key} {list(tensor.shape)}")
            continue
        fitted[model_key] = tensor
    missing = [
        f"{key} {list(there[model_key].shape)}" for key, model_key in expected.items() if model_key not in fitted
    ]
    misshapen = [
        f"{key}: found {list(tensor.shape)}, expected {list(there[key].shape)}"
        for key, tensor in fitted.items()
        if tensor.shape != there[key].shape
    ]
    _refuse(missing, strange, misshapen, {model: key for key, model in expected.items()})
    mine = set(own.values())
    return {key: tensor.to(torch.float32) if key in mine else tensor for key, tensor in fitted.items()}


def _refuse(missing: list[str], strange: list[str], misshapen: list[str], names: Mapping[str, str]) -> None:
    faults = []
    if misshapen:
        for model_key, key in names.items():
            misshapen = [line.replace(f"{model_key}:", f"{key}:") for line in misshapen]
        faults.append(f"{len(misshapen)} of another shape ({_some(misshapen)})")
    if missing:
        faults.append(f"{len(missing)} missing ({_some(missing)})")
    if strange:
        faults.append(f"{len(strange)} without a site in this base ({_some(strange)})")
    if faults:
        raise AdapterError(
            "the checkpoint's tensors do not fit the adapter's sites: "
            + "; ".join(faults)
            + ". Was it trained on another base, or is the file incomplete?"
        )


def _some(lines: list[str]) -> str:
    return ", ".join(lines[:_SHOWN]) + (f", … {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else "")
