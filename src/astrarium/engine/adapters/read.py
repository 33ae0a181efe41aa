"""From an adapter's files to what it does, by its method. Neither peft nor transformers is needed."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from astrarium.core.errors import AdapterError, CorruptFileError
from astrarium.engine.adapters import bottleneck, ia3, lora, prompts
from astrarium.engine.adapters.packed import packed
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.adapters.target import Target, Tensors, take_replaced
from astrarium.sources.adapter import AdapterSource
from astrarium.sources.safetensors import read_tensors

_Reader = Callable[[Mapping[str, Any], Tensors, Target, Adapter], None]

READERS: Mapping[str, _Reader] = {
    "LORA": lora.read,
    "IA3": ia3.read,
    "BOTTLENECK": bottleneck.read,
    "P_TUNING": prompts.read,
    "PROMPT_TUNING": prompts.read,
    "PREFIX_TUNING": prompts.read_prefix,
}
_KINDS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class NotComputedError(AdapterError):
    """An adapter that the engine does not compute beside the base; it may be merged into a copy instead."""


def read_adapter(source: AdapterSource, target: Target) -> Adapter:
    """Read an adapter.

    Args:
        source: its files.
        target: the base.

    Raises:
        NotComputedError: its method, or an option of it, is not computed here.
        AdapterError: it does not fit the base.
        CorruptFileError: a file that cannot be read.
    """
    kind = str(source.config["peft_type"]).upper()
    if kind not in READERS:
        raise NotComputedError(f"the engine does not compute {kind} itself")
    tensors = Tensors(_tensors_of(source))
    if kind == "LORA" and (strange := lora.why_not(source.config, tensors)):
        raise NotComputedError(f"the engine does not compute this LoRA itself ({strange})")
    adapter = Adapter(source.name)
    try:
        READERS[kind](source.config, tensors, target, adapter)
        take_replaced(adapter, tensors, target, scaled=bool(source.config.get("use_dora")))
        tensors.finish()
    except NotComputedError:
        raise
    except Exception as error:  # a configuration can hold anything
        made_for = source.config.get("base_model_name_or_path") or "an unnamed base"
        reason = f"its configuration has no {error}" if isinstance(error, KeyError) else str(error)
        if not isinstance(error, AdapterError | KeyError):
            reason = f"its configuration cannot be used: {' '.join(reason.split())[:200]}"
        raise AdapterError(
            f"adapter {source.name}, made for {made_for}, does not fit base {target.name}: {reason}"
        ) from error
    return packed(adapter.moved(target.network.device))


def _tensors_of(source: AdapterSource) -> dict[str, Tensor]:
    if source.weights.suffix == ".safetensors":
        found = {}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given buffer is not writable")  # it is copied from, only
            for stored in read_tensors(source.weights):
                if stored.kind not in _KINDS:
                    raise CorruptFileError(f"{source.weights}: tensor {stored.name} is {stored.kind}; expected floats")
                if not stored.data:
                    found[stored.name] = torch.zeros(stored.shape, dtype=torch.float32, device="cpu")
                    continue
                found[stored.name] = torch.frombuffer(stored.data, dtype=_KINDS[stored.kind]).reshape(stored.shape)
        return found
    try:
        state = torch.load(source.weights, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CorruptFileError(
            f"{source.weights} holds more than weights; code in a file is never run, use safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CorruptFileError(f"{source.weights} cannot be read as weights alone: {reason}") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CorruptFileError(f"{source.weights} holds no table of tensors by name")
    return state
