"""LoRA, with rsLoRA, DoRA, ranks and alphas by pattern. Key names are peft's.

Source: Hu et al. 2021 (arXiv 2106.09685), section 4.1; Kalajdzievski 2023, rsLoRA (arXiv 2312.03732), equation 3;
Liu et al. 2024, DoRA (arXiv 2402.09353), equation 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter, Affine, low_rank
from astrarium.engine.adapters.patterns import fits
from astrarium.engine.adapters.target import Target, Tensors, add, check_sites, targeted

STRANGE = (
    "use_qalora", "megatron_config", "layer_replication", "trainable_token_indices", "alora_invocation_tokens",
    "arrow_config", "lora_ga_config", "use_bdlora", "target_parameters", "monteclora_config", "kasa_config",
)  # fmt: skip
"""Options that change the arithmetic in ways that are not computed here."""
_CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "eva_init_base", "lora_ga")


def why_not(config: Mapping[str, Any], tensors: Tensors) -> str:
    """Why a LoRA cannot be computed beside the base; empty where it can."""
    strange = [name for name in STRANGE if config.get(name)]
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.startswith(_CHANGES_BASE):
        strange.append(f"init_lora_weights={start}")
    if any(".lora_embedding_" in key for key in tensors.left()):
        strange.append("an embedding as target")
    return ", ".join(strange)


def read(config: Mapping[str, Any], tensors: Tensors, target: Target, adapter: Adapter) -> None:
    """Take the LoRA of a file.

    Raises:
        AdapterError: it does not fit the base.
    """
    paths = tensors.paths(".lora_A.weight")
    check_sites(paths, targeted(config, target.linears), target)
    for path in paths:
        linear = target.linears[path]
        rank = int(_by_pattern(config.get("rank_pattern"), path, config["r"]))
        alpha = float(_by_pattern(config.get("alpha_pattern"), path, config["lora_alpha"]))
        if rank < 1 or not math.isfinite(alpha):
            raise AdapterError(f"r is {rank} and lora_alpha {alpha} for {path}; expected a rank from 1 and a number")
        scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
        down = tensors.take(f"{path}.lora_A.weight", rank, linear.inputs)
        up = tensors.take(f"{path}.lora_B.weight", linear.outputs, rank)
        add(adapter, path, low_rank("beside", down, up, scale, target.dtype))
        if f"{path}.lora_B.bias" in tensors:
            shift = tensors.take(f"{path}.lora_B.bias", linear.outputs) * scale
            add(adapter, path, Affine("beside", shift=shift))
        if config.get("use_dora"):
            key = next(
                (k for k in (f"{path}.lora_magnitude_vector", f"{path}.lora_magnitude_vector.weight") if k in tensors),
                None,
            )
            if key is None:
                raise AdapterError(f"tensor {path}.lora_magnitude_vector is missing")
            add(adapter, path, _magnitude(tensors.take(key, linear.outputs), down, up, scale, path, target))


def _magnitude(magnitude: Tensor, down: Tensor, up: Tensor, scale: float, path: str, target: Target) -> Affine:
    """y = g (W x + s B A x) + c with g = m / |W + s B A|: the sum is scaled, and the bias put back."""
    held = target.network.held(path)
    with torch.inference_mode():
        gain = (magnitude / (held.values().cpu() + scale * (up @ down)).norm(dim=1)).contiguous()
        shift = None if held.bias is None else ((1 - gain) * held.bias.cpu()).contiguous()
    return Affine("out", gain, shift)


def _by_pattern(patterns: Mapping[str, Any] | None, path: str, default: Any) -> Any:
    """peft's rule: the first pattern that matches the path's ending."""
    for pattern, value in (patterns or {}).items():
        if fits(rf"(?:.*\.)?(?:{pattern})", path):
            return value
    return default
