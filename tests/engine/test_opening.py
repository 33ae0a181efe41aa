"""From files to an engine: broken weights, the cache of rounded weights, memory told before it is taken."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.bases import save_base
from tests.engine.engines import run
from tests.sources.gguf_files import Q, llama_keys, llama_tensors, write_gguf

from astrarium.core.errors import AstrariumError, CorruptFileError, EngineError, SourceError
from astrarium.engine import disk, memory, opening
from astrarium.engine.engine import Engine
from astrarium.engine.formats.gguf import HELD, panel_bytes, panels_of
from astrarium.engine.formats.layers import QuantisedLinear
from astrarium.engine.native import kernels
from astrarium.engine.opening import open_engine
from astrarium.engine.sampling import Sampling
from astrarium.model import predict_memory
from astrarium.sources import Tensor, open_base
from astrarium.sources.gguf.blocks import BLOCKS

WIDE = {"n_embd": 64, "n_layer": 3, "n_head": 4}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("opening") / "base", **WIDE)


def opened(base: Path, cache: Path | None = None, form: str = "int8", **options: object) -> tuple[Engine, list[str]]:
    return open_engine(open_base(str(base)), weight_format=form, cache=cache, **options)  # type: ignore[arg-type]


def answer(engine: Engine) -> list[int]:
    ticket = engine.submit([3, 4, 5], sampling=Sampling(max_new_tokens=8, min_new_tokens=8))
    run(engine)
    return ticket.tokens


def test_a_kept_file_whose_header_was_changed_is_made_anew(base: Path, tmp_path: Path) -> None:
    expected = opened(base, tmp_path)[0].logits([3, 4, 5])
    (kept,) = tmp_path.iterdir()
    raw = kept.read_bytes()
    room = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + room])
    path = "transformer.h.1.mlp.c_fc"

    def told(**changes: object) -> dict[str, Any]:
        facts = json.loads(header["__metadata__"]["facts"])
        facts["layers"][path].update(changes)
        return {**header, "__metadata__": {**header["__metadata__"], "facts": json.dumps(facts)}}

    codes = header[f"{path}:codes"]
    for changed in (
        told(outputs=100_000),
        told(outputs=16),
        told(bits=4),
        told(kind=3),
        told(offset=0),
        {**header, f"{path}:codes": {**codes, "shape": [1, *codes["shape"][1:]]}},
        {name: entry for name, entry in header.items() if name != f"{path}:scales"},
        {**header, "__metadata__": {"facts": header["__metadata__"]["facts"]}},
    ):
        kept.write_bytes(raw[:8] + json.dumps(changed).encode().ljust(room) + raw[8 + room :])
        assert torch.equal(opened(base, tmp_path)[0].logits([3, 4, 5]), expected)
        assert kept.read_bytes() == raw


def test_rounded_weights_are_those_of_the_base_that_was_named(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", n_embd=256, n_layer=3, n_head=4)
    tensors = load_file(base / "model.safetensors")
    first = opened(base, tmp_path / "kept")[0].logits([3, 4, 5])
    tuned = shutil.copytree(base, tmp_path / "tuned")
    for name in [name for name in tensors if name.endswith("mlp.c_fc.bias")]:
        save_file({**tensors, name: tensors[name] + 3}, tuned / "model.safetensors", {"format": "pt"})
        if open_base(str(tuned)).digest() == open_base(str(base)).digest():
            break  # between the samples that it reads: only the time of the change is left to tell
    else:
        pytest.fail("every bias lies in a sample")
    second = opened(tuned, tmp_path / "kept")[0].logits([3, 4, 5])
    assert (second - first).abs().max() > 0.1


@pytest.mark.parametrize("form", ["int8", "int4"])
def test_rounded_weights_are_kept_and_mapped(base: Path, tmp_path: Path, form: str) -> None:
    expected = opened(base, None, form)[0].logits([3, 4, 5])
    assert torch.equal(opened(base, tmp_path, form)[0].logits([3, 4, 5]), expected)
    (kept,) = tmp_path.iterdir()
    assert kept.name.endswith(f"-{form}-v{disk.VERSION}.safetensors")
    second = opened(base, tmp_path, form)[0]
    assert torch.equal(second.logits([3, 4, 5]), expected)
    assert second.weights.linears["lm_head"] is second.weights.linears["transformer.wte"]  # tied, and held once
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("harm", ["cut", "empty", "header", "facts"])
def test_a_broken_file_is_made_anew(base: Path, tmp_path: Path, harm: str) -> None:
    expected = answer(opened(base, tmp_path)[0])
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    broken = {
        "cut": whole[:-1000],
        "empty": b"",
        "header": b"\xff" * 8 + whole[8:],
        "facts": whole.replace(b'"__metadata__"', b'"__metadatA__"', 1),
    }[harm]
    kept.write_bytes(broken)
    assert answer(opened(base, tmp_path)[0]) == expected
    assert [len(file.read_bytes()) for file in tmp_path.iterdir()] == [len(whole)]


@pytest.mark.parametrize("form", ["int8", "int4"])
def test_the_first_start_maps_what_it_wrote(base: Path, tmp_path: Path, form: str) -> None:
    engine, _ = opened(base, tmp_path, form)
    (kept,) = tmp_path.iterdir()
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(kept))]
    ranges = [tuple(int(end, 16) for end in line[0].split("-")) for line in mapped]
    layer = engine.weights.linears["transformer.h.0.mlp.c_fc"]
    assert isinstance(layer, QuantisedLinear)
    codes = layer.panels.codes.data_ptr()
    assert any(start <= codes < end for start, end in ranges)


def test_a_file_that_goes_at_once(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answer(opened(base)[0])
    monkeypatch.setattr(opening, "forget_pages", lambda path: path.unlink())
    assert answer(opened(base, tmp_path)[0]) == expected


def test_a_folder_that_cannot_be_written(base: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    engine, notes = opened(base, tmp_path / "file" / "cache")
    assert answer(engine) == answer(opened(base)[0])
    assert any("rounded weights are not kept for the next start" in note for note in notes)


FULL = """
import resource, sys
from pathlib import Path
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
engine, notes = open_engine(open_base(sys.argv[1]), weight_format="int8", cache=Path(sys.argv[2]))
print(float(engine.logits([3, 4, 5]).abs().sum()), notes)
"""


def test_a_full_disk(base: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(base), str(tmp_path)], capture_output=True, text=True, check=True
    )
    number, _, notes = done.stdout.partition(" ")
    assert float(number) == pytest.approx(float(opened(base)[0].logits([3, 4, 5]).abs().sum()), rel=1e-6)
    assert "rounded weights are not kept for the next start" in notes
    assert list(tmp_path.iterdir()) == []


TWO = """
import sys
from pathlib import Path
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base
print("ready", flush=True)
sys.stdin.readline()
engine, notes = open_engine(open_base(sys.argv[1]), weight_format="int4", cache=Path(sys.argv[2]))
print(float(engine.logits([3, 4, 5]).abs().sum()), notes)
"""


def test_two_processes_at_once(base: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TWO, str(base), str(tmp_path)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0] for process in both]
    assert answers[0] == answers[1]
    assert answers[0].endswith(" []\n")
    assert len(list(tmp_path.iterdir())) == 1
    expected = opened(base, None, "int4")[0].logits([3, 4, 5])
    assert torch.equal(opened(base, tmp_path, "int4")[0].logits([3, 4, 5]), expected)


@pytest.mark.parametrize("form", ["fp32", "bf16", "int8", "int4"])
@pytest.mark.parametrize("place", ["transformer.h.1.mlp.c_fc.weight", "transformer.h.0.ln_1.bias"])
def test_weights_that_are_not_finite(base: Path, tmp_path: Path, form: str, place: str) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    tensors[place].view(-1)[3] = torch.nan
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineError, match=rf"tensor {place}: 1 of \d+ weights are not finite"):
        opened(tmp_path, tmp_path / "cache", form)
    assert list((tmp_path / "cache").glob("*")) == []


@pytest.mark.parametrize("size", [0, 5, 100, 30_000, -1])
def test_a_truncated_base(base: Path, tmp_path: Path, size: int) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(CorruptFileError, match="model.safetensors"):
        opened(tmp_path)


def test_tensors_that_are_missing_or_misshapen(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(base / "model.safetensors")
    gone = dict(tensors)
    del gone["transformer.h.1.attn.c_attn.bias"]
    save_file(gone, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"1 tensors are missing \(transformer.h.1.attn.c_attn.bias\)"):
        opened(tmp_path)
    odd = {**tensors, "transformer.ln_f.weight": torch.ones(3)}
    save_file(odd, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match=r"ln_f.weight has shape \[3\]; its configuration says \[64\]"):
        opened(tmp_path)


def test_gguf_files(tmp_path: Path) -> None:
    good = write_gguf(tmp_path / "good.gguf", "llama", llama_keys(), llama_tensors(Q.Q4_1))
    engine, _ = opened(good, form="gguf")
    assert engine.format == "gguf"
    reference = opened(good, form="fp32")[0].logits([3, 4, 5])
    assert (engine.logits([3, 4, 5]) - reference).abs().max() < 0.05 * reference.abs().max()
    whole = good.read_bytes()
    for size in (0, 3, 40, 2000, len(whole) - 500):
        (tmp_path / "cut.gguf").write_bytes(whole[:size])
        with pytest.raises(CorruptFileError, match="cut.gguf"):
            opened(tmp_path / "cut.gguf", form="gguf")
    tensors = llama_tensors(Q.F32)
    tensors["blk.1.ffn_up.weight"][0][2, 7] = np.inf
    broken = write_gguf(tmp_path / "nan.gguf", "llama", llama_keys(), tensors)
    with pytest.raises(EngineError, match=r"tensor model.layers.1.mlp.up_proj.weight: 1 of \d+ weights are not finite"):
        opened(broken, form="gguf")


@pytest.mark.parametrize("kind", [Q.Q5_0, Q.Q5_1])
def test_gguf_blocks_that_no_kernel_takes_are_dequantised_and_said(tmp_path: Path, kind: Any) -> None:
    file = write_gguf(tmp_path / "x.gguf", "llama", llama_keys(), llama_tensors(kind))
    engine, notes = opened(file, form="gguf")
    assert any(f"15 tensors in {kind.name} are dequantised to bf16" in note for note in notes)
    reference = opened(file, form="fp32")[0].logits([3, 4, 5])
    assert (engine.logits([3, 4, 5]) - reference).abs().max() < 0.05 * reference.abs().max()


@pytest.mark.parametrize("kind", [Q.Q4_0, Q.Q4_1, Q.Q8_0, Q.Q5_0, Q.F16, Q.F32])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kernels_of", ["", "torch"])
def test_a_gguf_file_s_memory_is_predicted_tensor_by_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, kernels_of: str, tied: bool
) -> None:
    monkeypatch.setenv("ASTRARIUM_CPU", kernels_of)
    tensors = llama_tensors(kind)
    if not tied:
        tensors["output.weight"] = tensors["token_embd.weight"]
    source = open_base(str(file := write_gguf(tmp_path / "x.gguf", "llama", llama_keys(), tensors)))
    for form in ("gguf", "fp32", "bf16", "int8", "int4"):
        held = opened(file, form=form)[0].memory()["weights"]
        packed = kernels() is None
        assert memory.weight_bytes(source.config, form, source.kinds(), packed=packed) == held


@pytest.mark.parametrize("kind", HELD)
def test_the_panels_of_every_block_are_as_large_as_told(kind: str) -> None:
    for outputs in (16, 37):
        raw = memoryview(bytes(outputs * 768 // BLOCKS[kind].values * BLOCKS[kind].size))
        assert panel_bytes(kind, outputs, 768) == panels_of(Tensor("w", (outputs, 768), kind, raw)).nbytes


@pytest.mark.parametrize("form", ["fp32", "bf16", "int8", "int4"])
@pytest.mark.parametrize("width", [64, 40])
@pytest.mark.parametrize("kernels_of", ["", "torch"])
def test_every_family_s_memory_is_predicted_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, width: int, kernels_of: str
) -> None:
    monkeypatch.setenv("ASTRARIUM_CPU", kernels_of)
    shapes = {"n_embd": width, "n_layer": 2, "n_head": 4}
    grouped = {**GROUPED, "hidden_size": width}
    for family in ("gpt_bigcode", "llama", "qwen2", "starcoder2"):
        folder = save_base(tmp_path / family, family, **(shapes if family == "gpt_bigcode" else grouped))
        engine, _ = opened(folder, form=form)
        predicted = memory.weight_bytes(open_base(str(folder)).config, form, packed=kernels() is None)
        assert predicted == engine.memory()["weights"]


def test_a_prediction_is_what_a_load_holds(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda device="cpu": 1)
    told = predict_memory(base, format="int8", cache_tokens=128)
    assert told["free"] == 1  # what does not fit is told, not refused
    monkeypatch.setattr(memory, "available", lambda device="cpu": None)
    held = opened(base, form="int8", cache_tokens=128)[0].memory()
    assert predict_memory(base, format="int8", cache_tokens=128) == {
        key: held[key] for key in ("weights", "cache_most", "cache_token")
    }
    assert predict_memory(base, format="int8")["cache_most"] == held["cache_token"] * 8 * 256
    with pytest.raises(EngineError, match="weight format 'int3' is not known"):
        predict_memory(base, format="int3")


def test_auto_says_what_it_rounds_when_it_rounds_and_not_when_it_maps(base: Path, tmp_path: Path) -> None:
    if opened(base, form="auto")[0].format != "int8":
        pytest.skip("no compiled kernels")
    said = [any("which rounds them" in note for note in opened(base, tmp_path, "auto")[1]) for _ in range(3)]
    assert said == [True, False, False]


def test_rounded_weights_are_on_the_disk_before_they_have_their_name(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names))[1])
    opened(base, tmp_path)
    assert done == ["fsync", "replace"]


KILLED = """
import os, signal, sys
from pathlib import Path
from astrarium.engine import disk
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base
kept, left = disk.Writer._add, [int(sys.argv[3])]
def add(self, name, tensor):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return kept(self, name, tensor)
disk.Writer._add = add
open_engine(open_base(sys.argv[1]), weight_format="int8", cache=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("at", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_a_process_that_is_killed_half_way_leaves_nothing_that_is_read(base: Path, tmp_path: Path, at: int) -> None:
    command = [sys.executable, "-c", KILLED, str(base), str(tmp_path), str(at)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    (draft,) = tmp_path.iterdir()
    assert draft.name.startswith(".")
    assert answer(opened(base, tmp_path)[0]) == answer(opened(base)[0])
    os.utime(draft, (0, 0))
    (kept,) = (file for file in tmp_path.iterdir() if file != draft)
    kept.unlink()
    opened(base, tmp_path)  # writes anew, and sweeps what is a day old
    assert not draft.exists()


def test_formats_and_devices_that_are_not(base: Path) -> None:
    with pytest.raises(EngineError, match="weight format 'int3' is not known; expected auto, fp32"):
        opened(base, form="int3")
    with pytest.raises(EngineError, match="is no GGUF file"):
        opened(base, form="gguf")
    with pytest.raises(EngineError, match="device 'gpu' is not known; expected cpu, cuda"):
        opened(base, device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(EngineError, match="device 'cuda' is not here; torch finds 0 CUDA devices"):
            opened(base, device="cuda")


def test_what_would_not_fit_is_refused_before_it_is_taken(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = open_base(str(base)).config
    weights = memory.weight_bytes(config, "fp32")
    monkeypatch.setattr(memory, "available", lambda device="cpu": weights - 1)
    with pytest.raises(EngineError, match=r"in fp32 needs .* GiB, and .* GiB are free; take a smaller weight format"):
        opened(base, form="fp32")
    room = memory.cache_bytes(config, 320, "fp32")
    monkeypatch.setattr(memory, "available", lambda device="cpu": weights + room)
    engine, notes = opened(base, form="fp32")
    assert engine.cache.pages == 10  # of eight whole contexts, what fits: more than one
    assert notes == []
    with pytest.raises(EngineError, match="a cache of 352 tokens needs .* are free beside the weights"):
        opened(base, form="fp32", cache_tokens=352)
    assert opened(base, form="fp32", cache_tokens=320)[0].memory()["cache_most"] == room
    monkeypatch.setattr(memory, "available", lambda device="cpu": weights + 100)
    with pytest.raises(EngineError, match="a cache of 256 tokens needs"):
        opened(base, form="fp32")


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
GROUPED = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("grouped")
    return {family: save_base(folder / family, family, **GROUPED) for family in ("llama", "qwen2", "starcoder2")}


@pytest.mark.parametrize(
    ("family", "key", "value", "message"),
    [
        ("llama", "num_hidden_layers", 10**9, "num_hidden_layers is 1000000000 .*; expected a whole number from 1 to"),
        ("llama", "max_position_embeddings", 10**12, "GiB, and .* GiB are free"),
        ("llama", "num_attention_heads", 3, "has 3 heads of 8 numbers over 2 of keys and values"),
        ("llama", "head_dim", 7, "has 4 heads of 7 numbers .*; expected heads of an even width"),
        ("llama", "rope_parameters", "abc", "rope_parameters is 'abc' .*; expected a table"),
        ("llama", "rope_parameters", {"rope_type": "linear"}, "factor is None .*; expected a number above 0"),
        ("llama", "rope_parameters", {"rope_type": "llama3", "factor": "x"}, "factor is 'x'"),
        ("llama", "rope_parameters", {"rope_theta": -1}, "rope_theta is -1"),
        ("llama", "rms_norm_eps", "x", "rms_norm_eps is 'x'"),
        ("llama", "hidden_act", "nope", "activation 'nope' is not known"),
        ("starcoder2", "norm_epsilon", math.nan, "norm_epsilon is nan"),
        ("starcoder2", "sliding_window", "x", "sliding_window is 'x'"),
        ("starcoder2", "sliding_window", -5, "sliding_window is -5"),
        ("qwen2", "layer_types", ["full_attention"], "expected full_attention or sliding_attention for each of its 2"),
        ("qwen2", "layer_types", ["full_attention"] * 3, "for each of its 2 layers"),
        ("qwen2", "layer_types", ["full_attention", "x"], "for each of its 2 layers"),
        ("qwen2", "num_attention_heads", 10**9, "expected no more than its hidden_size, 32"),
        ("llama", "tie_word_embeddings", "false", "tie_word_embeddings is 'false' .*; expected true or false"),
        ("llama", "tie_word_embeddings", True, "lm_head.weight is not model.embed_tokens.weight"),
        ("llama", "rope_parameters", LLAMA3 | {"low_freq_factor": 8.0}, "low_freq_factor is 8.0"),
    ],
)
def test_configurations_that_make_no_sense_are_refused_by_key(
    grouped: dict[str, Path], tmp_path: Path, family: str, key: str, value: Any, message: str
) -> None:
    shutil.copytree(grouped[family], tmp_path / "base")
    file = tmp_path / "base" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    with pytest.raises(AstrariumError, match=message):
        opened(tmp_path / "base", form="fp32")


@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_a_head_of_its_own_that_is_the_table_may_be_tied(grouped: dict[str, Path], tmp_path: Path, form: str) -> None:
    shutil.copytree(grouped["llama"], tmp_path / "base")
    file, config = tmp_path / "base" / "model.safetensors", tmp_path / "base" / "config.json"
    tensors = load_file(file)
    save_file({**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"].clone()}, file)
    config.write_text(json.dumps({**json.loads(config.read_text()), "tie_word_embeddings": True}))
    engine, _ = opened(tmp_path / "base", form=form)
    assert engine.weights.linears["lm_head"] is engine.weights.linears["model.embed_tokens"]


@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_whole_numbers_are_no_weights(base: Path, tmp_path: Path, form: str) -> None:
    shutil.copytree(base, tmp_path / "base")
    file = tmp_path / "base" / "model.safetensors"
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("c_fc.weight"))
    save_file({**tensors, name: tensors[name].to(torch.int8)}, file)
    with pytest.raises(SourceError, match=rf"base: tensor {name} is I8; expected a float"):
        opened(tmp_path / "base", form=form)


MEASURE = """
import gc, json, re, sys
import torch
from astrarium.engine import memory
from astrarium.engine.engine import Engine
from astrarium.engine.formats.gguf import HELD, panel_bytes, panels_of
from astrarium.engine.opening import open_engine
from astrarium.engine.sampling import Sampling
from astrarium.sources import open_base

def anonymous():
    gc.collect()
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024

torch.set_num_threads(1)
source = open_base(sys.argv[1])
engine, _ = open_engine(source, weight_format=sys.argv[2], cache_tokens=64 * 512)

def write(tokens, start):
    tickets = [engine.submit([(start + at * 7 + row) % 250 + 1 for at in range(tokens)],
                             sampling=Sampling(max_new_tokens=2, min_new_tokens=2)) for row in range(64)]
    while engine.busy:
        engine.step()

write(40, 0)
before, held = anonymous(), engine.memory()["cache"]
write(500, 3)
after = engine.memory()
print(json.dumps({
    "measured": anonymous() - before, "told": after["cache"] - held, "whole": after["cache"],
    "predicted": memory.cache_bytes(source.config, 64 * 512, sys.argv[2]), "most": after["cache_most"],
    "token": after["cache_token"], "weights": after["weights"],
    "weights_predicted": memory.weight_bytes(source.config, sys.argv[2]),
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fp32", "int8"])
@pytest.mark.parametrize("family", ["gpt_bigcode", "llama"])
def test_memory_is_what_was_predicted(tmp_path: Path, family: str, form: str) -> None:
    shapes = {
        "gpt_bigcode": {"n_embd": 256, "n_layer": 4, "n_head": 8, "n_positions": 512, "multi_query": False},
        "llama": {
            "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 8,
            "num_key_value_heads": 8, "max_position_embeddings": 512,
        },
    }  # fmt: skip
    folder = save_base(tmp_path / "base", family, **shapes[family])
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), form],
        capture_output=True, text=True, check=True, env={**os.environ, "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["predicted"] == found["most"] == found["token"] * 64 * 512
    assert found["whole"] == pytest.approx(found["predicted"], rel=0.1)
    assert found["measured"] == pytest.approx(found["told"], rel=0.1)
    assert found["weights"] == pytest.approx(found["weights_predicted"], rel=0.1)


WHOLE = """
import gc, json, sys
import torch
from astrarium.core.memory import process_bytes, trim
from astrarium.engine.sampling import Sampling
from astrarium.engine.opening import open_engine, predict
from astrarium.sources import open_base

def anonymous():
    gc.collect()
    trim()
    return process_bytes("RssAnon")

def filled(name, form, tokens):
    engine, _ = open_engine(open_base(name), weight_format=form, cache_tokens=tokens)
    for row in range(max(1, tokens // 512)):
        engine.submit([(at * 7 + row) % 250 + 1 for at in range(min(tokens, 512) - 2)],
                      sampling=Sampling(max_new_tokens=2, min_new_tokens=2))
    while engine.busy:
        engine.step()
    return engine

torch.set_num_threads(1)
filled(sys.argv[1], sys.argv[2], 32)  # what is not the model's: torch, its threads, the kernels
before = anonymous()
engine = filled("default", sys.argv[2], 8192)
told = predict(open_base("default"), weight_format=sys.argv[2], cache_tokens=8192)
print(json.dumps({"measured": anonymous() - before, "predicted": told["weights"] + told["cache_most"]}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["gguf", "fp32", "bf16", "int8", "int4"])
def test_the_embedded_default_takes_what_was_predicted(tmp_path: Path, form: str) -> None:
    small = write_gguf(tmp_path / "x.gguf", "llama", llama_keys(), llama_tensors(Q.Q4_1))
    done = subprocess.run(
        [sys.executable, "-c", WHOLE, str(small), form],
        capture_output=True, text=True, check=True, env={**os.environ, "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["measured"] == pytest.approx(found["predicted"], rel=0.1)


LEFT = """
import json, sys
from pathlib import Path
from astrarium.core.memory import process_bytes
from astrarium.engine.opening import open_engine
from astrarium.sources import open_base

engine, _ = open_engine(open_base("default"), weight_format="int4", cache=Path(sys.argv[1]))
print(json.dumps(process_bytes("RssAnon")))
"""


@pytest.mark.slow
def test_a_first_start_holds_no_more_than_a_second(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEFT, str(tmp_path)]
    starts = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (json.loads(done.stdout) for done in starts)
    assert first - second < 80e6  # of some 540 MB that are rounded
