"""Folders and names that are not what they should be, and which of two weights is taken."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from astrarium.core.errors import CorruptFileError, NotFoundError
from astrarium.sources import open_adapter, open_base
from tests.bases import save_base


def folder(path: Path, **config: Any) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    return path


@pytest.mark.parametrize("open_one", [open_base, open_adapter])
@pytest.mark.parametrize("name", ["~nobody_of_this_name/x", "a" * 5000, "a/" + "b" * 5000, "a\0b"])
def test_names_that_no_path_can_have(open_one: Any, name: str) -> None:
    with pytest.raises(NotFoundError):
        open_one(name)


@pytest.mark.parametrize("value", ["LlamaForCausalLM", [None], {"a": 1}])
def test_architectures_that_are_no_list_of_names(value: Any, tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match=r"expected a list of names"):
        open_base(str(folder(tmp_path / "m", architectures=value)))


@pytest.mark.parametrize(
    ("state", "shown"),
    [([1], "a list"), (torch.ones(2), "a Tensor"), ({"state_dict": {"a": torch.ones(2)}}, "state_dict: dict")],
)
def test_bin_files_that_hold_no_tensors_by_name(state: Any, shown: str, tmp_path: Path) -> None:
    torch.save(state, folder(tmp_path / "m") / "pytorch_model.bin")
    with pytest.raises(CorruptFileError, match=f"no table of tensors by name, but {shown}"):
        list(open_base(str(tmp_path / "m")).tensors())


class Runs:
    """What a malicious file holds: a call."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("run"),)


def test_code_in_a_bin_file_is_not_run_nor_advised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Runs()}, folder(tmp_path / "m") / "pytorch_model.bin")
    with pytest.raises(CorruptFileError, match="holds more than weights; code in a file is never run") as caught:
        list(open_base("m").tensors())
    assert not Path("run").exists()
    assert "\x1b" not in str(caught.value)
    assert "weights_only" not in str(caught.value)


def test_an_index_of_bin_files_that_lists_what_no_shard_holds(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, folder(tmp_path / "m") / "one.bin")
    index = {"weight_map": {"a": "one.bin", "b": "one.bin"}}
    (tmp_path / "m" / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with pytest.raises(CorruptFileError, match=r"lists 1 tensors that no shard holds \(b\)"):
        list(open_base(str(tmp_path / "m")).tensors())


def test_a_whole_file_goes_before_an_index_as_in_transformers(tmp_path: Path) -> None:
    one, other = save_base(tmp_path / "one", seed=1), save_base(tmp_path / "other", seed=2)
    both = tmp_path / "both"
    AutoModelForCausalLM.from_pretrained(other).save_pretrained(both, max_shard_size="40kB")
    (both / "model.safetensors").write_bytes((one / "model.safetensors").read_bytes())
    name = "transformer.wte.weight"
    ours = next(tensor.values() for tensor in open_base(str(both)).tensors() if tensor.name == name)
    theirs = AutoModelForCausalLM.from_pretrained(both).state_dict()[name]
    assert torch.equal(torch.from_numpy(ours), theirs)


def test_a_tensor_in_two_shards_is_told(tmp_path: Path) -> None:
    folder(tmp_path / "m")
    for file, value in (("one", 1.0), ("two", 2.0)):
        save_file({"a": torch.full((2,), value), file: torch.ones(1)}, tmp_path / "m" / f"{file}.safetensors")
    index = {"weight_map": {"a": "one.safetensors", "one": "one.safetensors", "two": "two.safetensors"}}
    (tmp_path / "m" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CorruptFileError, match=r"tensor a is in two shards, one.safetensors and two.safetensors"):
        list(open_base(str(tmp_path / "m")).tensors())


def test_bin_files_from_before_they_were_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = folder(tmp_path / "m") / "pytorch_model.bin"
    torch.save({"a": torch.arange(3.0)}, file, _use_new_zipfile_serialization=False)
    assert [(tensor.name, tensor.values().tolist()) for tensor in open_base("m").tensors()] == [("a", [0, 1, 2])]
    for save in (pickle.dump, lambda value, handle: torch.save(value, handle, _use_new_zipfile_serialization=False)):
        with open(file, "wb") as handle:
            save({"a": Runs()}, handle)
        with pytest.raises(CorruptFileError, match="holds more than weights; code in a file is never run"):
            list(open_base("m").tensors())
        assert not Path("run").exists()
