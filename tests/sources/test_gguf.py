"""GGUF files against the `gguf` package and against transformers' own reading."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.model import load_base
from astrarium.sources import open_base
from astrarium.sources.gguf.blocks import BLOCKS
from astrarium.sources.gguf.header import read_header
from tests.sources.gguf_files import Q, llama_keys, llama_tensors, write_gguf

TEXTS = [
    "def f(x1234):\n    return 12 + x\n",
    "naïve Straße 日本語 🙂",
    "  two  spaces\n\n\t\ttabs  ",
    "<|im_start|>user\nhi<|im_end|>",
    "It's 'quoted' — isn't it? 1,000.50",
]


@pytest.mark.parametrize("kind", BLOCKS)
def test_blocks_equal_the_gguf_package_bit_for_bit(kind: str) -> None:
    block = BLOCKS[kind]
    random = np.random.default_rng(0)
    raw = random.integers(0, 256, (500, block.size), dtype=np.uint8)
    ours = block.dequantise(raw.reshape(-1))
    with np.errstate(all="ignore"):
        theirs = gguf.quants.dequantize(raw, Q[kind]).reshape(-1)
    assert np.array_equal(ours, theirs, equal_nan=True)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_block_equals_the_gguf_package(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(BLOCKS)))
    raw = np.frombuffer(data.draw(st.binary(min_size=BLOCKS[kind].size, max_size=BLOCKS[kind].size)), dtype=np.uint8)
    with np.errstate(all="ignore"):
        theirs = gguf.quants.dequantize(raw[None], Q[kind]).reshape(-1)
    assert np.array_equal(BLOCKS[kind].dequantise(raw), theirs, equal_nan=True)


@pytest.mark.slow
def test_the_header_of_the_default_equals_the_gguf_package_s() -> None:
    path = open_base("default").path
    ours, theirs = read_header(path), gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in theirs.fields.items() if not name.startswith("GGUF.")}
    assert ours.metadata == fields
    assert [(t.name, t.shape, t.kind, t.start, t.size) for t in ours.tensors] == [
        (t.name, tuple(reversed(t.shape.tolist())), t.tensor_type.name, t.data_offset, t.n_bytes)
        for t in theirs.tensors
    ]


def logits(model: torch.nn.Module, tokens: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits


def reference(path: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)


@pytest.mark.parametrize("kind", [Q.Q4_0, Q.Q4_1, Q.Q8_0, Q.F16, Q.F32])
def test_a_llama_equals_transformers_reading(kind: Any, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(), llama_tensors(kind))
    ours, theirs = load_base(str(path)).model, reference(path)
    assert torch.equal(logits(ours, [5, 9, 200, 3]), logits(theirs, [5, 9, 200, 3]))
    assert ours.config.rope_parameters == theirs.config.rope_parameters


def test_an_untied_qwen2_with_biases_equals_transformers_reading(tmp_path: Path) -> None:
    tensors = llama_tensors(Q.F32)
    random = np.random.default_rng(1)
    for block in range(2):
        for name, width in (("attn_q", 64), ("attn_k", 32), ("attn_v", 32)):
            tensors[f"blk.{block}.{name}.bias"] = (random.standard_normal(width, dtype=np.float32), Q.F32)
    tensors["output.weight"] = (random.standard_normal((259, 64), dtype=np.float32), Q.F32)
    keys = {key: value for key, value in llama_keys().items() if key != "rope.dimension_count"}
    path = write_gguf(tmp_path / "m.gguf", "qwen2", keys, tensors)
    assert torch.equal(logits(load_base(str(path)).model, [5, 9, 3]), logits(reference(path), [5, 9, 3]))


def gpt_file(path: Path, arch: str, **changes: Any) -> tuple[Path, dict[str, Any]]:
    """A GPT-2 or StarCoder of one block and width 64, and its tensors."""
    random = np.random.default_rng(0)

    def made(*shape: int) -> tuple[np.ndarray, Any]:
        return random.standard_normal(shape, dtype=np.float32), Q.F32

    qkv = 96 if arch == "starcoder" else 192
    shapes = {"attn_qkv": (qkv, 64), "attn_output": (64, 64), "ffn_up": (256, 64), "ffn_down": (64, 256)}
    tensors = {"token_embd.weight": made(259, 64), "position_embd.weight": made(32, 64)}
    for name, shape in shapes.items():
        tensors |= {f"blk.0.{name}.weight": made(*shape), f"blk.0.{name}.bias": made(shape[0])}
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        tensors |= {f"{name}.weight": made(64), f"{name}.bias": made(64)}
    keys = {
        **llama_keys(), "context_length": 32, "block_count": 1, "attention.layer_norm_epsilon": 1e-5,
        "feed_forward_length": 256, **changes,
    }  # fmt: skip
    return write_gguf(path / "m.gguf", arch, keys, tensors), tensors


def test_a_gpt2_comes_back_the_other_way_round(tmp_path: Path) -> None:
    path, tensors = gpt_file(tmp_path, "gpt2")
    model = load_base(str(path)).model
    weight = tensors["blk.0.ffn_up.weight"][0]
    assert torch.equal(model.transformer.h[0].mlp.c_fc.weight, torch.from_numpy(weight.T.copy()))


def test_a_starcoder_keeps_one_key_head(tmp_path: Path) -> None:
    path, tensors = gpt_file(tmp_path, "starcoder", **{"attention.head_count_kv": 1})
    model = load_base(str(path)).model
    assert model.config.model_type == "gpt_bigcode"
    assert model.config.multi_query
    assert torch.equal(model.transformer.h[0].attn.c_attn.weight, torch.from_numpy(tensors["blk.0.attn_qkv.weight"][0]))


@pytest.mark.slow
def test_the_default_equals_transformers_reading_to_the_last_bit() -> None:
    base = load_base("default")
    theirs = reference(base.source.path)
    tokenizer = AutoTokenizer.from_pretrained(base.source.path.parent, gguf_file=base.source.path.name)
    tokens = base.tokenizer.encode(TEXTS[0])
    assert torch.equal(logits(base.model, tokens), logits(theirs, tokens))
    for text in TEXTS:
        assert base.tokenizer.encode(text) == tokenizer(text)["input_ids"]
    for role in ("bos_token", "eos_token", "pad_token", "unk_token", "chat_template"):
        assert getattr(base.tokenizer, role) == getattr(tokenizer, role)


def test_the_tokenizer_of_the_default() -> None:
    tokenizer = open_base("default").tokenizer()
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=False) == text
    digits = tokenizer.encode("x 1234", add_special_tokens=False)
    assert [tokenizer.piece_of(digit) for digit in digits] == ["x", "Ġ", "1", "2", "3", "4"]
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|im_end|>")
    assert tokenizer.encode("<|im_end|>") == [tokenizer.eos_token_id]


def good(tmp_path: Path, **changes: Any) -> Path:
    return write_gguf(tmp_path / "m.gguf", "llama", llama_keys(**changes), llama_tensors())


def test_a_truncated_file(tmp_path: Path) -> None:
    path = good(tmp_path)
    content = path.read_bytes()
    for size in (10, 100, 3000, len(content) - 200):
        path.write_bytes(content[:size])
        with pytest.raises(CorruptFileError, match=r"is truncated|promises|has 10 bytes") as caught:
            read_header(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(("at", "what"), [(8, "tensors"), (16, "metadata keys")])
def test_a_header_that_promises_more_than_the_file_holds(at: int, what: str, tmp_path: Path) -> None:
    path = good(tmp_path)
    content = bytearray(path.read_bytes())
    content[at : at + 8] = struct.pack("<Q", 1 << 60)
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=rf"header promises 1152921504606846976 {what}"):
        read_header(path)


@given(at=st.integers(0, 2000), value=st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_a_changed_byte_gives_a_header_or_a_clear_error(at: int, value: int, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("gguf")
    content = bytearray(good(folder).read_bytes())
    content[at] = value
    (folder / "m.gguf").write_bytes(content)
    with contextlib.suppress(SourceError):
        read_header(folder / "m.gguf")


def test_other_versions_and_other_files(tmp_path: Path) -> None:
    path = good(tmp_path)
    content = bytearray(path.read_bytes())
    content[4:8] = struct.pack("<I", 9)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"is GGUF version 9; known are 2, 3"):
        read_header(path)
    path.write_bytes(b"PK\x03\x04" + bytes(content[4:]))
    with pytest.raises(CorruptFileError, match=r"begins with b'PK"):
        read_header(path)


def test_an_unknown_block_type_is_named(tmp_path: Path) -> None:
    tensors = {**llama_tensors(), "blk.0.ffn_up.weight": (np.zeros((96, 256), np.float32), Q.TQ2_0)}
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(), tensors)
    with pytest.raises(
        SourceError, match=r"tensor blk.0.ffn_up.weight has blocks of type TQ2_0; known are F32, F16.*Q4_0"
    ):
        open_base(str(path))


@pytest.mark.parametrize(
    ("arch", "changes", "message"),
    [
        ("falcon", {}, r"is of architecture 'falcon'; known are llama, qwen2, starcoder2, gpt2, starcoder"),
        ("llama", {"rope.scaling.type": "yarn"}, r"scales its rotary positions \(yarn\)"),
        ("llama", {"attention.scale": 3.0}, r"llama.attention.scale is 3.0, which is not computed here; expected 0"),
        ("llama", {"expert_count": 4}, r"llama.expert_count is 4, which is not computed here"),
        ("llama", {"logit_scale": 2.0}, r"llama.logit_scale is 2.0"),
        ("llama", {"attention.causal": False}, r"llama.attention.causal is False"),
        ("llama", {"attention.key_length": 8}, r"llama.attention.key_length is 8, which is not .*; expected 16"),
        ("llama", {"tokenizer.ggml.token_type": 7}, r"259 tokens and 7 token types"),
        ("llama", {"tokenizer.ggml.pre": [1, 2]}, r"cuts text the way \[1, 2\]"),
        ("llama", {"tokenizer.ggml.model": "llama"}, r"vocabulary of kind 'llama'; known is 'gpt2'"),
        ("llama", {"tokenizer.ggml.pre": "viking"}, r"cuts text the way 'viking'"),
        ("llama", {"tokenizer.ggml.eos_token_id": 999}, r"eos token is 999; the vocabulary has 259"),
    ],
)
def test_what_is_not_known_is_refused_by_name(arch: str, changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", arch, llama_keys(**changes), llama_tensors())
    with pytest.raises(SourceError, match=message):
        open_base(str(path)).tokenizer()
