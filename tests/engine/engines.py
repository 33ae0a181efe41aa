"""Engines over folders and adapters on disk, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from astrarium.engine.adapters.read import read_adapter
from astrarium.engine.adapters.target import Target
from astrarium.engine.engine import Engine
from astrarium.engine.networks import build
from astrarium.engine.weights import hold
from astrarium.sources import open_adapter, open_base


def engine_of(folder: Path | str, weight_format: str = "fp32", **options: Any) -> Engine:
    """An engine over a base, by default exact and with a small cache."""
    source = open_base(str(folder))
    weights = hold(source.config, source.tensors(), weight_format, source.name)
    return Engine(build(source.config, weights), weights, **{"cache_tokens": 4096, **options})


def wear(engine: Engine, name: str, folder: Path | str, dtype: torch.dtype = torch.float32) -> None:
    """Add an adapter from a folder."""
    engine.add_adapter(name, lambda: read_adapter(open_adapter(str(folder)), Target(engine.network, "base", dtype)))


def run(engine: Engine) -> None:
    """Step until nothing is left to do."""
    while engine.busy:
        engine.step()
