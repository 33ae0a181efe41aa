"""What is counted as saved is what the adapter's file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from peft import get_peft_model
from safetensors import safe_open
from transformers import AutoConfig

from astrarium.core.errors import MethodError
from astrarium.methods import METHODS, Count, count_parameters, recipe
from tests.methods.tiny import CONFIGS, VOCABULARY, base_of

# Shapes in which inputs and outputs differ everywhere, and biases that must not be counted to the adapter.
ODD = {
    "gpt_bigcode": {"multi_query": False, "n_inner": 56},
    "gpt2": {"n_inner": 56},
    "llama": {"head_dim": 12, "attention_bias": True, "mlp_bias": True, "num_key_value_heads": 1},
    "mistral": {"head_dim": 12},
    "starcoder2": {"use_bias": False, "num_key_value_heads": 1},
    "qwen2": {"tie_word_embeddings": True},
}


def counted(family: str, method: str) -> Count:
    config = AutoConfig.for_model(family, vocab_size=VOCABULARY, **{**CONFIGS[family], **ODD[family]}).to_dict()
    return next(count for count in count_parameters(config) if count.method == method)


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("method", [method for method in METHODS if method != "fft"])
def test_the_file_holds_what_is_counted(family: str, method: str, tmp_path: Path) -> None:
    base = base_of(family, **ODD[family])
    size = sum(parameter.numel() for parameter in base.parameters())
    model = get_peft_model(base, recipe(method).peft_config(base.config.to_dict()))
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    model.save_pretrained(tmp_path, save_embedding_layers=False)
    with safe_open(tmp_path / "adapter_model.safetensors", framework="pt") as file:
        saved = sum(file.get_tensor(key).numel() for key in file.keys())  # noqa: SIM118 - no mapping
    assert counted(family, method) == Count(method, trained, saved, size)


def test_share_is_of_base_and_adapter_together() -> None:
    assert Count("lora", 25, 25, 75).share == 25
    assert Count("fft", 75, 75, 75).share == 100
    assert Count("lora", 25, 20, 75).to_dict() == {
        "method": "lora",
        "trained": 25,
        "saved": 20,
        "share_percent": 25.0,
    }


def test_an_unknown_family_cannot_be_counted() -> None:
    with pytest.raises(MethodError, match="family 'opt' is not known; known are gpt_bigcode"):
        count_parameters({"model_type": "opt"})
