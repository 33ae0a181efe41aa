"""What an adapter is put on: the base's linears by path, and the strict joining of a file's tensors to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter, Affine, Part
from astrarium.engine.adapters.patterns import fits
from astrarium.engine.families.network import Network
from astrarium.engine.norms import Norm
from astrarium.families import Linear, family_of

_SHOWN = 3


@dataclass(slots=True)
class Target:
    """The base, as adapters see it, and the dtype they are held in."""

    network: Network
    name: str
    """The base's, for messages."""
    dtype: torch.dtype = torch.float32
    linears: dict[str, Linear] = field(init=False)
    modules: frozenset[str] = field(init=False)
    """Paths of all modules that have weights."""

    def __post_init__(self) -> None:
        self.linears = {linear.path: linear for linear in family_of(self.network.config).linears(self.network.config)}
        norms = {module.path for module in self.network.modules() if isinstance(module, Norm)}
        tables = {self.network.embedding_path} | ({"transformer.wpe"} if self.model_type == "gpt_bigcode" else set())
        self.modules = frozenset({*self.linears, *norms, *tables})

    @property
    def model_type(self) -> str:
        """The base's family."""
        return str(self.network.config["model_type"])


class Tensors:
    """A file's tensors by key without peft's prefix. Each is taken once; what is left at the end has no place."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._left = {key.removeprefix("base_model.model."): tensor for key, tensor in tensors.items()}

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def left(self) -> list[str]:
        """The keys that have not been taken."""
        return list(self._left)

    def take(self, key: str, *shape: int | None) -> Tensor:
        """A tensor as fp32.

        Args:
            key: its key.
            shape: what it must be; None for any number.

        Raises:
            AdapterError: it is missing, of another shape, or not finite.
        """
        if key not in self._left:
            raise AdapterError(f"tensor {key} is missing")
        # A copy: what is mapped of a file changes with it, or is gone, when a training writes there again.
        tensor = self._left.pop(key).to(torch.float32, copy=True)
        fits = tensor.dim() == len(shape) and all(n in (None, m) for n, m in zip(shape, tensor.shape, strict=True))
        if not fits:
            expected = ["any" if n is None else n for n in shape]
            raise AdapterError(f"tensor {key} has shape {list(tensor.shape)}; this base needs {expected}")
        if not torch.isfinite(tensor).all():
            raise AdapterError(f"tensor {key} is not finite (NaN or infinite)")
        return tensor

    def paths(self, ending: str) -> list[str]:
        """The module paths that have a tensor of this ending, such as `.lora_A.weight`."""
        return [key.removesuffix(ending) for key in self._left if key.endswith(ending)]

    def finish(self) -> None:
        """Every tensor must have found its place.

        Raises:
            AdapterError: one has not.
        """
        if self._left:
            raise AdapterError(f"{len(self._left)} tensors without a site in this base ({_some(self._left)})")


def check_sites(found: Iterable[str], expected: Iterable[str], target: Target) -> None:
    """The file's sites must be linears of the base, and all that its configuration asks for.

    Raises:
        AdapterError: they are not.
    """
    found = list(found)
    strange = [path for path in found if path not in target.linears]
    if strange:
        raise AdapterError(f"{len(strange)} sites that the base has not ({_some(strange)})")
    missing = sorted(set(expected) - set(found))
    if missing:
        raise AdapterError(f"{len(missing)} sites without a tensor ({_some(missing)})")
    if not found:
        raise AdapterError("it has no site")


def targeted(config: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """The paths that peft's `target_modules` and its companions mean: dotted endings, or one regular expression."""
    wanted, without = config.get("target_modules"), config.get("exclude_modules")
    layers, patterns = config.get("layers_to_transform"), config.get("layers_pattern")
    paths = not_whole(config, paths)
    found = [path for path in paths if _means(wanted, path) and not _means(without, path)]
    if wanted == "all-linear":
        found = [path for path in paths if path != "lm_head"]
    if layers is None:
        return found
    numbers = [layers] if isinstance(layers, int) else list(layers)
    names = [patterns] if isinstance(patterns, str) else list(patterns or [])
    middle = "|".join(map(re.escape, names)) if names else r"[^.]*"
    return [
        path
        for path in found
        if (match := re.match(rf".*?(?:^|\.)(?:{middle})\.(\d+)\.", path)) and int(match.group(1)) in numbers
    ]


def not_whole(config: Mapping[str, Any], paths: Iterable[str]) -> list[str]:
    """The paths that are not inside modules that are saved whole."""
    whole = config.get("modules_to_save") or ()
    return [path for path in paths if not any(re.match(rf"(^|.*\.){re.escape(w)}($|\..*)", path) for w in whole)]


def _means(wanted: Any, path: str) -> bool:
    if isinstance(wanted, str):
        return fits(wanted, path)
    return any(path == ending or path.endswith(f".{ending}") for ending in wanted or ())


def take_replaced(adapter: Adapter, tensors: Tensors, target: Target, *, scaled: bool) -> None:
    """What is left of a file: biases and modules that were trained whole. A linear's bias is added as a difference.

    Args:
        adapter: what has been read so far.
        tensors: what is left.
        target: the base.
        scaled: whether a bias is added after all else, because what comes before it is scaled without it (DoRA).
    """
    taken: dict[str, dict[str, Tensor]] = {}
    for key in tensors.left():
        if ".original_module." in key:
            tensors.take(key, *[None] * _dimensions(key))
            continue
        path, _, kind = key.replace(".base_layer.", ".").replace(".modules_to_save.", ".").rpartition(".")
        if path not in target.modules or kind not in ("weight", "bias"):
            continue
        taken.setdefault(path, {})[kind] = tensors.take(key, *_shape(path, kind, target))
    for path, own in taken.items():
        linear = target.linears.get(path)
        if linear is not None and "weight" not in own:
            held = target.network.held(path).bias
            shift = own["bias"] if held is None else own["bias"] - held.cpu()
            parts = adapter.sites.setdefault(path, [])
            parts.insert(len(parts) if scaled else 0, Affine("out" if scaled else "beside", shift=shift.contiguous()))
            continue
        if linear is not None and "bias" not in own and (bias := target.network.held(path).bias) is not None:
            own["bias"] = bias.cpu()
        adapter.replaced[path] = own
    if any(path in target.linears or "norm" not in path for path in adapter.replaced):
        whole = sorted(path for path in adapter.replaced)
        adapter.notes.append(f"{len(whole)} modules are the adapter's own, which is slower ({_some(whole)})")


def _dimensions(key: str) -> int:
    return 1 if key.endswith("bias") else 2


def _shape(path: str, kind: str, target: Target) -> tuple[int | None, ...]:
    if path in target.linears:
        linear = target.linears[path]
        return (linear.outputs, linear.inputs) if kind == "weight" else (linear.outputs,)
    hidden = family_of(target.network.config).width(target.network.config)
    if path in (target.network.embedding_path, "transformer.wpe"):
        return (target.network.held(path).out_features, hidden)
    return (hidden,)


def add(adapter: Adapter, path: str, part: Part) -> None:
    """One more part at a site."""
    adapter.sites.setdefault(path, []).append(part)


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
