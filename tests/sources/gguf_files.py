"""Small GGUF files, written with the `gguf` package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

Q = gguf.GGMLQuantizationType


def write_gguf(path: Path, arch: str, keys: dict[str, Any], tensors: dict[str, tuple[np.ndarray, Any]]) -> Path:
    """Write a file.

    Args:
        path: where.
        arch: architecture; keys without a dot before are put under it.
        keys: metadata.
        tensors: name → (fp32 values, block type).
    """
    writer = gguf.GGUFWriter(path, arch)
    for key, value in keys.items():
        name = key if key.startswith(("tokenizer.", "general.")) else f"{arch}.{key}"
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        elif isinstance(value, str):
            writer.add_string(name, value)
        else:
            writer.add_array(name, value)
    for name, (values, kind) in tensors.items():
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def byte_vocabulary() -> dict[str, Any]:
    """A byte-level vocabulary of 256 bytes, one merge and two special tokens, as metadata."""
    from tokenizers import pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = ["<|endoftext|>", "<user>", *alphabet, "ab"]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, 4, *[1] * 257],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 0,
    }


def llama_keys(**changes: Any) -> dict[str, Any]:
    """Metadata of a llama of two blocks, width 64, four heads and two key heads."""
    return {
        "context_length": 64,
        "block_count": 2,
        "feed_forward_length": 96,
        "embedding_length": 64,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.dimension_count": 16,
        "rope.freq_base": 10000.0,
        "vocab_size": 259,
        **byte_vocabulary(),
        **changes,
    }


def llama_tensors(kind: Any = Q.Q8_0, *, seed: int = 0) -> dict[str, tuple[np.ndarray, Any]]:
    """Random tensors for `llama_keys`."""
    random = np.random.default_rng(seed)

    def made(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, dtype=np.float32)

    tensors = {"token_embd.weight": (made(259, 64), kind), "output_norm.weight": (made(64), Q.F32)}
    for block in range(2):
        shapes = {
            "attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64),
            "ffn_gate": (96, 64), "ffn_up": (96, 64), "ffn_down": (64, 96),
        }  # fmt: skip
        for name, shape in shapes.items():
            tensors[f"blk.{block}.{name}.weight"] = (made(*shape), kind)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{block}.{name}.weight"] = (made(64), Q.F32)
    return tensors
