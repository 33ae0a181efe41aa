"""Checkpoints made with the original code give the original's numbers through stock peft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

import astrarium  # noqa: F401

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "index.json").read_text())["cases"]
TOLERANCE = 1e-4  # what the original and a clean implementation may differ by, in fp32
BF16_TOLERANCE = 0.5  # gpt_bigcode's bf16 attention differs between transformers 4.36 and 5


def load(case: dict[str, Any], dtype: torch.dtype = torch.float32) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(GOLDEN / case["base"], dtype=dtype, attn_implementation="eager")
    return PeftModel.from_pretrained(base, str(GOLDEN / case["adapter"])).eval()


def generate(model: PeftModel, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=12, do_sample=False, pad_token_id=0)


def test_there_are_nineteen_cases() -> None:
    assert len(CASES) == 19


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_logits_and_tokens(case: dict[str, Any]) -> None:
    expected = load_file(GOLDEN / case["expected"])
    model = load(case)
    ids, mask = expected["input_ids"], expected["attention_mask"]
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask).logits
    virtual = torch.ones(len(ids), logits.shape[1] - ids.shape[1], dtype=mask.dtype)
    attended = torch.cat([virtual, mask], dim=1).bool()
    assert logits.shape == expected["logits"].shape
    assert (logits - expected["logits"])[attended].abs().max() < TOLERANCE
    for row in (0, 1):
        prompt = expected[f"row{row}_input_ids"].reshape(1, -1)
        tokens = generate(model, prompt, torch.ones_like(prompt))
        assert tokens[0].tolist() == expected[f"row{row}_generated"].flatten().tolist()


@pytest.mark.parametrize("case", [case for case in CASES if case["method"] != "ptuning"], ids=lambda case: case["name"])
def test_left_padded_tokens(case: dict[str, Any]) -> None:
    expected = load_file(GOLDEN / case["expected"])
    tokens = generate(load(case), expected["left_input_ids"], expected["left_attention_mask"])
    assert tokens.tolist() == expected["left_generated"].tolist()


def bf16_cases() -> list[dict[str, Any]]:
    return [case for case in CASES if "row0_logits_bf16" in load_file(GOLDEN / case["expected"])]


@pytest.mark.parametrize("case", bf16_cases(), ids=lambda case: case["name"])
def test_bf16_base(case: dict[str, Any]) -> None:
    expected = load_file(GOLDEN / case["expected"])
    with torch.no_grad():
        logits = load(case, torch.bfloat16)(input_ids=expected["row0_input_ids"].reshape(1, -1)).logits
    golden = expected["row0_logits_bf16"].reshape(logits.shape)
    assert (logits.float() - golden.float()).abs().max() < BF16_TOLERANCE
