"""Tiny random base models, one a family, for tests. `deterministic(...)` gives the same weights each time."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

VOCABULARY = 128

_LLAMA_LIKE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
_GPT_LIKE = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt_bigcode": {**_GPT_LIKE, "multi_query": True},
    "llama": _LLAMA_LIKE,
    "starcoder2": _LLAMA_LIKE,
    "gpt2": _GPT_LIKE,
    "mistral": {**_LLAMA_LIKE, "sliding_window": None},
    "qwen2": _LLAMA_LIKE,
}
MLP_SITES = {
    "gpt_bigcode": ["c_fc", "mlp.c_proj"],
    "llama": ["gate_proj", "up_proj", "down_proj"],
    "starcoder2": ["c_fc", "mlp.c_proj"],
    "gpt2": ["c_fc", "mlp.c_proj"],
    "mistral": ["gate_proj", "up_proj", "down_proj"],
    "qwen2": ["gate_proj", "up_proj", "down_proj"],
}
ATTENTION_SITES = {
    family: ["c_attn"] if family in ("gpt_bigcode", "gpt2") else ["q_proj", "v_proj"] for family in CONFIGS
}


def base_of(family: str, *, seed: int = 0, dtype: torch.dtype = torch.float32, **changes: Any) -> PreTrainedModel:
    """A tiny random causal model of the family, in eval mode, with every parameter (biases too) away from zero."""
    config = AutoConfig.for_model(
        family,
        vocab_size=VOCABULARY,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        **{**CONFIGS[family], **changes},
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.to(dtype).eval()


def randomise(model: torch.nn.Module, *, seed: int = 1, std: float = 0.3) -> None:
    """Give every adapter tensor of a peft model a random value, as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "adapter_" in name or ".modules_to_save." in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator).to(parameter.dtype) * std)


def ids(rows: int = 2, length: int = 7, *, seed: int = 3) -> torch.Tensor:
    """Random token ids `[rows, length]`, never the pad."""
    return torch.randint(1, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))
