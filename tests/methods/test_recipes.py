"""The seven recipes are Astraios's, and count what its table counts."""

from __future__ import annotations

from typing import Any

import pytest
from peft import get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from astrarium.core.errors import MethodError
from astrarium.methods import METHODS, count_parameters, recipe
from tests.methods.tiny import CONFIGS, VOCABULARY, base_of

# Astraios's models (layers, width, heads) and the trained parameters and shares computed from its configurations.
SIZES = {"1B": (24, 2048, 16), "3B": (36, 2816, 22), "7B": (42, 4096, 32), "16B": (40, 6144, 48)}
TABLE = {
    "ia3": [(251_904, "0.022"), (516_096, "0.017"), (870_912, "0.012"), (1_239_040, "0.008")],
    "lora": [(3_588_096, "0.315"), (7_372_800, "0.242"), (12_472_320, "0.170"), (17_776_640, "0.114")],
    "ptuning": [(12_650_496, "1.100"), (23_882_496, "0.779"), (50_466_816, "0.684"), (113_448_960, "0.726")],
    "adapterp": [(25_165_824, "2.165"), (51_904_512, "1.677"), (88_080_384, "1.188"), (125_829_120, "0.804")],
    "parallel": [(26_738_688, "2.297"), (54_263_808, "1.752"), (90_832_896, "1.224"), (128_450_560, "0.821")],
    "adapterh": [(50_331_648, "4.238"), (103_809_024, "3.299"), (176_160_768, "2.348"), (251_658_240, "1.596")],
}
SAVED_VECTORS = [61_440, 84_480, 122_880, 184_320]
BASES = ["1.137", "3.043", "7.327", "15.517"]


def starcoderbase(size: str) -> dict[str, Any]:
    layers, width, heads = SIZES[size]
    return {
        "model_type": "gpt_bigcode",
        "n_layer": layers,
        "n_embd": width,
        "n_head": heads,
        "n_inner": 4 * width,
        "n_positions": 8192,
        "vocab_size": 49152,
        "multi_query": True,
    }


@pytest.mark.parametrize(("column", "size"), enumerate(SIZES))
def test_astraios_table_to_the_last_digit(column: int, size: str) -> None:
    counts = {count.method: count for count in count_parameters(starcoderbase(size))}
    for method, row in TABLE.items():
        assert (counts[method].trained, f"{counts[method].share:.3f}") == row[column]
    assert counts["ptuning"].saved == SAVED_VECTORS[column]
    assert f"{counts['fft'].base / 1e9:.3f}" == BASES[column]
    assert counts["fft"].trained == counts["fft"].base
    assert all(count.saved == count.trained for count in counts.values() if count.method != "ptuning")


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("method", METHODS)
def test_peft_trains_what_is_counted(family: str, method: str) -> None:
    config = AutoConfig.for_model(family, vocab_size=VOCABULARY, **CONFIGS[family]).to_dict()
    made = recipe(method).peft_config(config)
    counted = {count.method: count for count in count_parameters(config)}[method]
    base = base_of(family)
    if made is None:
        trained = sum(parameter.numel() for parameter in base.parameters())
    else:
        model = get_peft_model(base, made)
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert trained == counted.trained


def test_the_recipes_are_astraios_s() -> None:
    assert tuple(METHODS) == ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel", "fft")
    for method in METHODS:
        made = recipe(method)
        assert (made.learning_rate, made.schedule, made.warmup_steps, made.weight_decay) == (1e-4, "cosine", 12, 0.05)
        assert (made.sequence_length, made.sequences_per_step, made.steps) == (2048, 32, 200)
    lora = recipe("lora").peft_config(starcoderbase("1B"))
    assert (lora.r, lora.lora_alpha, lora.lora_dropout) == (8, 16, 0.05)
    assert lora.target_modules == {"c_proj", "c_attn"}
    assert recipe("lora").sites["gpt_bigcode"] == ("c_proj", "c_attn", "q_attn")
    parallel = recipe("parallel").peft_config(starcoderbase("1B"))
    assert (parallel.bottleneck_size, parallel.non_linearity, parallel.scaling) == (256, "tanh", 1.0)
    assert parallel.use_parallel_adapter
    assert recipe("adapterp").peft_config(starcoderbase("1B")).use_adapterp
    assert recipe("ptuning").peft_config(starcoderbase("1B")).num_virtual_tokens == 30


def test_a_recipe_with_other_values() -> None:
    changed = recipe("lora").replace(steps=3, options={"r": 4})
    assert (changed.steps, changed.options["r"], changed.options["lora_alpha"]) == (3, 4, 16)
    assert recipe("lora").options["r"] == 8


def test_an_unknown_method_and_a_family_without_sites() -> None:
    with pytest.raises(MethodError, match="method 'qlora' is not known; known are lora, ia3, ptuning"):
        recipe("qlora")
    with pytest.raises(MethodError, match=r"recipe lora names no sites for family 'opt', .* recipe.replace\(sites="):
        recipe("lora").peft_config({"model_type": "opt"})


OPT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "word_embed_proj_dim": 32,
    "ffn_dim": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}


@pytest.mark.parametrize(
    ("method", "endings", "trained"),
    [
        ("lora", ("q_proj", "v_proj"), 2 * 2 * 8 * (32 + 32)),
        ("ia3", ("k_proj", "v_proj"), 2 * 2 * 32),
        ("adapterh", ("fc1", "fc2"), 2 * 2 * 256 * (32 + 32)),
        ("ptuning", None, 30 * 32 + 3 * (32 * 32 + 32)),
    ],
)
def test_a_family_that_is_not_known_takes_named_sites(
    method: str, endings: tuple[str, ...] | None, trained: int
) -> None:
    config = AutoConfig.for_model("opt", **OPT)
    chosen = recipe(method) if endings is None else recipe(method).replace(sites={"opt": endings})
    model = get_peft_model(AutoModelForCausalLM.from_config(config), chosen.peft_config(config.to_dict()))
    assert sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad) == trained


def test_other_sites_keep_ia3_s_two_ways_apart() -> None:
    llama = {"model_type": "llama", "num_hidden_layers": 1}
    assert recipe("ia3").scaled_inputs(llama) == ("down_proj",)
    chosen = recipe("ia3").replace(sites={"llama": ("k_proj", "mlp.down_proj")})
    assert chosen.scaled_inputs(llama) == ("mlp.down_proj",)
    assert recipe("ia3").replace(sites={"llama": ("k_proj",)}).peft_config(llama).feedforward_modules == set()
