"""What a family says from the configuration alone is what transformers builds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from astrarium.core.errors import MethodError, SourceError
from astrarium.families import family_of, known, site_kinds

GPT = {"gpt2", "gpt_bigcode"}


def built(config: dict[str, Any]) -> nn.Module:
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))


def linears_of(model: nn.Module) -> dict[str, tuple[int, int, bool]]:
    found = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear):
            found[path] = (module.in_features, module.out_features, module.bias is not None)
        elif isinstance(module, Conv1D):
            found[path] = (*module.weight.shape, True)
    return found


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    model_type = draw(st.sampled_from(known()))
    heads = draw(st.sampled_from([1, 2, 4]))
    hidden = heads * draw(st.sampled_from([8, 16]))
    layers = draw(st.integers(1, 3))
    shared = {
        "model_type": model_type,
        "vocab_size": draw(st.integers(40, 90)),
        "tie_word_embeddings": draw(st.booleans()),
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 0,
    }
    if model_type in GPT:
        config = {
            **shared,
            "n_embd": hidden,
            "n_head": heads,
            "n_layer": layers,
            "n_positions": draw(st.integers(8, 40)),
            "n_inner": draw(st.sampled_from([None, 24])),
        }
        return {**config, "multi_query": draw(st.booleans())} if model_type == "gpt_bigcode" else config
    config = {
        **shared,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "intermediate_size": draw(st.sampled_from([24, 40])),
        "max_position_embeddings": 64,
        "attention_bias": draw(st.booleans()),
        "mlp_bias": draw(st.booleans()),
        "use_bias": draw(st.booleans()),
    }
    stored = draw(st.sampled_from([1, heads, None, "absent"]))
    if stored is None and model_type not in ("llama", "qwen2"):
        stored = heads  # transformers refuses a null of the others
    if stored != "absent" or model_type != "llama":
        config["num_key_value_heads"] = 1 if stored == "absent" else stored
    return {**config, "head_dim": 12} if model_type != "qwen2" and draw(st.booleans()) else config


@given(configs())
@settings(max_examples=60, deadline=None)
def test_linears_and_counts(config: dict[str, Any]) -> None:
    family, model = family_of(config), built(config)
    described = {line.path: (line.inputs, line.outputs, line.bias) for line in family.linears(config)}
    assert described == linears_of(model)
    assert family.parameters(config) == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("model_type", known())
def test_an_empty_configuration_means_transformers_defaults(model_type: str) -> None:
    full = AutoConfig.for_model(model_type).to_dict()
    family = family_of({"model_type": model_type})
    assert family.parameters({"model_type": model_type}) == family.parameters(full)
    assert family.context({"model_type": model_type}) == family.context(full)


@pytest.mark.parametrize("multi_query", [True, False])
def test_the_cache_keeps_one_head_or_all(multi_query: bool) -> None:
    config = {"model_type": "gpt_bigcode", "n_embd": 2048, "n_layer": 24, "n_head": 16, "multi_query": multi_query}
    heads = 1 if multi_query else 16
    assert family_of(config).kv_bytes_per_token(config) == 24 * 2 * heads * 128 * 2


def test_memory_of_starcoderbase_1b() -> None:
    config = {
        "model_type": "gpt_bigcode",
        "n_embd": 2048,
        "n_layer": 24,
        "n_head": 16,
        "vocab_size": 49152,
        "n_positions": 8192,
    }
    assert family_of(config).parameters(config) == 1_137_207_296
    assert family_of(config).weight_bytes(config, "bf16") == 2 * 1_137_207_296
    assert family_of(config).weight_bytes(config, "int4") == 1_137_207_296 // 2


def test_a_null_of_qwen2_means_as_many_heads_as_for_queries() -> None:
    config = {"model_type": "qwen2", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": None}
    assert family_of(config).kv_width(config) == 2 * 64


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "llama", "num_attention_heads": 0}, "num_attention_heads is 0 in the base's configuration"),
        ({"model_type": "gpt_bigcode", "n_embd": -8}, "n_embd is -8 .* expected a whole number from 1"),
        ({"model_type": "llama", "num_hidden_layers": 2.5}, "num_hidden_layers is 2.5"),
        ({"model_type": "mistral", "hidden_size": "big"}, "hidden_size is 'big'"),
        ({"model_type": "gpt_bigcode", "n_embd": 10, "n_head": 3}, "n_embd is 10 and n_head 3"),
        ({"model_type": "gpt2", "n_embd": 10, "n_head": 3}, "n_embd is 10 and n_head 3"),
    ],
)
def test_a_configuration_that_no_model_has_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        family_of(config).parameters(config)


def test_an_unknown_weight_format_is_named() -> None:
    config = {"model_type": "gpt2"}
    with pytest.raises(MethodError, match="weight format 'q4' is not known; known are fp32, bf16, fp16, int8, int4"):
        family_of(config).weight_bytes(config, "q4")
    with pytest.raises(MethodError, match="weight format 'q4' is not known"):
        family_of(config).kv_bytes_per_token(config, "q4")


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(MethodError, match="family 'bert' is not known; known are gpt_bigcode, starcoder2, llama"):
        family_of({"model_type": "bert"})
    assert site_kinds("bert") == {}
