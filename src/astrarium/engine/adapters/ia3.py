"""(IA)³: one factor for each input or output. Source: Liu et al. 2022 (arXiv 2205.05638), section 3.3; peft's keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astrarium.engine.adapters.parts import Adapter, Affine
from astrarium.engine.adapters.target import Target, Tensors, add, check_sites, targeted


def read(config: Mapping[str, Any], tensors: Tensors, target: Target, adapter: Adapter) -> None:
    """Take the (IA)³ of a file: `[1, in]` on the input of feed-forward sites, `[out, 1]` on the output of others.

    Raises:
        AdapterError: it does not fit the base.
    """
    paths = tensors.paths(".ia3_l")
    check_sites(paths, targeted(config, target.linears), target)
    inner = set(targeted({"target_modules": config.get("feedforward_modules")}, paths))
    for path in paths:
        linear = target.linears[path]
        shape = (1, linear.inputs) if path in inner else (linear.outputs, 1)
        factors = tensors.take(f"{path}.ia3_l", *shape).flatten().contiguous()
        add(adapter, path, Affine("in" if path in inner else "out", factors))
