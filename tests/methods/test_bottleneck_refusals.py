"""An adapter that does not fit is refused by name and leaves the base as it was; never a silently random one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck import BottleneckConfig, BottleneckLayer
from tests.methods.tiny import base_of, ids, randomise

DOWN = "base_model.model.transformer.h.1.mlp.c_fc.adapter_down.weight"


def new(family: str = "gpt_bigcode", **options: object) -> PeftModel:
    config = {"task_type": "CAUSAL_LM", "bottleneck_size": 5, "target_modules": ["c_fc", "mlp.c_proj"], **options}
    return get_peft_model(base_of(family), BottleneckConfig(**config))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = new(scaling="learned", modules_to_save=["ln_f"])
    randomise(model)
    model.save_pretrained(tmp_path)
    return tmp_path


def change(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "adapter_model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "adapter_model.safetensors")


def load(folder: Path, **changes: object) -> PeftModel:
    return PeftModel.from_pretrained(base_of("gpt_bigcode", **changes), str(folder))


def test_a_missing_weight(folder: Path) -> None:
    change(folder, lambda tensors: tensors.pop(DOWN))
    with pytest.raises(AdapterError, match=rf"1 missing \({DOWN} \[5, 32\]\)"):
        load(folder)


def test_a_base_is_as_it_was_after_an_adapter_that_does_not_fit(folder: Path) -> None:
    change(folder, lambda tensors: tensors.pop(DOWN))
    base = base_of("gpt_bigcode")
    before = base(input_ids=ids()).logits
    with pytest.raises(AdapterError):
        PeftModel.from_pretrained(base, str(folder))
    assert not any(isinstance(module, BottleneckLayer) for module in base.modules())
    assert torch.equal(base(input_ids=ids()).logits, before)


def test_a_trained_adapter_survives_a_checkpoint_that_does_not_fit(folder: Path) -> None:
    model = new(scaling="learned", modules_to_save=["ln_f"])
    randomise(model, seed=5)
    before = model(input_ids=ids()).logits
    change(folder, lambda tensors: tensors.pop(DOWN))
    with pytest.raises(AdapterError):
        model.load_adapter(str(folder), "default", is_trainable=True)
    assert torch.equal(model(input_ids=ids()).logits, before)


def test_a_missing_scale(folder: Path) -> None:
    key = DOWN.replace("adapter_down.weight", "adapter_scaling")
    change(folder, lambda tensors: tensors.pop(key))
    with pytest.raises(AdapterError, match=rf"1 missing \({key} \[1\]\)"):
        load(folder)


def test_a_misshapen_weight(folder: Path) -> None:
    change(folder, lambda tensors: tensors.update({DOWN: torch.zeros(4, 32)}))
    with pytest.raises(AdapterError, match=rf"{DOWN}: found \[4, 32\], expected \[5, 32\]"):
        load(folder)


def test_a_misshapen_saved_module(folder: Path) -> None:
    change(folder, lambda tensors: tensors.update({"base_model.model.transformer.ln_f.weight": torch.zeros(31)}))
    with pytest.raises(AdapterError, match=r"ln_f.*weight: found \[31\], expected \[32\]"):
        load(folder)


def test_a_tensor_without_a_site(folder: Path) -> None:
    stray = DOWN.replace("h.1", "h.7")
    change(folder, lambda tensors: tensors.update({stray: torch.zeros(5, 32)}))
    with pytest.raises(AdapterError, match=rf"1 without a site in this base \({stray} \[5, 32\]\)"):
        load(folder)


def test_an_adapter_of_a_wider_base(folder: Path) -> None:
    with pytest.raises(AdapterError, match=r"found \[5, 32\], expected \[5, 64\].*trained on another base"):
        load(folder, n_embd=64)


def test_an_adapter_of_a_deeper_base(folder: Path) -> None:
    with pytest.raises(AdapterError, match=r"without a site in this base"):
        load(folder, n_layer=1)
    with pytest.raises(AdapterError, match=r"6 missing"):
        load(folder, n_layer=3)


def test_a_second_adapter_that_does_not_fit_leaves_the_first_as_it_was(folder: Path, tmp_path: Path) -> None:
    model = load(folder)
    before = model(input_ids=ids()).logits
    other = tmp_path / "other"
    new().save_pretrained(other)
    change(other, lambda tensors: tensors.pop(DOWN))
    with pytest.raises(AdapterError, match="1 missing"):
        model.load_adapter(str(other), "other")
    assert list(model.peft_config) == ["default"]
    with pytest.raises(ValueError, match="other"):
        model.set_adapter("other")
    assert torch.equal(model(input_ids=ids()).logits, before)


def test_targets_of_a_checkpoint_that_no_module_has_are_judged_by_its_tensors(tmp_path: Path) -> None:
    model = new(target_modules=["c_attn"], use_parallel_adapter=True)
    randomise(model)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["c_attn", "q_attn"]}))
    assert torch.equal(load(tmp_path)(input_ids=ids()).logits, model.eval()(input_ids=ids()).logits)
    with pytest.warns(UserWarning, match=r"\['q_attn'\] match no module"):
        PeftModel.from_pretrained(base_of("gpt_bigcode"), str(tmp_path), is_trainable=True)


REFUSED_NEW = [
    (
        {"target_modules": ["c_fc", "q_proj"]},
        "target_modules has 'q_proj', which match no module of the base; leave them out, or name some of: "
        "c_attn, c_fc, c_proj, lm_head",
    ),
    ({"target_modules": ["q_proj"]}, r"\['q_proj'\] match no module of the base; its linears are: lm_head, transf"),
    ({"target_modules": None}, "target_modules is None; name the sites, out of: lm_head"),
    ({"target_modules": []}, "name the sites"),
    ({"target_modules": r"h\.9\..*"}, "match no module of the base"),
    ({"target_modules": ["mlp"]}, r"target 'transformer.h.0.mlp' is a GPTBigCodeMLP; a bottleneck adapter goes on"),
    ({"target_modules": ["wte"]}, r"target 'transformer.wte' is a Embedding"),
    ({"target_modules": ["c_attn"]}, r"kind of site 'transformer.h.0.attn.c_attn' is unknown.*site_kinds="),
    ({"non_linearity": "tahn"}, "non_linearity is 'tahn'; expected one of"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED_NEW)
def test_a_new_adapter_that_cannot_be_made(options: dict[str, object], message: str) -> None:
    base = base_of("gpt_bigcode")
    before = base(input_ids=ids()).logits
    config = {"task_type": "CAUSAL_LM", "bottleneck_size": 5, "target_modules": ["c_fc"], **options}
    with pytest.raises(AdapterError, match=message):
        get_peft_model(base, BottleneckConfig(**config))  # type: ignore[arg-type]
    assert not any(isinstance(module, BottleneckLayer) for module in base.modules())
    assert torch.equal(base(input_ids=ids()).logits, before)


def test_a_second_new_adapter_that_cannot_be_made() -> None:
    model = new()
    with pytest.raises(AdapterError, match="match no module"):
        model.add_adapter("b", BottleneckConfig(target_modules=["nothing"]))
    assert list(model.peft_config) == ["default"]


def test_a_name_with_a_dot() -> None:
    with pytest.raises(AdapterError, match=r"adapter name 'a\.b' has a dot"):
        get_peft_model(base_of("llama"), BottleneckConfig(target_modules=["up_proj"]), adapter_name="a.b")


@pytest.mark.parametrize("merge", ["merge_and_unload", "merge_adapter"])
def test_merging_is_refused_before_any_site_is_touched(merge: str) -> None:
    model = new()
    before = model(input_ids=ids()).logits
    with pytest.raises(AdapterError, match="cannot be merged into its base"):
        getattr(model, merge)()
    assert torch.equal(model(input_ids=ids()).logits, before)
