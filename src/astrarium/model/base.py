"""A base model in memory, filled tensor by tensor from its source."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from accelerate import init_empty_weights
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.utils import logging as progress

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources import open_base

if TYPE_CHECKING:
    from astrarium.sources import BaseSource, Tensor
    from astrarium.sources.tokenizer import Tokenizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_RAW_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_SHOWN = 4


@dataclass(slots=True)
class Base:
    """A base model with its tokenizer, frozen and in eval mode."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    source: BaseSource
    notes: list[str] = field(default_factory=list)
    """What the user should know of how it was loaded."""

    @property
    def context(self) -> int:
        """The most tokens, prompt and answer together, that the model's positions reach."""
        config = self.model.config
        positions = getattr(config, "max_position_embeddings", None)
        return int(positions if positions is not None else getattr(config, "n_positions", 2048))


def load_base(name: str, *, dtype: str | None = None, device: str = "cpu", revision: str | None = None) -> Base:
    """Load a base model. Besides its weights, memory never holds more than two of its tensors.

    Args:
        name: `default`, a folder, a `.gguf` file, or a hub id.
        dtype: `fp32`, `bf16` or `fp16`; None takes the source's own, and fp32 for the blocks of a GGUF file.
        device: where the weights go.
        revision: a branch, tag or commit of the hub.

    Raises:
        SourceError: the base cannot be found or read, or its tensors are not those of its configuration.
    """
    source = open_base(name, revision=revision)
    wanted = _dtype_of(dtype, source.config)
    model = _empty_model(source.config, wanted, source.name)
    notes: list[str] = []
    if source.path.is_dir() and get_model_conversion_mapping(model, add_legacy=False):
        model = _converted(source, wanted, torch.device(device))
    else:
        notes = _fill(model, source.tensors(), wanted, torch.device(device), source.name)
        model.tie_weights()
        _check_filled(model, source.name)
        _move_buffers(model, torch.device(device))
    # peft writes this into an adapter's configuration as the base it was made for.
    model.name_or_path = model.config._name_or_path = source.lasting_name
    if source.generation_config:
        model.generation_config = GenerationConfig.from_dict(source.generation_config)
    tokenizer = source.tokenizer()  # before its notes are read: it may add one
    return Base(model.requires_grad_(False).eval(), tokenizer, source, [*source.notes, *notes])


def _dtype_of(dtype: str | None, config: dict[str, Any]) -> torch.dtype:
    if dtype is None:
        own = getattr(torch, str(config.get("dtype") or config.get("torch_dtype") or "float32"), torch.float32)
        return own if own in DTYPES.values() else torch.float32
    if dtype not in DTYPES:
        raise SourceError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _empty_model(config: dict[str, Any], dtype: torch.dtype, name: str) -> PreTrainedModel:
    try:
        full = AutoConfig.for_model(**config)
        # Parameters on the meta device take no memory; buffers (rotary frequencies) are made for real.
        with init_empty_weights(include_buffers=False):
            model: PreTrainedModel = AutoModelForCausalLM.from_config(full, dtype=dtype)
    except Exception as error:  # a configuration can hold anything, and each check of it raises its own
        reason = " ".join(str(error).split())[:300]
        raise SourceError(f"{name} is no causal language model that transformers can build: {reason}") from error
    return model


def _converted(source: BaseSource, dtype: torch.dtype, device: torch.device) -> PreTrainedModel:
    """A base whose files name or cut its tensors otherwise than the model does (GPT-NeoX, mixtures of experts).

    transformers, which has the table of that, reads those itself.
    """
    shown = progress.is_progress_bar_enabled()
    progress.disable_progress_bar()
    try:
        model, about = AutoModelForCausalLM.from_pretrained(
            source.path, dtype=dtype, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CorruptFileError(f"{source.name} cannot be read by transformers: {reason}") from error
    finally:
        if shown:
            progress.enable_progress_bar()
    if about["missing_keys"]:
        missing = sorted(about["missing_keys"])
        raise CorruptFileError(
            f"{source.name}: {len(missing)} tensors are missing ({_some(missing)}); the files are incomplete"
        )
    found: PreTrainedModel = model.to(device)
    return found


def _fill(
    model: PreTrainedModel, tensors: Iterable[Tensor], dtype: torch.dtype, device: torch.device, name: str
) -> list[str]:
    """Put each tensor in its place and let go of it before the next is read."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    buffers = dict(model.named_buffers())
    left_over: list[str] = []
    for tensor in tensors:
        path = _path_of(tensor.name, model, parameters)
        if path is None:
            if not _is_buffer(tensor.name, buffers):
                left_over.append(tensor.name)
            continue
        expected = tuple(parameters[path].shape)
        if tuple(tensor.shape) != expected:
            raise CorruptFileError(
                f"{name}: tensor {tensor.name} has shape {list(tensor.shape)}; its configuration says {list(expected)}"
            )
        owner, _, leaf = path.rpartition(".")
        setattr(model.get_submodule(owner), leaf, nn.Parameter(_as_torch(tensor, dtype, device), requires_grad=False))
    if left_over:
        return [f"{name}: {len(left_over)} tensors are not part of the model and were left out ({_some(left_over)})"]
    return []


def _path_of(name: str, model: PreTrainedModel, parameters: dict[str, nn.Parameter]) -> str | None:
    """The parameter a tensor belongs to. Old checkpoints leave out, or put on, the name of the inner model."""
    prefix = model.base_model_prefix + "."
    for candidate in (name, prefix + name, name.removeprefix(prefix)):
        if candidate in parameters:
            return candidate
    return None


def _is_buffer(name: str, buffers: dict[str, torch.Tensor]) -> bool:
    """Whether a tensor is a constant that the model computes itself: causal masks, rotary frequencies."""
    return name in buffers or name.endswith((".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq"))


def _as_torch(tensor: Tensor, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    raw = _RAW_DTYPES.get(tensor.kind)
    if raw is None or tensor.transposed:
        return torch.from_numpy(tensor.values()).to(device=device, dtype=dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")  # it is copied from, only
        view = torch.frombuffer(tensor.data, dtype=raw).reshape(tensor.shape)
    return view.to(device=device, dtype=dtype, copy=True)


def _check_filled(model: PreTrainedModel, name: str) -> None:
    empty = [path for path, parameter in model.named_parameters() if parameter.device.type == "meta"]
    if empty:
        raise CorruptFileError(f"{name}: {len(empty)} tensors are missing ({_some(empty)}); the files are incomplete")


def _move_buffers(model: nn.Module, device: torch.device) -> None:
    for module in model.modules():
        for key, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[key] = buffer.to(device)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
