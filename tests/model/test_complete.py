"""Fill-in-the-middle on the engine, with StarCoder's marks and Qwen's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import astrarium
from astrarium.core.errors import AdapterError
from tests.bases import save_adapter, save_base
from tests.vocabularies import small_tokenizer

QWEN_SPECIALS = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>")
GROUPED = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
KINDS = {
    "gpt_bigcode": ({}, ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),
    "starcoder2": (GROUPED, ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),
    "llama": (GROUPED, ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),  # no marks of its own: as Granite's
    "gpt_neox": (GROUPED, ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),  # through transformers
    "qwen2": (GROUPED, ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")),
}
TEXT = "def area(r):\n    return \n\nprint(area(2))\n"


def based(folder: Path, family: str) -> tuple[Path, tuple[str, str, str], object]:
    shape, marks = KINDS[family]
    base = save_base(folder / "base", family, **shape)
    tokenizer = small_tokenizer(specials=QWEN_SPECIALS) if family == "qwen2" else small_tokenizer()
    tokenizer.save_pretrained(base)
    return base, marks, tokenizer


def by_hand(base: Path, marks: tuple[str, str, str], tokenizer: object, before: str, after: str, new: int) -> str:
    prefix, suffix, middle = marks
    ids = tokenizer(f"{prefix}{before}{suffix}{after}{middle}", return_tensors="pt").input_ids
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager")
    with torch.no_grad():
        out = model.generate(ids, max_new_tokens=new, do_sample=False, pad_token_id=0, attention_mask=ids * 0 + 1)
    return str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))


@pytest.mark.parametrize("family", KINDS)
def test_between_a_prefix_and_a_suffix(tmp_path: Path, family: str) -> None:
    base, marks, tokenizer = based(tmp_path, family)
    model = astrarium.load(str(base), format="fp32")
    slower = [note for note in model.notes if "transformers runs it, which is slower" in note]
    assert len(slower) == (family == "gpt_neox")
    before, after = TEXT[:24], TEXT[24:]
    found = model.complete(before, after, max_new_tokens=8)
    assert found == by_hand(base, marks, tokenizer, before, after, 8)
    marked = model._fim_prompt(before, after)
    assert [model.tokenizer.decode([marked[at]], skip_special_tokens=False) for at in (0, -1)] == [marks[0], marks[2]]


def test_adapter_formats(tmp_path: Path) -> None:
    base, _, _ = based(tmp_path, "starcoder2")
    adapter = str(save_adapter(tmp_path / "a", base, "adapterh", std=0.2))
    wide = astrarium.load(str(base), adapter, format="fp32")
    half = astrarium.load(str(base), adapter, format="fp32", adapter_format="bf16")
    assert half.engine.memory()["adapters"] * 2 == wide.engine.memory()["adapters"]
    ids = list(range(3, 30))
    exact, rounded = (model.engine.logits(ids, adapter="adapter") for model in (wide, half))
    difference = (exact - rounded).abs().max()
    assert 0 < difference < 0.05 * exact.abs().max()
    with pytest.raises(AdapterError, match="adapter format 'fp16' is not known; expected fp32 or bf16"):
        astrarium.load(str(base), adapter, adapter_format="fp16")
