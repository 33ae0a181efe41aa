"""What an adapter's folder says of it: method, tensors with their shapes, parameters, bytes. No tensor is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from astrarium.core.errors import ReportError
from astrarium.sources import AdapterSource, open_adapter
from astrarium.sources.safetensors import read_entries

_BLOCK = re.compile(r"\.\d+\.")


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors that differ only in the number of their block."""

    pattern: str
    """The name, with `*` for the number."""
    shape: tuple[int, ...]
    kind: str
    """As safetensors names it, such as `F32`."""
    tensors: int

    @property
    def parameters(self) -> int:
        """Of all of them."""
        return self.tensors * prod(self.shape)


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """An adapter, as its files describe it."""

    source: AdapterSource
    method: str
    """One of the seven, or peft's name in small letters."""
    groups: tuple[TensorGroup, ...]
    """Empty where the weights are a `.bin`, which is not opened."""
    bytes: int
    """Of the file of weights."""

    @property
    def config(self) -> Mapping[str, Any]:
        """The content of `adapter_config.json`."""
        return self.source.config

    @property
    def parameters(self) -> int:
        """Numbers in the file of weights."""
        return sum(group.parameters for group in self.groups)

    @property
    def base(self) -> str:
        """The base it was made for, by its own word."""
        return str(self.config.get("base_model_name_or_path") or self.source.metadata.get("base") or "")


def adapter_facts(name: str | Path) -> AdapterFacts:
    """Read an adapter's configuration and the header of its weights.

    Args:
        name: a folder, a run's folder, or a hub id.

    Raises:
        SourceError: it cannot be found or read.
        ReportError: its weights hold no tensor.
    """
    source = open_adapter(str(name))
    groups: tuple[TensorGroup, ...] = ()
    if source.weights.suffix == ".safetensors":
        counted = Counter(
            (_BLOCK.sub(".*.", entry.name), entry.shape, entry.kind) for entry in read_entries(source.weights)
        )
        groups = tuple(TensorGroup(*key, number) for key, number in sorted(counted.items()))
        if not groups:
            raise ReportError(f"{source.weights} holds no tensor; there is nothing to report on")
    return AdapterFacts(source, method_of(source.config), groups, source.weights.stat().st_size)


def method_of(config: Mapping[str, Any]) -> str:
    """The method of an `adapter_config.json`, by the vocabulary of the seven."""
    kind = str(config["peft_type"])
    if kind != "BOTTLENECK":
        return {"P_TUNING": "ptuning"}.get(kind, kind.lower())
    if config.get("use_parallel_adapter"):
        return "parallel"
    return "adapterp" if config.get("use_adapterp") else "adapterh"
