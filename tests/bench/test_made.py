"""What benches make for themselves: model folders, adapters, the permuted default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from astrarium.bench.adapters import random_adapter
from astrarium.bench.permuted import permuted_default
from astrarium.bench.shapes import STARCODER_1B, STARCODER_7B, Shape, config_of, starcoder
from astrarium.families import family_of
from astrarium.methods import count_parameters
from astrarium.model import load_base
from tests.bases import save_base

TINY = Shape(layers=2, width=32, heads=4, context=64, vocabulary=400)
METHODS = ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel")


def test_a_folder_opens_with_transformers(tmp_path: Path) -> None:
    folder = starcoder(tmp_path / "tiny", TINY, shard_bytes=20_000)
    assert len(list(folder.glob("*.safetensors"))) > 1
    model, told = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert model.dtype == torch.bfloat16
    assert model.config.n_inner == 128
    weight = model.transformer.h[1].mlp.c_fc.weight.float()
    assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert torch.equal(model.transformer.ln_f.weight, torch.ones(32, dtype=torch.bfloat16))
    assert not torch.equal(weight, model.transformer.h[0].mlp.c_fc.weight.float())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == 400
    text = "def f(x):\n    return x  # é"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    logits = model(torch.tensor([tokenizer(text)["input_ids"]])).logits
    assert torch.isfinite(logits).all()


def test_a_folder_is_the_same_each_time_and_written_once(tmp_path: Path) -> None:
    first, second = (starcoder(tmp_path / name, TINY) for name in ("a", "b"))
    names = sorted(file.name for file in first.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    (first / "tokenizer.json").write_text("mark")
    assert (starcoder(first, TINY) / "tokenizer.json").read_text() == "mark"


def test_the_shapes_are_starcoders() -> None:
    for shape, parameters in ((STARCODER_1B, 1_137_207_296), (STARCODER_7B, 7_327_263_232)):
        config = config_of(shape)
        assert family_of(config).parameters(config) == parameters


@pytest.mark.parametrize("method", METHODS)
def test_adapters_load_into_stock_peft_and_have_astraioss_size(method: str, tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", "gpt_bigcode")
    config = json.loads((base / "config.json").read_text())
    folder = random_adapter(tmp_path / "adapter", method, str(base), config, seed=3)
    model = AutoModelForCausalLM.from_pretrained(base)
    plain = model(torch.tensor([[5, 6, 7]])).logits
    adapted = PeftModel.from_pretrained(model, folder)  # a tensor without its place would be an error or a warning
    assert not torch.allclose(adapted(torch.tensor([[5, 6, 7]])).logits[:, -3:], plain, atol=1e-6)
    saved = {count.method: count.saved for count in count_parameters(config)}[method]
    bytes_of = (folder / "adapter_model.safetensors").stat().st_size
    assert 4 * saved < bytes_of < 4 * saved + 20_000


@pytest.mark.slow
def test_the_permuted_default_is_the_same_function(tmp_path: Path) -> None:
    ids = torch.tensor([[504, 1604, 275, 30, 2000, 77]])
    with torch.inference_mode():
        expected = load_base("default", dtype="fp32").model(ids).logits
        found = load_base(str(permuted_default(tmp_path / "permuted")), dtype="fp32").model(ids).logits
    assert torch.allclose(found, expected, atol=1e-3)
