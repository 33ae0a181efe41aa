"""The compiled kernels, where this machine has them; torch's own do the work where it has not."""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from types import ModuleType

import torch  # before the kernels: both then share one pool of threads

from astrarium.core.errors import EngineError

SETS = ("amx", "avx512bf16", "avx512", "avxvnni", "avx2", "torch")
VARIABLE = "ASTRARIUM_CPU"
_current: list[ModuleType | None] = []


@functools.cache
def _built() -> tuple[ModuleType | None, str]:
    try:
        module = importlib.import_module("astrarium.engine.native._kernels")
    except ImportError as error:
        return None, f"the compiled kernels are not there ({error}); torch's are slower"
    if not module.supported():
        return None, "this processor has no AVX2; torch's kernels are slower"
    return module, ""


def _alone() -> None:
    """After a fork: OpenMP's threads are not in the new process, and who waits for them waits for ever."""
    torch.set_num_threads(1)
    _forked[:] = [True]


_forked: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


def kernels() -> ModuleType | None:
    """The compiled kernels, set to the best instruction set of this processor, or to the one `ASTRARIUM_CPU` names.

    Raises:
        EngineError: `ASTRARIUM_CPU` names no instruction set, or one that this processor has not.
    """
    if _forked:
        _forked.clear()
        warnings.warn(
            "this process was forked from one that had loaded the engine: it computes in one thread", stacklevel=2
        )
    module = _chosen()
    _current[:] = [module]
    return module


def _chosen() -> ModuleType | None:
    wanted = os.environ.get(VARIABLE, "")
    if wanted and wanted not in SETS:
        raise EngineError(f"{VARIABLE} is {wanted!r}; expected one of {', '.join(SETS)}")
    module, reason = _built()
    if wanted == "torch":
        return None
    if module is None:
        if wanted:
            raise EngineError(f"{VARIABLE} is {wanted!r}, and {reason}")
        return None
    supported: list[str] = module.supported()
    if wanted and wanted not in supported:
        raise EngineError(f"{VARIABLE} is {wanted!r}; this processor has {', '.join(supported)}")
    best = wanted or supported[0]
    if module.active() != best:
        module.use(best)
    module.set_threads(torch.get_num_threads())
    return module


def current() -> ModuleType | None:
    """What `kernels` last gave, without asking again: a forward pass asks once, and its hundreds of parts ask this."""
    return _current[0] if _current else kernels()


def why_not() -> str:
    """Why the compiled kernels are not in use, in one line; empty where they are."""
    if os.environ.get(VARIABLE) == "torch":
        return f"{VARIABLE}=torch: torch's kernels do the work, which is slower"
    return _built()[1]
