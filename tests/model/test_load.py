"""A base filled tensor by tensor is the base that transformers loads; what does not fit is refused by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BertConfig, BertForMaskedLM, T5Config

from astrarium.core.errors import CorruptFileError, NotFoundError, SourceError
from astrarium.families import known
from astrarium.model import load_base
from astrarium.sources import open_base
from tests.bases import save_base

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
IDS = torch.tensor([[5, 9, 200, 3]])


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("family", known())
def test_every_family_equals_transformers_own_loading(family: str, dtype: str, tmp_path: Path) -> None:
    shape = GPT if family in ("gpt2", "gpt_bigcode") else SMALL
    save_base(tmp_path, family, **shape)
    ours = load_base(str(tmp_path), dtype=dtype).model
    theirs = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
    )
    assert ours.dtype == theirs.dtype
    assert torch.equal(logits(ours), logits(theirs))
    assert not ours.training
    assert not any(parameter.requires_grad for parameter in ours.parameters())


def test_shards_and_bin_files(tmp_path: Path) -> None:
    whole = save_base(tmp_path / "whole")
    expected = logits(load_base(str(whole)).model)
    model = AutoModelForCausalLM.from_pretrained(whole)
    model.save_pretrained(tmp_path / "shards", max_shard_size="40kB")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 2
    (tmp_path / "bin").mkdir()
    state = {k: v for k, v in model.state_dict().items() if k != "lm_head.weight"}
    torch.save(state, tmp_path / "bin" / "pytorch_model.bin")
    model.config.save_pretrained(tmp_path / "bin")
    for folder in ("shards", "bin"):
        for file in whole.glob("tokenizer*"):
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
        assert torch.equal(logits(load_base(str(tmp_path / folder)).model), expected)


def test_old_checkpoints_without_the_inner_model_s_name(tmp_path: Path) -> None:
    save_base(tmp_path, "gpt2", **GPT)
    expected = logits(load_base(str(tmp_path)).model)
    tensors = load_file(tmp_path / "model.safetensors")
    bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.bool)
    save_file(bare, tmp_path / "model.safetensors")
    base = load_base(str(tmp_path))
    assert base.notes == []
    assert torch.equal(logits(base.model), expected)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("gpt_neox", {**SMALL, "max_position_embeddings": 64}),
        ("mixtral", {**SMALL, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ],
)
def test_files_that_name_their_tensors_otherwise_than_the_model(
    family: str, changes: dict[str, int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save_base(tmp_path, family, **changes)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    capfd.readouterr()
    base = load_base(str(tmp_path))
    assert capfd.readouterr() == ("", "")
    assert torch.equal(logits(base.model), logits(theirs.eval()))
    assert base.notes == []
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    tensors = load_file(tmp_path / "model.safetensors")
    head = "embed_out.weight" if family == "gpt_neox" else "lm_head.weight"
    save_file({name: tensor for name, tensor in tensors.items() if name != head}, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"1 tensors are missing \(lm_head.weight\)"):
        load_base(str(tmp_path))
    save_file({**tensors, head: torch.ones(3, 32)}, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"cannot be read by transformers: .*mismatch"):
        load_base(str(tmp_path))


def test_what_is_left_over_is_said_and_what_is_missing_is_refused(tmp_path: Path) -> None:
    save_base(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file({**tensors, "score.weight": torch.ones(2)}, tmp_path / "model.safetensors")
    assert "1 tensors are not part of the model and were left out (score.weight)" in load_base(str(tmp_path)).notes[0]
    gone = {name: tensor for name, tensor in tensors.items() if name != "transformer.h.1.mlp.c_fc.weight"}
    save_file(gone, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"1 tensors are missing \(transformer.h.1.mlp.c_fc.weight\)"):
        load_base(str(tmp_path))
    save_file({**tensors, "transformer.ln_f.bias": torch.ones(31)}, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"tensor transformer.ln_f.bias has shape \[31\].*says \[32\]"):
        load_base(str(tmp_path))


def test_shards_that_are_not_whole(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(save_base(tmp_path / "whole"))
    model.save_pretrained(tmp_path / "s", max_shard_size="40kB")
    shard = sorted((tmp_path / "s").glob("model-*.safetensors"))[0]
    content = shard.read_bytes()
    shard.write_bytes(content[:-10])
    with pytest.raises(CorruptFileError, match=rf"{shard.name} is truncated"):
        load_base(str(tmp_path / "s"))
    shard.unlink()
    with pytest.raises(SourceError, match=rf"is incomplete: shard {shard.name} is missing"):
        load_base(str(tmp_path / "s"))
    shard.write_bytes(content)
    index = tmp_path / "s" / "model.safetensors.index.json"
    value = json.loads(index.read_text())
    value["weight_map"]["extra.weight"] = shard.name
    index.write_text(json.dumps(value))
    with pytest.raises(CorruptFileError, match=r"lists 1 tensors that no shard holds \(extra.weight\)"):
        load_base(str(tmp_path / "s"))
    value["weight_map"]["extra.weight"] = "../secret.safetensors"
    index.write_text(json.dumps(value))
    with pytest.raises(CorruptFileError, match=r"names the shard '../secret.safetensors'"):
        load_base(str(tmp_path / "s"))


def test_what_is_no_causal_model(tmp_path: Path) -> None:
    BertForMaskedLM(
        BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9)
    ).save_pretrained(tmp_path / "bert")
    with pytest.raises(SourceError, match=r"bert is a BertForMaskedLM, which is no causal language model"):
        open_base(str(tmp_path / "bert"))
    T5Config().save_pretrained(tmp_path / "t5")
    with pytest.raises(SourceError, match=r"t5 is no causal language model that transformers can build"):
        load_base(str(tmp_path / "t5"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no config.json; it is no base model"),
        ("{", "config.json is no JSON"),
        ("[]", "config.json holds a list; expected an object"),
        ("{}", "has no model_type in its config.json"),
        ('{"model_type": "llama", "quantization_config": {"quant_method": "gptq"}}', "is stored quantised"),
        ('{"model_type": "llama"}', "has no weights: expected model.safetensors"),
    ],
)
def test_folders_that_are_no_base(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(SourceError, match=message):
        load_base(str(tmp_path))


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("./none", "a/b/c", "two words", "/nowhere/x"):
        with pytest.raises(NotFoundError, match="no such folder or file"):
            open_base(name)
    with pytest.raises(NotFoundError, match="is empty"):
        open_base(" ")
    save_base(tmp_path / "owner" / "name")
    assert "is taken as the path" in open_base("owner/name").notes[0]
    assert open_base("./owner/name").notes == []
    (tmp_path / "holds").mkdir()
    (tmp_path / "holds" / "x.gguf").write_bytes(b"")
    with pytest.raises(SourceError, match=r"name the file: .*x.gguf"):
        open_base("./holds")


def test_digests_tell_weights_apart(tmp_path: Path) -> None:
    one, two = save_base(tmp_path / "a", seed=1), save_base(tmp_path / "b", seed=2)
    assert open_base(str(one)).digest() == open_base(str(save_base(tmp_path / "c", seed=1))).digest()
    assert open_base(str(one)).digest() != open_base(str(two)).digest()


def test_digests_tell_layers_in_the_middle_apart(tmp_path: Path) -> None:
    config = {"model_type": "llama"}
    tensors = {f"t{number:03}": torch.full((64, 1024), float(number)) for number in range(60)}  # 15 MB
    for name, changed in (("a", None), ("b", "t004"), ("c", "t031"), ("d", "t055")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        save_file(
            tensors if changed is None else {**tensors, changed: tensors[changed] + 1}, folder / "model.safetensors"
        )
    digests = {open_base(str(tmp_path / name)).digest() for name in "abcd"}
    assert len(digests) == 4


MEASURE = """
import re, sys, threading, time
import torch, transformers
from transformers.models.llama import modeling_llama
from astrarium.model import load_base

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

torch.set_num_threads(1)
load_base(sys.argv[2])
before, peak, running = anonymous(), 0, True
def watch():
    global peak
    while running:
        peak = max(peak, anonymous())
        time.sleep(0.002)
thread = threading.Thread(target=watch); thread.start()
base = load_base(sys.argv[1], dtype=sys.argv[3])
running = False; thread.join()
print(peak - before, sum(p.numel() * p.element_size() for p in base.model.parameters()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bf16", "fp32"])
def test_memory_never_holds_more_than_the_weights_and_two_tensors(dtype: str, tmp_path: Path) -> None:
    shape = {**SMALL, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
    warm = save_base(tmp_path / "warm", "llama", **SMALL)
    big = save_base(tmp_path / "big", "llama", **shape)
    AutoModelForCausalLM.from_pretrained(big, dtype=torch.bfloat16).save_pretrained(big, max_shard_size="200MB")
    (big / "model.safetensors").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(big), str(warm), dtype],
        capture_output=True, text=True, timeout=300, check=True, env={**os.environ, "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    used, weights = map(int, done.stdout.split()[-2:])
    largest = 4096 * 1024 * (4 if dtype == "fp32" else 2)
    slack = 8 << 20  # the module objects and the index
    assert weights > 600e6
    assert used <= weights + 2 * largest + slack
