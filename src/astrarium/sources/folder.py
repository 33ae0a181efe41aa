"""A base model in a folder, as transformers saves one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import CorruptFileError, SourceError
from astrarium.sources.base import BaseSource
from astrarium.sources.fingerprint import fingerprint
from astrarium.sources.safetensors import read_tensors
from astrarium.sources.tensor import Tensor

if TYPE_CHECKING:
    from astrarium.sources.tokenizer import Tokenizer

SINGLE = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}
INDEX = {"safetensors": "model.safetensors.index.json", "bin": "pytorch_model.bin.index.json"}


class FolderSource(BaseSource):
    """A base model in a folder: `config.json`, a tokenizer, and safetensors (or, failing that, `.bin`) weights."""

    def __init__(self, name: str, origin: str, path: Path) -> None:
        config = read_json_object(path / "config.json", missing=_no_config(name, path))
        _check_causal(name, config)
        super().__init__(name, origin, path, config)
        if (path / "generation_config.json").is_file():
            self.generation_config = read_json_object(path / "generation_config.json", missing="")

    def tokenizer(self) -> Tokenizer:
        """The folder's tokenizer. No code from the folder is run.

        Raises:
            SourceError: there is none, or it cannot be read.
        """
        from astrarium.sources.tokenizer_folder import read_tokenizer

        tokenizer, note = read_tokenizer(self.path, self.name, self.config)
        if note is not None and note not in self.notes:
            self.notes.append(note)
        return tokenizer

    def weight_files(self) -> list[Path]:
        """The files of weights: safetensors where there are any.

        Raises:
            SourceError: there are none, or a shard is missing.
        """
        for form in ("safetensors", "bin"):
            # transformers, too, takes the whole file where there is an index beside it.
            if (self.path / SINGLE[form]).is_file():
                return [self.path / SINGLE[form]]
            if (self.path / INDEX[form]).is_file():
                return self._shards(self.path / INDEX[form])
        raise SourceError(f"{self.name} has no weights: expected {SINGLE['safetensors']} or {INDEX['safetensors']}")

    def tensors(self) -> Iterator[Tensor]:
        """The tensors of every file, one by one."""
        files = self.weight_files()
        listed = self._listed(files)
        seen: dict[str, str] = {}
        for file in files:
            for tensor in _read(file):
                if tensor.name in seen:
                    raise CorruptFileError(
                        f"{self.name}: tensor {tensor.name} is in two shards, {seen[tensor.name]} and {file.name}; "
                        "which of them is meant cannot be known"
                    )
                seen[tensor.name] = file.name
                yield tensor
        missing = sorted(listed - seen.keys())
        if missing:
            raise CorruptFileError(
                f"{self.name}: the index lists {len(missing)} tensors that no shard holds ({', '.join(missing[:3])})"
            )

    def digest(self) -> str:
        """A digest of the configuration, and of the weights' sizes, ends and samples between."""
        return fingerprint(self.config, self.weight_files())

    def _shards(self, index: Path) -> list[Path]:
        names = shard_names(index)
        for name in names:
            if not (self.path / name).is_file():
                raise SourceError(f"{self.name} is incomplete: shard {name} is missing ({len(names)} in all)")
        return [self.path / name for name in names]

    def _listed(self, files: list[Path]) -> set[str]:
        if files[0].name in SINGLE.values():
            return set()
        return set(_weight_map(self.path / INDEX["safetensors" if files[0].suffix == ".safetensors" else "bin"]))


def read_json_object(path: Path, *, missing: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        missing: what to say where there is no such file.

    Raises:
        SourceError: there is no such file.
        CorruptFileError: no JSON, or no object.
    """
    if not path.is_file():
        raise SourceError(missing)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path} holds a {type(value).__name__}; expected an object")
    return value


def shard_names(index: Path) -> list[str]:
    """The files that an index of shards names.

    Raises:
        CorruptFileError: no index, or one that names a file elsewhere.
    """
    names = sorted(set(_weight_map(index).values()))
    for name in names:
        if not name or Path(name).name != name:
            raise CorruptFileError(f"{index} names the shard {name!r}; a shard is a file beside its index")
    return names


def _weight_map(index: Path) -> dict[str, str]:
    weights = read_json_object(index, missing="").get("weight_map")
    if not isinstance(weights, dict) or not weights or not all(isinstance(name, str) for name in weights.values()):
        raise CorruptFileError(f"{index} has no weight_map of tensor names to files")
    return weights


def _read(file: Path) -> Iterator[Tensor]:
    if file.suffix == ".safetensors":
        yield from read_tensors(file)
        return
    import pickle
    import warnings
    import zipfile

    import torch

    kinds = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # an error follows where it matters
            # Files from before torch 1.6 are no archives, and cannot be mapped.
            state = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except pickle.UnpicklingError as error:
        raise CorruptFileError(
            f"{file} holds more than weights; code in a file is never run, use safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise CorruptFileError(
            f"{file} cannot be read as weights alone: {' '.join(str(error).split())[:200]}"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise CorruptFileError(f"{file} holds no table of tensors by name, but {_shown(state)}")
    for name in list(state):
        tensor = state.pop(name)
        if tensor.dtype not in kinds:
            continue  # masks and counters, which no causal model has as parameters
        data = memoryview(tensor.contiguous().reshape(-1).view(torch.uint8).numpy()).toreadonly()
        yield Tensor(name, tuple(tensor.shape), kinds[tensor.dtype], data)


def _shown(state: object) -> str:
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    return ", ".join(f"{name}: {type(value).__name__}" for name, value in list(state.items())[:3])


def _no_config(name: str, path: Path) -> str:
    for file in sorted(path.glob("*.gguf")):
        return f"{name} has no config.json; to run the GGUF file in it, name the file: {file}"
    if (path / "adapter_config.json").is_file() or (path / "adapter" / "adapter_config.json").is_file():
        return f"{name} is an adapter, not a base model; give it as the adapter"
    return f"{name} has no config.json; it is no base model"


def _check_causal(name: str, config: dict[str, Any]) -> None:
    model_type, architectures = config.get("model_type"), config.get("architectures")
    if architectures is None:
        architectures = []
    if not isinstance(model_type, str):
        raise SourceError(f"{name} has no model_type in its config.json; it is no base model")
    if not isinstance(architectures, list) or not all(isinstance(known, str) for known in architectures):
        raise CorruptFileError(f"{name} has the architectures {architectures!r}; expected a list of names")
    if config.get("quantization_config") is not None:
        raise SourceError(f"{name} is stored quantised ({config['quantization_config']}); name its unquantised form")
    if architectures and not any(a.endswith(("ForCausalLM", "LMHeadModel")) for a in architectures):
        raise SourceError(f"{name} is a {architectures[0]}, which is no causal language model")
    # Without architectures only the model's type could tell, and asking transformers would import torch: loading does.
