"""AdapterH, AdapterP and Parallel. Source: the Astraios fork's `tuners/bottleneck.py`; see `methods/bottleneck`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from astrarium.core.errors import AdapterError
from astrarium.engine.activations import activation_of
from astrarium.engine.adapters.parts import Adapter, Place, low_rank
from astrarium.engine.adapters.patterns import fits
from astrarium.engine.adapters.target import Target, Tensors, add, check_sites, not_whole
from astrarium.methods.kinds import kind_of

_PLACES: Mapping[str, Place] = {"in": "in", "out": "out", "parallel": "beside"}


def read(config: Mapping[str, Any], tensors: Tensors, target: Target, adapter: Adapter) -> None:
    """Take the bottleneck adapter of a file.

    Raises:
        AdapterError: it does not fit the base.
    """
    paths = tensors.paths(".adapter_down.weight")
    check_sites(paths, _targets(config, target), target)
    parallel = bool(config.get("use_parallel_adapter"))
    size = int(config.get("bottleneck_size", 256))
    activation = str(config.get("non_linearity", "tanh"))
    activation_of(activation)
    for path in paths:
        kind = kind_of(path, target.model_type, parallel=parallel, chosen=config.get("site_kinds"))
        linear = target.linears[path]
        read_width = linear.outputs if kind == "out" else linear.inputs
        written = linear.inputs if kind == "in" else linear.outputs
        down = tensors.take(f"{path}.adapter_down.weight", size, read_width)
        up = tensors.take(f"{path}.adapter_up.weight", written, size)
        scale = _scale(config.get("scaling", 1.0), path, tensors)
        add(adapter, path, low_rank(_PLACES[kind], down, up, scale, target.dtype, activation))


def _scale(given: Any, path: str, tensors: Tensors) -> float:
    if given == "learned":
        return float(tensors.take(f"{path}.adapter_scaling", 1))
    try:
        scale = float(given)
    except (TypeError, ValueError, OverflowError):
        scale = math.nan
    if not math.isfinite(scale):
        raise AdapterError(f"scaling is {given!r}; expected a number or 'learned'")
    return scale


def _targets(config: Mapping[str, Any], target: Target) -> list[str]:
    """Bare endings, no dot needed, or one regular expression; not inside modules that are saved whole."""
    wanted = config.get("target_modules")
    paths = not_whole(config, target.linears)
    if isinstance(wanted, str):
        return [path for path in paths if fits(wanted, path)]
    return [path for path in paths if any(path.endswith(ending) for ending in wanted or ())]
