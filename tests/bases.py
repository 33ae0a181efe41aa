"""Tiny bases and adapters on disk, as a user would have them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from astrarium.methods import recipe
from tests.vocabularies import small_tokenizer

TINY_BIGCODE = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "multi_query": True}


def save_base(folder: Path, family: str = "gpt_bigcode", *, seed: int = 0, **changes: Any) -> Path:
    """A tiny random base with a tokenizer, in a folder."""
    tokenizer = small_tokenizer()
    shape = TINY_BIGCODE if family == "gpt_bigcode" else {}
    config = AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        **{**shape, **changes},
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_adapter(folder: Path, base: Path, method: str = "parallel", *, seed: int = 1, std: float = 0.5) -> Path:
    """A random adapter of the method for a base, in a folder."""
    config = recipe(method).replace(**_small(method)).peft_config(AutoConfig.from_pretrained(base).to_dict())
    config.base_model_name_or_path = str(base)
    return save_peft(folder, base, config, seed=seed, std=std)


def save_peft(folder: Path, base: Path, config: PeftConfig, *, seed: int = 0, std: float = 0.1) -> Path:
    """A random adapter of any configuration of peft's, in a folder."""
    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Model has `tie_word_embeddings=True`")
        adapted = get_peft_model(model, config)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * std)
    adapted.save_pretrained(folder, save_embedding_layers=False)
    return folder


def _small(method: str) -> dict[str, Any]:
    if method in ("adapterh", "adapterp", "parallel"):
        return {"options": {"bottleneck_size": 8}}
    return {"options": {"num_virtual_tokens": 5}} if method == "ptuning" else {}
