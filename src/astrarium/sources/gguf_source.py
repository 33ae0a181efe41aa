"""A base model in one GGUF file, the embedded default among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.sources.base import BaseSource
from astrarium.sources.fingerprint import fingerprint
from astrarium.sources.gguf.architectures import architecture_of, config_of, parameter_name
from astrarium.sources.gguf.file import tensors_of
from astrarium.sources.gguf.header import read_header
from astrarium.sources.gguf.tokenizer import tokenizer_of

if TYPE_CHECKING:
    from astrarium.sources.tensor import Tensor
    from astrarium.sources.tokenizer import Tokenizer


class GgufSource(BaseSource):
    """A base model in a GGUF file, read in place."""

    def __init__(self, name: str, origin: str, path: Path) -> None:
        self._header = read_header(path)
        super().__init__(name, origin, path, config_of(self._header))
        if self._header.metadata.get("tokenizer.ggml.pre", "default") == "default":
            self.notes.append(f"{name} does not say how its text is cut (tokenizer.ggml.pre); it is cut as GPT-2 does")

    def tokenizer(self) -> Tokenizer:
        """The tokenizer in the file's metadata."""
        context = self.config.get("max_position_embeddings") or self.config.get("n_positions")
        return tokenizer_of(self._header, int(context or 0))

    def tensors(self) -> Iterator[Tensor]:
        """The tensors, as views of the mapped file."""
        return tensors_of(self._header)

    def kinds(self) -> dict[str, str]:
        """Each parameter's type of blocks or dtype, from the header alone."""
        _, architecture = architecture_of(self._header)
        named = ((parameter_name(info.name, architecture), info.kind) for info in self._header.tensors)
        return {name: kind for name, kind in named if name is not None}

    def weight_files(self) -> list[Path]:
        """The file."""
        return [self.path]

    def digest(self) -> str:
        """A digest of the file's size, its two ends and samples between."""
        return fingerprint({}, self.weight_files())
