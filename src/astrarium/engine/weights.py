"""A base's tensors, held in a weight format: read one by one, each let go of before the next."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from astrarium.core.digests import digest_bytes
from astrarium.core.errors import CorruptFileError, EngineError, SourceError
from astrarium.engine.formats.gguf import held_as_is, panels_of
from astrarium.engine.formats.layers import HeldLinear, PlainLinear, QuantisedLinear
from astrarium.engine.formats.panels import GROUP
from astrarium.engine.formats.rounding import checked, int4, int8
from astrarium.families import family_of
from astrarium.sources import Tensor as Stored

FORMATS = ("fp32", "bf16", "int8", "int4", "gguf")
"""Weight formats; `gguf` keeps the blocks of a GGUF file as they are."""

POSITIONS = "transformer.wpe"
"""Module path of learned positions, which are never rounded."""

_RAW = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_SHOWN = 4


Later = Callable[[str, int, int, Callable[[], Tensor]], HeldLinear]


@dataclass(slots=True)
class Weights:
    """What a network is built from."""

    held: str
    """The weight format."""
    linears: dict[str, HeldLinear] = field(default_factory=dict)
    vectors: dict[str, Tensor] = field(default_factory=dict)
    """fp32."""
    notes: list[str] = field(default_factory=list)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def moved(self, device: torch.device) -> Weights:
        """The same on a device; layers that are held twice are moved once."""
        if device == self.device:
            return self
        once = {id(layer): layer.moved(device) for layer in self.linears.values()}
        linears = {path: once[id(layer)] for path, layer in self.linears.items()}
        vectors = {name: vector.to(device) for name, vector in self.vectors.items()}
        return Weights(self.held, linears, vectors, self.notes, device)

    def linear(self, path: str) -> HeldLinear:
        """A linear or an embedding by its module path."""
        return self.linears[path]

    def vector(self, name: str) -> Tensor:
        """A norm's weight or bias."""
        return self.vectors[name]

    @property
    def nbytes(self) -> int:
        """Bytes of all; a tied output head counts once."""
        held = {id(layer): layer for layer in self.linears.values()}
        biases = sum(layer.bias.nbytes for layer in held.values() if layer.bias is not None)
        return sum(layer.nbytes for layer in held.values()) + biases + sum(v.nbytes for v in self.vectors.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """Which tensors a configuration asks for."""

    shapes: Mapping[str, tuple[int, int]]
    """Module path of every linear and embedding → shape of its weight."""
    biases: Mapping[str, int]
    """Module path of the linears that have a bias → its length."""
    vectors: Mapping[str, int]
    """Name of every norm's tensor → its length."""
    embedding: str
    tied: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Plan:
        """From a configuration."""
        family = family_of(config)
        linears, hidden = family.linears(config), family.width(config)
        shapes = {linear.path: (linear.outputs, linear.inputs) for linear in linears}
        biases = {linear.path: linear.outputs for linear in linears if linear.bias}
        gpt = family.model_type == "gpt_bigcode"
        embedding = "transformer.wte" if gpt else "model.embed_tokens"
        tied = family.ties_head(config)
        shapes[embedding] = (linears[-1].outputs, hidden)
        if tied:
            del shapes["lm_head"]
        names: list[str] = []
        for layer in range(family.layers(config)):
            first = (f"transformer.h.{layer}.ln_1", f"transformer.h.{layer}.ln_2")
            other = (f"model.layers.{layer}.input_layernorm", f"model.layers.{layer}.post_attention_layernorm")
            names += first if gpt else other
        names.append("transformer.ln_f" if gpt else "model.norm")
        kinds = ("weight", "bias") if family.model_type in ("gpt_bigcode", "starcoder2") else ("weight",)
        if gpt:
            shapes[POSITIONS] = (family.context(config), hidden)
        return cls(shapes, biases, {f"{n}.{kind}": hidden for n in names for kind in kinds}, embedding, tied)


def hold(
    config: Mapping[str, Any],
    tensors: Iterable[Stored],
    weight_format: str,
    name: str,
    keep: Callable[[str, HeldLinear], HeldLinear] = lambda path, layer: layer,
    later: Later | None = None,
) -> Weights:
    """Hold a base's weights.

    Args:
        config: content of its `config.json`.
        tensors: its tensors, one by one.
        weight_format: one of `FORMATS`.
        name: the base's, for messages.
        keep: takes each layer as it is made, and gives the one to hold: what was written to disk, and mapped.
        later: makes the layers that are not rounded to int4 at once, from path, outputs, inputs, and what reads them.

    Raises:
        CorruptFileError: a tensor is missing or has another shape than the configuration says.
        EngineError: a weight is not finite, or the format is not known.
    """
    if weight_format not in FORMATS:
        raise EngineError(f"weight format {weight_format!r} is not known; expected one of {', '.join(FORMATS)}")
    plan = Plan.of(config)
    weights = Weights(weight_format)
    biases: dict[str, Tensor] = {}
    left_over: list[str] = []
    dequantised: dict[str, int] = {}
    head = table = None  # what a tied head's own tensor holds, where the file has one, and the table's
    for tensor in tensors:
        path = _own(tensor.name, plan)
        module, _, kind = path.rpartition(".")
        try:
            if kind == "weight" and module in plan.shapes:
                _check_shape(name, tensor, plan.shapes[module])
                if plan.tied and module == plan.embedding:
                    table = digest_bytes(tensor.data)
                if later is not None and _is_int4(tensor, module, weight_format, plan):
                    weights.linears[module] = later(module, *plan.shapes[module], partial(_plain_view, tensor))
                else:
                    weights.linears[module] = keep(module, _layer(tensor, module, weight_format, plan, dequantised))
            elif kind == "bias" and module in plan.biases:
                _check_shape(name, tensor, (plan.biases[module],))
                biases[module] = checked(_plain(tensor))
            elif path in plan.vectors:
                _check_shape(name, tensor, (plan.vectors[path],))
                weights.vectors[path] = checked(_plain(tensor))
            elif plan.tied and path == "lm_head.weight":
                head = digest_bytes(tensor.data)
            elif not _is_constant(path):
                left_over.append(tensor.name)
        except EngineError as error:
            raise EngineError(f"{name}: tensor {tensor.name}: {error}") from error
        except SourceError as error:
            raise error if isinstance(error, CorruptFileError) else SourceError(f"{name}: {error}") from error
    missing = [f"{path}.weight" for path in plan.shapes if path not in weights.linears]
    missing += [f"{path}.bias" for path in plan.biases if path not in biases]
    missing += [path for path in plan.vectors if path not in weights.vectors]
    if missing:
        raise CorruptFileError(
            f"{name}: {len(missing)} tensors are missing ({_some(missing)}); the files are incomplete"
        )
    for path, bias in biases.items():
        weights.linears[path].bias = nn.Parameter(bias, requires_grad=False)
    if head not in (None, table):
        raise CorruptFileError(
            f"{name}: lm_head.weight is not {plan.embedding}.weight, which its configuration ties it to; where it is "
            "meant as a head of its own, set tie_word_embeddings to false there"
        )
    if plan.tied:
        weights.linears["lm_head"] = weights.linears[plan.embedding]
    if left_over:
        weights.notes.append(
            f"{name}: {len(left_over)} tensors are not part of the model and were left out ({_some(left_over)})"
        )
    for kind, count in dequantised.items():
        weights.notes.append(
            f"{name}: {count} tensors in {kind} are dequantised to bf16: no kernel takes them as they are"
        )
    return weights


def _own(name: str, plan: Plan) -> str:
    """The tensor's name with the name of the inner model, which old checkpoints leave out or put on the head."""
    inner = plan.embedding.partition(".")[0] + "."
    if name.startswith((inner, "lm_head.")):
        return name
    return inner + name


def _layer(tensor: Stored, path: str, weight_format: str, plan: Plan, dequantised: dict[str, int]) -> HeldLinear:
    if path == POSITIONS:
        return PlainLinear(_as(tensor, torch.float32 if weight_format == "fp32" else torch.bfloat16))
    if weight_format == "gguf":
        if held_as_is(tensor):
            panels = panels_of(tensor)
            for scales in (panels.scales, panels.minima, panels.super_scales, panels.super_minima):
                if scales is not None and scales.is_floating_point():
                    checked(scales.float())
            return QuantisedLinear(panels)
        if tensor.kind not in _RAW:
            dequantised[tensor.kind] = dequantised.get(tensor.kind, 0) + 1
        return PlainLinear(_as(tensor, torch.float32 if tensor.kind == "F32" else torch.bfloat16))
    if weight_format in ("int8", "int4") and tensor.shape[1] % GROUP == 0:
        weight = _plain_view(tensor)
        four = _is_int4(tensor, path, weight_format, plan)
        return QuantisedLinear(int4(weight) if four else int8(weight))
    return PlainLinear(_as(tensor, torch.float32 if weight_format == "fp32" else torch.bfloat16))


def _is_int4(tensor: Stored, path: str, weight_format: str, plan: Plan) -> bool:
    """Whether a weight is rounded to four bits: those of the blocks, not the output head or an embedding."""
    whole = path in ("lm_head", plan.embedding, POSITIONS) or tensor.shape[1] % GROUP
    return weight_format == "int4" and not whole


def _plain_view(tensor: Stored) -> Tensor:
    """The values in the dtype they are stored in, without a copy where that can be."""
    raw = _RAW.get(tensor.kind)
    if raw is None or tensor.transposed:
        return torch.from_numpy(tensor.values())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")  # it is copied from, only
        return torch.frombuffer(tensor.data, dtype=raw).reshape(tensor.shape)


def _plain(tensor: Stored) -> Tensor:
    return _plain_view(tensor).to(torch.float32, copy=True)


def _as(tensor: Stored, dtype: torch.dtype) -> Tensor:
    view = _plain_view(tensor)
    held = torch.empty(view.shape, dtype=dtype)
    rows = max(1, (1 << 22) // max(1, view.shape[1]))
    for at in range(0, len(view), rows):  # in parts, so that no second copy of a large tensor is needed
        held[at : at + rows] = checked(view[at : at + rows].float())
    return held


def _check_shape(name: str, tensor: Stored, expected: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != expected:
        raise CorruptFileError(
            f"{name}: tensor {tensor.name} has shape {list(tensor.shape)}; its configuration says {list(expected)}"
        )


def _is_constant(name: str) -> bool:
    return name.endswith((".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq"))


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
