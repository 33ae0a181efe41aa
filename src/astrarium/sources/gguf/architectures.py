"""From a GGUF file's names and metadata to those of transformers, an architecture at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources.gguf.header import Header


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one architecture of GGUF files is called in transformers."""

    model_type: str
    config: Mapping[str, str]
    """Metadata key, without the architecture's name → configuration key."""
    names: Mapping[str, str]
    """Part of a tensor's name → part of a parameter's."""
    block: str
    """Where the blocks are, such as `model.layers`."""
    rotated_pairs: bool = False
    """Whether rows of q and k are stored in pairs, as llama.cpp's rotary wants them."""
    transposed: tuple[str, ...] = ()
    """Weights that transformers keeps the other way round (`Conv1D`)."""


_LLAMA_CONFIG = {
    "context_length": "max_position_embeddings",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "embedding_length": "hidden_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
}
_GPT_CONFIG = {
    "context_length": "n_positions",
    "block_count": "n_layer",
    "feed_forward_length": "n_inner",
    "embedding_length": "n_embd",
    "attention.head_count": "n_head",
    "attention.layer_norm_epsilon": "layer_norm_epsilon",
}
_LLAMA_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GPT_NAMES = {
    "token_embd": "transformer.wte",
    "position_embd": "transformer.wpe",
    "output_norm": "transformer.ln_f",
    "output": "lm_head",
    "attn_norm": "ln_1",
    "ffn_norm": "ln_2",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
}
_RMS = {"attention.layer_norm_rms_epsilon": "rms_norm_eps"}
_LAYERS = "model.layers"

ARCHITECTURES: Mapping[str, Architecture] = {
    "llama": Architecture(
        "llama",
        {**_LLAMA_CONFIG, **_RMS, "rope.dimension_count": "head_dim"},
        _LLAMA_NAMES,
        _LAYERS,
        rotated_pairs=True,
    ),
    "qwen2": Architecture("qwen2", {**_LLAMA_CONFIG, **_RMS}, _LLAMA_NAMES, _LAYERS),
    "starcoder2": Architecture(
        "starcoder2",
        {**_LLAMA_CONFIG, "attention.layer_norm_epsilon": "norm_epsilon"},
        {**_LLAMA_NAMES, "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
        _LAYERS,
    ),
    "gpt2": Architecture(
        "gpt2",
        _GPT_CONFIG,
        _GPT_NAMES,
        "transformer.h",
        transposed=("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"),
    ),
    "starcoder": Architecture("gpt_bigcode", _GPT_CONFIG, _GPT_NAMES, "transformer.h"),
}


def architecture_of(header: Header) -> tuple[str, Architecture]:
    """The architecture of a file, by its name in the file.

    Raises:
        SourceError: not known here.
    """
    name = str(header.metadata.get("general.architecture"))
    if name not in ARCHITECTURES:
        raise SourceError(f"{header.path} is of architecture {name[:80]!r}; known are {', '.join(ARCHITECTURES)}")
    return name, ARCHITECTURES[name]


def config_of(header: Header) -> dict[str, Any]:
    """The content of a `config.json` for the file.

    Raises:
        SourceError: an architecture or a scaling of the positions that is not known.
        CorruptFileError: a number that every model has is missing.
    """
    name, architecture = architecture_of(header)
    metadata = header.metadata
    tensors = {info.name: info for info in header.tensors}
    _check_positions(header, name, tensors)
    if "token_embd.weight" not in tensors:
        raise CorruptFileError(f"{header.path} has no tensor token_embd.weight; it is no whole model")
    config: dict[str, Any] = {"model_type": architecture.model_type}
    for key, target in architecture.config.items():
        full = f"{name}.{key}"
        if full in metadata or key in ("block_count", "embedding_length", "attention.head_count", "context_length"):
            config[target] = header.number(full) if key.endswith("epsilon") else header.count(full)
    if f"{name}.rope.freq_base" in metadata:
        theta = header.number(f"{name}.rope.freq_base")
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": theta}
    _check_computed(header, name, config)
    if len(tensors["token_embd.weight"].shape) != 2:
        shape = list(tensors["token_embd.weight"].shape)
        raise CorruptFileError(f"{header.path}: tensor token_embd.weight has shape {shape}; expected two dimensions")
    config["vocab_size"] = tensors["token_embd.weight"].shape[0]
    config["tie_word_embeddings"] = "output.weight" not in tensors
    config |= _biases(architecture, tensors)
    if architecture.model_type == "gpt_bigcode":
        config["multi_query"] = metadata.get(f"{name}.attention.head_count_kv", 1) == 1
    for token in ("bos", "eos", "padding"):
        number = metadata.get(f"tokenizer.ggml.{token}_token_id")
        config[f"{'pad' if token == 'padding' else token}_token_id"] = number
    return config


def parameter_name(tensor: str, architecture: Architecture) -> str | None:
    """transformers' name of a tensor, or None where it has none: `blk.3.attn_q.weight` → `model.layers.3.…`."""
    parts = tensor.split(".")
    if parts[0] == "blk" and len(parts) == 4 and parts[2] in architecture.names:
        return f"{architecture.block}.{parts[1]}.{architecture.names[parts[2]]}.{parts[3]}"
    if len(parts) == 2 and parts[0] in architecture.names:
        return f"{architecture.names[parts[0]]}.{parts[1]}"
    return None


def _biases(architecture: Architecture, tensors: Mapping[str, Any]) -> dict[str, bool]:
    if architecture.model_type == "llama":
        return {
            "attention_bias": "blk.0.attn_q.bias" in tensors,
            "mlp_bias": "blk.0.ffn_up.bias" in tensors,
        }
    return {"use_bias": "blk.0.attn_q.bias" in tensors} if architecture.model_type == "starcoder2" else {}


_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "attention.scale": (0,),
    "attention.causal": (True,),
    "attention.clamp_kqv": (0,),
    "attention.max_alibi_bias": (0,),
    "attn_logit_softcapping": (0,),
    "final_logit_softcapping": (0,),
    "expert_count": (0,),
    "logit_scale": (0, 1),
    "residual_scale": (0, 1),
    "embedding_scale": (0, 1),
    "rope.scaling.attn_factor": (0, 1),
    "use_parallel_residual": (False,),
}
"""Keys that change what a model computes, and the values that change nothing."""
_SIZES = (("num_attention_heads", "n_head"), ("hidden_size", "n_embd"))


def _check_computed(header: Header, name: str, config: Mapping[str, Any]) -> None:
    """Nothing that the architectures here do not compute may be asked for."""
    heads, width = (int(config.get(key) or config[other]) for key, other in _SIZES)
    head = config.get("head_dim", width // heads)
    neutral = {**_NEUTRAL, "attention.key_length": (head,), "attention.value_length": (head,)}
    for key, values in neutral.items():
        value = header.metadata.get(f"{name}.{key}")
        if value is not None and value not in values:
            raise SourceError(
                f"{header.path}: {name}.{key} is {str(value)[:40]}, which is not computed here; expected {values[-1]}"
            )


def _check_positions(header: Header, name: str, tensors: Mapping[str, Any]) -> None:
    scaling = header.metadata.get(f"{name}.rope.scaling.type", "none")
    # A factor alone, under its new or its old key, is linear scaling; 0 and 1 change nothing.
    factor = header.metadata.get(f"{name}.rope.scaling.factor", header.metadata.get(f"{name}.rope.scale_linear", 0))
    if scaling != "none" or factor not in (0, 1) or "rope_freqs.weight" in tensors:
        what = (
            "rope_freqs.weight" if "rope_freqs.weight" in tensors else scaling if scaling != "none" else f"× {factor}"
        )
        raise SourceError(
            f"{header.path} scales its rotary positions ({what}), which is not known; name a folder of it"
        )
