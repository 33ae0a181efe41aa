"""What peft promises of its own methods, kept by bottleneck adapters on every family."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from peft import PeftConfig, PeftModel, get_peft_model, inject_adapter_in_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import PreTrainedModel

from astrarium.methods.bottleneck import BottleneckConfig, BottleneckLayer
from tests.methods.tiny import ATTENTION_SITES, CONFIGS, MLP_SITES, base_of, ids, randomise

FAMILIES = tuple(CONFIGS)


def config_of(family: str = "gpt_bigcode", *, parallel: bool = False, **options: object) -> BottleneckConfig:
    targets = ATTENTION_SITES[family] if parallel else MLP_SITES[family]
    return BottleneckConfig(
        task_type="CAUSAL_LM",
        bottleneck_size=5,
        **{"target_modules": targets, "use_parallel_adapter": parallel, **options},  # type: ignore[arg-type]
    )


def logits(model: torch.nn.Module, **kwargs: object) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=ids(), **kwargs).logits


def trained(
    family: str = "gpt_bigcode", *, seed: int = 1, dtype: torch.dtype = torch.float32, **options: object
) -> PeftModel:
    model = get_peft_model(base_of(family, dtype=dtype), config_of(family, **options))
    randomise(model, seed=seed)
    return model.eval()


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_from_fresh_to_saved_and_back(family: str, parallel: bool, tmp_path: Path) -> None:
    base = base_of(family)
    plain = logits(base)
    model = get_peft_model(base, config_of(family, parallel=parallel, init_weights="mam_adapter")).eval()
    assert torch.equal(logits(model), plain)
    randomise(model)
    adapted = logits(model)
    assert (adapted - plain).abs().max() > 1e-2
    with model.disable_adapter():
        assert torch.equal(logits(model), plain)
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(base_of(family), str(tmp_path))
    assert torch.equal(logits(loaded), adapted)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    unloaded = loaded.unload()
    assert torch.equal(logits(unloaded), plain)
    assert not any(isinstance(module, BottleneckLayer) for module in unloaded.modules())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fresh_bert_adapter_is_not_the_base(family: str) -> None:
    base = base_of(family)
    plain = logits(base)
    assert not torch.allclose(logits(get_peft_model(base, config_of(family))), plain, atol=1e-6)


def test_only_the_adapter_is_trained() -> None:
    model = get_peft_model(base_of("llama"), config_of("llama"))
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names
    assert all(".adapter_down." in name or ".adapter_up." in name for name in names)
    model(input_ids=ids(), labels=ids()).loss.backward()
    assert all(model.get_parameter(name).grad is not None for name in names)


@pytest.mark.parametrize("safe", [True, False])
def test_both_file_formats(safe: bool, tmp_path: Path) -> None:
    model = trained(scaling="learned")
    model.save_pretrained(tmp_path, safe_serialization=safe)
    name = "adapter_model.safetensors" if safe else "adapter_model.bin"
    assert (tmp_path / name).is_file()
    tensors = load_file(tmp_path / name) if safe else torch.load(tmp_path / name, weights_only=True)
    prefix = "base_model.model.transformer.h"
    assert set(tensors) == {
        f"{prefix}.{block}.mlp.{linear}.{part}"
        for block in (0, 1)
        for linear in ("c_fc", "c_proj")
        for part in ("adapter_down.weight", "adapter_up.weight", "adapter_scaling")
    }
    assert torch.equal(logits(PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path))), logits(model))


@pytest.mark.parametrize(
    ("family", "keeps"), [("gpt_bigcode", False), ("llama", False), ("starcoder2", True), ("gpt2", True)]
)
def test_site_kinds_are_written_only_where_the_fork_cannot_know(family: str, keeps: bool, tmp_path: Path) -> None:
    trained(family).save_pretrained(tmp_path)
    written = json.loads((tmp_path / "adapter_config.json").read_text())
    assert ("site_kinds" in written) == keeps
    if keeps:
        assert written["site_kinds"] == {"c_fc": "in", "c_proj": "out"}


def test_kinds_that_the_user_names(tmp_path: Path) -> None:
    kinds = {"q_proj": "in", "o_proj": "out", "gate_proj": "parallel"}
    model = trained("llama", target_modules=[*kinds], site_kinds=kinds)
    layer = model.base_model.model.model.layers[0]
    assert layer.self_attn.q_proj.kind == {"default": "in"}
    assert layer.self_attn.o_proj.kind == {"default": "out"}
    assert layer.mlp.gate_proj.kind == {"default": "parallel"}
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(PeftModel.from_pretrained(base_of("llama"), str(tmp_path))), logits(model))


def test_any_other_model_where_the_sites_are_named() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2))
    x = torch.randn(3, 4)
    before = net(x)
    config = BottleneckConfig(target_modules=["0", "2"], site_kinds={"0": "in", "2": "out"}, bottleneck_size=2)
    model = get_peft_model(net, config)
    assert not torch.allclose(model(x), before, atol=1e-7)
    with model.disable_adapter():
        assert torch.equal(model(x), before)


def test_a_regular_expression_as_target() -> None:
    model = trained(target_modules=r"transformer\.h\.1\.mlp\.c_(fc|proj)")
    sites = [name for name, module in model.named_modules() if isinstance(module, BottleneckLayer)]
    assert [name.removeprefix("base_model.model.") for name in sites] == [
        "transformer.h.1.mlp.c_fc",
        "transformer.h.1.mlp.c_proj",
    ]


def test_lm_head_as_a_parallel_site(tmp_path: Path) -> None:
    model = trained("llama", target_modules=["lm_head"], use_parallel_adapter=True)
    model.save_pretrained(tmp_path, save_embedding_layers=False)
    assert set(load_file(tmp_path / "adapter_model.safetensors")) == {
        "base_model.model.lm_head.adapter_down.weight",
        "base_model.model.lm_head.adapter_up.weight",
    }
    loaded = PeftModel.from_pretrained(base_of("llama"), str(tmp_path))
    assert torch.equal(logits(loaded), logits(model))


@pytest.fixture
def two(tmp_path: Path) -> tuple[PeftModel, dict[str, torch.Tensor]]:
    """A model with adapters `a` (MLP) and `b` (parallel), loaded from disk, and the logits of each alone."""
    alone = {"__base__": logits(base_of("gpt_bigcode"))}
    for name, parallel in (("a", False), ("b", True)):
        single = trained(seed=ord(name), parallel=parallel)
        alone[name] = logits(single)
        single.save_pretrained(tmp_path / name)
    model = PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path / "a"), adapter_name="a")
    model.load_adapter(str(tmp_path / "b"), "b")
    return model, alone


def test_several_adapters_switch_and_go(two: tuple[PeftModel, dict[str, torch.Tensor]]) -> None:
    model, alone = two
    assert not torch.allclose(alone["a"], alone["b"], atol=1e-2)
    for name in ("a", "b", "a"):
        model.set_adapter(name)
        assert torch.equal(logits(model), alone[name])
    model.delete_adapter("a")
    assert torch.equal(logits(model), alone["b"])
    assert not any("a" in module.kind for module in model.modules() if isinstance(module, BottleneckLayer))


def test_a_row_takes_the_adapter_it_names(two: tuple[PeftModel, dict[str, torch.Tensor]]) -> None:
    model, alone = two
    names = ["b", "__base__"]
    mixed = logits(model, adapter_names=names)
    for row, name in enumerate(names):
        torch.testing.assert_close(mixed[row], alone[name][row], atol=1e-5, rtol=0)
    swapped = logits(model, adapter_names=["a", "b"])
    torch.testing.assert_close(swapped[0], alone["a"][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(swapped[1], alone["b"][1], atol=1e-5, rtol=0)
    assert torch.equal(logits(model), alone["a"])  # nothing is left of the hooks


@pytest.mark.parametrize("beams", [1, 2])
def test_generation_with_an_adapter_a_row(two: tuple[PeftModel, dict[str, torch.Tensor]], beams: int) -> None:
    model, _ = two
    options = {"max_new_tokens": 6, "do_sample": False, "num_beams": beams, "pad_token_id": 0}
    mask = torch.ones_like(ids())
    mixed = model.generate(input_ids=ids(), attention_mask=mask, adapter_names=["b", "a"], **options)
    for row, name in enumerate(["b", "a"]):
        model.set_adapter(name)
        single = model.generate(input_ids=ids()[row : row + 1], attention_mask=mask[:1], **options)[0].tolist()
        assert mixed[row].tolist()[: len(single)] == single


def test_rows_that_cannot_be_served(two: tuple[PeftModel, dict[str, torch.Tensor]]) -> None:
    model, alone = two
    with pytest.raises(ValueError, match="adapter_names has 'c'; loaded are a, b"):
        logits(model, adapter_names=["c", "a"])
    with pytest.raises(ValueError, match="adapter_names has 1 names for 2 rows"):
        logits(model, adapter_names=["a"])
    assert torch.equal(logits(model), alone["a"])  # the hooks are gone after an error too
    model.train()
    with pytest.raises(ValueError, match="adapter_names is for inference"):
        logits(model, adapter_names=["a", "b"])


def test_an_adapter_named_like_a_module(tmp_path: Path) -> None:
    model = trained()
    model.add_adapter("mlp", config_of())
    model.set_adapter("mlp")
    randomise(model, seed=9)
    adapted = {}
    for name in ("default", "mlp"):
        model.set_adapter(name)
        adapted[name] = logits(model)
    model.save_pretrained(tmp_path)
    for name, folder in (("default", tmp_path), ("mlp", tmp_path / "mlp")):
        assert torch.equal(logits(PeftModel.from_pretrained(base_of("gpt_bigcode"), str(folder))), adapted[name])


def test_modules_to_save_come_back(tmp_path: Path) -> None:
    model = trained(modules_to_save=["ln_f"])
    model.save_pretrained(tmp_path)
    assert {key for key in load_file(tmp_path / "adapter_model.safetensors") if "ln_f" in key} == {
        "base_model.model.transformer.ln_f.weight",
        "base_model.model.transformer.ln_f.bias",
    }
    loaded = PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path))
    assert torch.equal(logits(loaded), logits(model))
    assert torch.equal(logits(loaded.unload()), logits(base_of("gpt_bigcode")))


@pytest.mark.parametrize("bias", ["adapter_only", "all"])
@pytest.mark.parametrize("saved", [None, ["ln_f"]])
def test_retrained_biases(bias: str, saved: list[str] | None, tmp_path: Path) -> None:
    model = trained(bias=bias, modules_to_save=saved)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".bias") and parameter.requires_grad:
                parameter.add_(0.3)
    model.save_pretrained(tmp_path)
    keys = [key for key in load_file(tmp_path / "adapter_model.safetensors") if key.endswith(".bias")]
    assert "base_model.model.transformer.h.0.mlp.c_fc.bias" in keys
    assert ("base_model.model.transformer.h.0.ln_1.bias" in keys) == (bias == "all")
    assert torch.equal(logits(PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path))), logits(model))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_file_is_held_in_fp32(dtype: torch.dtype, tmp_path: Path) -> None:
    model = trained()
    for name, parameter in model.named_parameters():
        if "adapter_" in name:
            parameter.data = parameter.data.to(dtype)
    model.save_pretrained(tmp_path)
    assert {tensor.dtype for tensor in load_file(tmp_path / "adapter_model.safetensors").values()} == {dtype}
    for low in (False, True):
        loaded = PeftModel.from_pretrained(
            base_of("gpt_bigcode", dtype=torch.bfloat16), str(tmp_path), low_cpu_mem_usage=low
        )
        own = [parameter for name, parameter in loaded.named_parameters() if "adapter_" in name]
        assert {parameter.dtype for parameter in own} == {torch.float32}
        assert logits(loaded).dtype == torch.bfloat16


def test_without_autocast_the_adapter_is_fp32_too() -> None:
    model = get_peft_model(base_of("llama", dtype=torch.bfloat16), config_of("llama"), autocast_adapter_dtype=False)
    assert {p.dtype for n, p in model.named_parameters() if "adapter_" in n} == {torch.float32}


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("family", ["gpt_bigcode", "llama"])
def test_gradient_checkpointing_changes_no_gradient(family: str, reentrant: bool) -> None:
    gradients = []
    for checkpointing in (False, True):
        base = base_of(family)
        if checkpointing:
            base.activation_checkpointing_enable({"use_reentrant": reentrant})
        model = get_peft_model(base, config_of(family))
        randomise(model)
        model.train()
        model(input_ids=ids(), labels=ids(), use_cache=False).loss.backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)


def test_a_loaded_adapter_can_be_trained_on(tmp_path: Path) -> None:
    trained(target_modules=["c_fc", "mlp.c_proj"]).save_pretrained(tmp_path)
    model = PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path), is_trainable=True)
    assert any(parameter.requires_grad for parameter in model.parameters())


def test_injection_without_a_peft_model(tmp_path: Path) -> None:
    model = trained()
    model.save_pretrained(tmp_path)
    base = base_of("gpt_bigcode")
    injected = inject_adapter_in_model(BottleneckConfig.from_pretrained(str(tmp_path)), base)
    set_peft_model_state_dict(injected, load_file(tmp_path / "adapter_model.safetensors"))
    assert torch.equal(logits(injected), logits(model))


def test_transformers_own_load_adapter(tmp_path: Path) -> None:
    model = trained()
    model.save_pretrained(tmp_path)
    base: PreTrainedModel = base_of("gpt_bigcode")
    base.load_adapter(str(tmp_path))
    assert torch.equal(logits(base), logits(model))


def test_the_config_comes_back_through_peft_s_own_reader(tmp_path: Path) -> None:
    config = config_of(scaling="learned", modules_to_save=["ln_f"])
    config.save_pretrained(str(tmp_path))
    read = PeftConfig.from_pretrained(str(tmp_path))
    assert type(read) is BottleneckConfig
    assert read.to_dict() == config.to_dict()


def test_a_deep_copy_is_independent() -> None:
    model = trained()
    twin = copy.deepcopy(model)
    before = logits(model)
    randomise(twin, seed=5)
    assert torch.equal(logits(model), before)
    assert not torch.equal(logits(twin), before)
