"""GGUF files whose header is sound and whose content is not: one clear error each, and no other exception."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from astrarium.core.errors import AstrariumError, CorruptFileError, SourceError
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base
from astrarium.sources.gguf.header import read_header
from tests.sources.gguf_files import Q, byte_vocabulary, llama_keys, llama_tensors, write_gguf


def read_all(path: Path) -> Any:
    source = open_base(str(path))
    for tensor in source.tensors():
        tensor.values()
    return source.tokenizer()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("attention.head_count", 0, r"llama.attention.head_count is '0'; expected a number above 0"),
        ("attention.head_count", "four", r"llama.attention.head_count is 'four'"),
        ("attention.head_count", [4, 4], r"llama.attention.head_count is '\[4, 4\]'"),
        ("attention.head_count", 4.5, r"llama.attention.head_count is 4.5; expected a whole number"),
        ("attention.head_count", 5, r"tensor blk.0.attn_q.weight has 64 rows of 64 numbers, which 5 heads do"),
        ("attention.head_count_kv", 3, r"tensor blk.0.attn_k.weight has 32 rows of 64 numbers, which 3 heads do"),
        ("block_count", "x", r"llama.block_count is 'x'"),
        ("context_length", "x", r"llama.context_length is 'x'"),
        ("rope.freq_base", "x", r"llama.rope.freq_base is 'x'"),
        ("tokenizer.ggml.eos_token_id", "x", r"eos token is x; the vocabulary has 259"),
        ("tokenizer.ggml.tokens", [7] * 259, r"has no tokenizer.ggml.tokens"),
        ("tokenizer.ggml.merges", [1, 2], r"merge 1 is not two pieces"),
        ("tokenizer.ggml.merges", ["zz qq"], r"vocabulary that does not fit together: .*`zz`"),
        ("tokenizer.chat_template", 3, r"tokenizer.chat_template is '3'; expected text"),
    ],
)
def test_metadata_of_the_wrong_kind(key: str, value: Any, message: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(**{key: value}), llama_tensors())
    with pytest.raises(CorruptFileError, match=message) as caught:
        read_all(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("key", ["rope.scaling.factor", "rope.scale_linear"])
def test_a_factor_alone_scales_the_positions_too(key: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(**{key: 4.0}), llama_tensors())
    with pytest.raises(SourceError, match=r"scales its rotary positions \(× 4.0\)"):
        open_base(str(path))
    same = write_gguf(tmp_path / "same.gguf", "llama", llama_keys(**{key: 1.0}), llama_tensors())
    assert open_base(str(same)).config["rope_parameters"]["rope_theta"] == 10000.0


def test_embeddings_of_one_dimension(tmp_path: Path) -> None:
    tensors = {**llama_tensors(), "token_embd.weight": (np.zeros(64, np.float32), Q.F32)}
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(), tensors)
    with pytest.raises(CorruptFileError, match=r"token_embd.weight has shape \[64\]; expected two dimensions"):
        open_base(str(path))


def test_arrays_in_arrays_end_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "nested.gguf"
    arrays = struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 3000
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a" + arrays)
    with pytest.raises(CorruptFileError, match=r"metadata a has arrays in arrays, more than 8 deep"):
        read_header(path)


def test_two_tensors_of_one_name(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "llama", llama_keys(), llama_tensors())
    path.write_bytes(path.read_bytes().replace(b"blk.1.attn_q.weight", b"blk.0.attn_q.weight"))
    with pytest.raises(CorruptFileError, match=r"lists 20 tensors, 1 of them twice"):
        read_header(path)


def test_a_file_that_does_not_say_how_text_is_cut_says_so(tmp_path: Path) -> None:
    keys = llama_keys()
    assert open_base(str(write_gguf(tmp_path / "says.gguf", "llama", keys, llama_tensors()))).notes == []
    del keys["tokenizer.ggml.pre"]
    silent = open_base(str(write_gguf(tmp_path / "silent.gguf", "llama", keys, llama_tensors())))
    assert "does not say how its text is cut" in silent.notes[0]


def test_llama_3_begins_with_bos_and_takes_words_that_are_tokens_whole(tmp_path: Path) -> None:
    vocabulary = byte_vocabulary()
    # No merge leads to "xyz": only a vocabulary that is asked for whole words first gives it.
    vocabulary["tokenizer.ggml.tokens"] = [*vocabulary["tokenizer.ggml.tokens"][:-1], "xyz"]
    changes = {**vocabulary, "tokenizer.ggml.merges": [], "tokenizer.ggml.pre": "llama-bpe"}
    del changes["tokenizer.ggml.merges"]
    keys = {key: value for key, value in llama_keys(**changes).items() if key != "tokenizer.ggml.merges"}
    tokenizer = read_all(write_gguf(tmp_path / "a.gguf", "llama", keys, llama_tensors()))
    assert tokenizer.encode("xyz") == [0, 258]
    assert tokenizer.encode("xyz", add_special_tokens=False) == [258]
    keys["tokenizer.ggml.add_bos_token"] = False
    assert read_all(write_gguf(tmp_path / "b.gguf", "llama", keys, llama_tensors())).encode("xyz") == [258]


def test_names_that_fit_no_line_are_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    key = b"a\nb\0" + b"c" * 5000
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(key)) + key + struct.pack("<I", 77))
    with pytest.raises(CorruptFileError, match=r"metadata a\?b\?c+ has a value of type 77") as caught:
        read_header(path)
    assert len(str(caught.value)) < 300 + len(str(path))


@given(changes=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["<I", "<Q", "<B"]), st.integers(0)), max_size=4))
@example(changes=[(0.8149991704539084, "<Q", 0)])  # a tensor of no columns
@settings(max_examples=60, deadline=None)
def test_a_changed_header_runs_or_gives_one_clear_error(changes: list[Any], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("changed")
    whole = write_gguf(folder / "m.gguf", "llama", llama_keys(), llama_tensors(Q.Q4_1))
    content = bytearray(whole.read_bytes())
    end = min(tensor.start for tensor in read_header(whole).tensors)
    for share, layout, value in changes:
        at = int(share * (end - 9))
        struct.pack_into(layout, content, at, value % (1 << 8 * struct.calcsize(layout)))
    path = folder / "changed.gguf"
    path.write_bytes(content)
    try:
        source = open_base(str(path))
        source.tokenizer()
        engine, _ = open_engine(source, cache_tokens=64)
        engine.logits([1])
    except AstrariumError as error:
        assert len(str(error)) < 1000
        assert "\n" not in str(error)
