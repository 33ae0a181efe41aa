"""What the engine does not compute itself is merged by peft into a copy of what it changes, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import astrarium
from astrarium.core.errors import AdapterError, EngineError
from astrarium.model import merging
from tests.bases import save_adapter, save_base, save_peft

NAMES = ["c_attn", "c_fc"]
CONFIGS: dict[str, Any] = {
    "loha": lambda: peft.LoHaConfig(r=4, target_modules=NAMES, task_type="CAUSAL_LM"),
    "lokr": lambda: peft.LoKrConfig(r=4, target_modules=NAMES, task_type="CAUSAL_LM"),
    "oft": lambda: peft.OFTConfig(r=0, oft_block_size=8, target_modules=["c_fc"], task_type="CAUSAL_LM"),
    "adalora": lambda: peft.AdaLoraConfig(init_r=4, total_step=10, target_modules=NAMES, task_type="CAUSAL_LM"),
    "pissa": lambda: peft.LoraConfig(r=4, init_lora_weights="pissa", target_modules=NAMES, task_type="CAUSAL_LM"),
    "embedding": lambda: peft.LoraConfig(r=4, target_modules=["wte", "c_fc"], task_type="CAUSAL_LM"),
    "tokens": lambda: peft.TrainableTokensConfig(token_indices=[5, 6], task_type="CAUSAL_LM"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("merging") / "base", tie_word_embeddings=False)


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("merging") / "tied")


@pytest.mark.parametrize("method", CONFIGS)
def test_merged_into_a_copy(base: Path, tmp_path: Path, method: str) -> None:
    check(base, tmp_path, method)


@pytest.mark.parametrize("method", CONFIGS)
def test_a_file_that_does_not_fit(base: Path, tmp_path: Path, method: str) -> None:
    """peft passes over what it does not find, and the answer would be the base's."""
    folder = save_peft(tmp_path / method, base, CONFIGS[method](), seed=2)
    file = folder / "adapter_model.safetensors"
    whole = load_file(file)
    first = sorted(whole)[0]
    model = astrarium.load(str(base), format="fp32")
    broken = {
        "1 sites without a tensor": {key: tensor for key, tensor in whole.items() if key != first},
        "1 tensors without a site": {**whole, "base_model.model.transformer.h.9.attn.c_attn.more": torch.ones(3)},
        "is not finite": {**whole, first: whole[first] * float("nan")},
    }
    for message, tensors in broken.items():
        save_file(tensors, file, metadata={"format": "pt"})
        with pytest.raises(AdapterError, match=message):
            model.add_adapter("x", str(folder))
        assert model.adapters == ()


def test_too_little_memory_for_the_copy(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = save_peft(tmp_path / "loha", base, CONFIGS["loha"](), seed=2)
    model = astrarium.load(str(base), format="fp32")
    monkeypatch.setattr(merging, "available", lambda: 1 << 16)
    with pytest.raises(EngineError, match=r"loha: the engine does not compute LOHA itself; merging it into a copy of "):
        model.add_adapter("loha", str(adapter))
    assert model.adapters == ()
    assert model.ask("Hi", max_new_tokens=2, template="plain")


@pytest.mark.parametrize("method", ["embedding", "tokens"])
def test_an_embedding_that_is_the_output_head_too(tied: Path, tmp_path: Path, method: str) -> None:
    check(tied, tmp_path, method)


def check(base: Path, tmp_path: Path, method: str) -> None:
    folder = save_peft(tmp_path / method, base, CONFIGS[method](), seed=2)
    lora = save_adapter(tmp_path / "lora", base, "lora", std=0.2)
    model = astrarium.load(str(base), {"own": str(lora), "merged": str(folder)}, format="fp32")
    assert any("it is merged into a copy of" in note and "which is slower" in note for note in model.notes)
    ids = list(range(3, 40))
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(folder)).eval()
    with torch.no_grad():
        expected = theirs(input_ids=torch.tensor([ids])).logits[0]
        bare = AutoModelForCausalLM.from_pretrained(base)(input_ids=torch.tensor([ids])).logits[0]
    found = model.engine.logits(ids, adapter="merged")
    assert (found - expected).abs().max() < 1e-3  # merging rounds once more
    assert (bare - expected).abs().max() > 0.02
    assert (model.engine.logits(ids) - bare).abs().max() < 1e-4


def test_a_prompt_method_that_the_engine_does_not_know_is_refused(base: Path, tmp_path: Path) -> None:
    config = peft.CPTConfig(
        cpt_token_ids=[1, 2, 3], cpt_mask=[1, 1, 1], cpt_tokens_type_mask=[1, 2, 2], task_type="CAUSAL_LM"
    )
    folder = save_peft(tmp_path / "cpt", base, config, seed=2)
    with pytest.raises(
        AdapterError, match=r"not compute CPT itself, and peft cannot merge it: it has no weights to merge"
    ):
        astrarium.load(base, folder)


def test_an_embedding_is_changed_and_a_head_tied_to_it_is_not(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    folder = save_peft(tmp_path / "embedding", base, CONFIGS["embedding"](), seed=2)
    ids = list(range(3, 40))
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(folder)).eval()
    with torch.no_grad():
        expected = theirs(input_ids=torch.tensor([ids])).logits[0]
    model = astrarium.load(str(base), str(folder), format="fp32")
    assert (model.engine.logits(ids, adapter="adapter") - expected).abs().max() < 1e-3


def test_what_peft_cannot_merge_is_refused(base: Path, tmp_path: Path) -> None:
    config = peft.AdaptionPromptConfig(adapter_len=2, adapter_layers=1, task_type="CAUSAL_LM")
    folder = save_adapter(tmp_path / "x", base, "lora")
    (folder / "adapter_config.json").write_text(
        '{"peft_type": "ADAPTION_PROMPT", "adapter_len": 2, "adapter_layers": 1, "task_type": "CAUSAL_LM"}'
    )
    assert config.peft_type == "ADAPTION_PROMPT"
    with pytest.raises(AdapterError, match=r"not compute ADAPTION_PROMPT itself, and peft cannot merge it"):
        astrarium.load(str(base), str(folder))
