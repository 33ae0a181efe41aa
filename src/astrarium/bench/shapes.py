"""Model folders of a real size with random weights: what a bench of speed needs of a base that cannot be had freely."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

from astrarium.core.files import atomic_folder, write_json

VOCABULARY = 49_152
SPECIALS = ("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>")
_STD = 0.02
_SHARD_BYTES = 2_000_000_000
_AT_ONCE = 1 << 22  # numbers that are drawn at once
_WIDTHS = {"BF16": 2, "F32": 4}


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a StarCoder."""

    layers: int
    width: int
    heads: int
    context: int = 8192
    vocabulary: int = VOCABULARY


STARCODER_1B = Shape(24, 2048, 16)
STARCODER_7B = Shape(42, 4096, 32)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A tensor to be drawn."""

    name: str
    shape: tuple[int, ...]
    mean: float = 0.0
    std: float = _STD

    def bytes(self, kind: str) -> int:
        """How long it is in a file."""
        return prod(self.shape) * _WIDTHS[kind]


def starcoder(folder: Path, shape: Shape, *, seed: int = 0, shard_bytes: int = _SHARD_BYTES) -> Path:
    """A StarCoder-shaped model folder: configuration, tokenizer, bf16 weights in shards. Written once, then found.

    Args:
        folder: where; made whole or not at all.
        shape: its size.
        seed: of the weights.
        shard_bytes: the most bytes of weights a file, unless one tensor alone has more.
    """
    if (folder / "config.json").is_file():
        return folder
    with atomic_folder(folder) as place:
        write_json(place / "config.json", config_of(shape))
        _write_tokenizer(place, shape.vocabulary)
        shards = list(_shards(_tensors(shape), shard_bytes))
        where: dict[str, str] = {}
        for number, shard in enumerate(shards):
            name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
            write_drawn(place / name, shard, kind="BF16", seed=seed + number)
            where.update(dict.fromkeys((tensor.name for tensor in shard), name))
        total = sum(tensor.bytes("BF16") for shard in shards for tensor in shard)
        write_json(place / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where})
    return folder


def config_of(shape: Shape) -> dict[str, Any]:
    """The `config.json`."""
    return {
        "architectures": ["GPTBigCodeForCausalLM"],
        "model_type": "gpt_bigcode",
        "n_layer": shape.layers,
        "n_embd": shape.width,
        "n_head": shape.heads,
        "n_inner": 4 * shape.width,
        "n_positions": shape.context,
        "vocab_size": shape.vocabulary,
        "multi_query": True,
        "activation_function": "gelu_pytorch_tanh",
        "attention_softmax_in_fp32": True,
        "scale_attn_weights": True,
        "scale_attention_softmax_in_fp32": True,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
        "use_cache": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "dtype": "bfloat16",
    }


def write_drawn(path: Path, tensors: Iterable[Drawn], *, kind: str, seed: int) -> None:
    """Write a safetensors file of seeded normal weights; never more than a part of one tensor is in memory.

    Args:
        path: the file; whoever calls makes it appear whole.
        tensors: what to draw, in the order of the file.
        kind: `BF16` or `F32`.
        seed: of all of them.
    """
    import torch

    tensors = list(tensors)
    generator = torch.Generator().manual_seed(seed)
    with path.open("wb") as file:
        file.write(_header(tensors, kind))
        for tensor in tensors:
            _draw(file, tensor, kind, generator)


def _draw(file: IO[bytes], tensor: Drawn, kind: str, generator: Any) -> None:
    import torch

    left = prod(tensor.shape)
    while left:
        count = min(left, _AT_ONCE)
        values = torch.full((count,), tensor.mean)
        if tensor.std:
            values += torch.randn(count, generator=generator) * tensor.std
        raw = values if kind == "F32" else values.bfloat16().view(torch.int16)
        file.write(raw.numpy().tobytes())
        left -= count


def _header(tensors: Iterable[Drawn], kind: str) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    start = 0
    for tensor in tensors:
        end = start + tensor.bytes(kind)
        entries[tensor.name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)  # the data begins at a multiple of 8, as the format asks
    return struct.pack("<Q", len(text)) + text


def _tensors(shape: Shape) -> Iterator[Drawn]:
    width, inner, head = shape.width, 4 * shape.width, shape.width // shape.heads
    yield Drawn("transformer.wte.weight", (shape.vocabulary, width))
    yield Drawn("transformer.wpe.weight", (shape.context, width))
    for block in range(shape.layers):
        path = f"transformer.h.{block}"
        yield from _norm(f"{path}.ln_1", width)
        yield from _linear(f"{path}.attn.c_attn", width, width + 2 * head)
        yield from _linear(f"{path}.attn.c_proj", width, width)
        yield from _norm(f"{path}.ln_2", width)
        yield from _linear(f"{path}.mlp.c_fc", width, inner)
        yield from _linear(f"{path}.mlp.c_proj", inner, width)
    yield from _norm("transformer.ln_f", width)


def _linear(path: str, inputs: int, outputs: int) -> Iterator[Drawn]:
    yield Drawn(f"{path}.weight", (outputs, inputs))
    yield Drawn(f"{path}.bias", (outputs,))


def _norm(path: str, width: int) -> Iterator[Drawn]:
    yield Drawn(f"{path}.weight", (width,), mean=1.0, std=0.0)
    yield Drawn(f"{path}.bias", (width,), std=0.0)


def _shards(tensors: Iterable[Drawn], most: int) -> Iterator[list[Drawn]]:
    shard: list[Drawn] = []
    size = 0
    for tensor in tensors:
        if shard and size + tensor.bytes("BF16") > most:
            yield shard
            shard, size = [], 0
        shard.append(tensor)
        size += tensor.bytes("BF16")
    yield shard


def _write_tokenizer(folder: Path, vocabulary: int) -> None:
    """A byte-level tokenizer without merges: a token a byte, and names to fill the vocabulary."""
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    fillers = [f"<filler_{number}>" for number in range(vocabulary - len(SPECIALS) - len(letters))]
    entries: Mapping[str, int] = {piece: number for number, piece in enumerate([*SPECIALS, *letters, *fillers])}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": number, "content": piece, **flags} for number, piece in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": entries, "merges": [],
        },
    }  # fmt: skip
    write_json(folder / "tokenizer.json", tokenizer)
    end = SPECIALS[0]
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": end, "bos_token": end, "unk_token": end}
    write_json(folder / "tokenizer_config.json", named)
