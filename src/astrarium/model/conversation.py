"""A conversation that can be gone on with: its turns, and with whom it is held."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from astrarium.core.errors import TextError
from astrarium.core.files import write_json
from astrarium.model.caches import cache_folder
from astrarium.sources import open_adapter
from astrarium.sources.base import DEFAULT


def base_for(adapter: str | None) -> str:
    """The base to run an adapter on where none is named: the one it was made for; `default` without an adapter.

    Raises:
        SourceError: the adapter cannot be found or read.
    """
    if adapter is None:
        return DEFAULT
    source = open_adapter(adapter)
    return str(source.metadata.get("base") or source.config.get("base_model_name_or_path") or DEFAULT)


@dataclass(slots=True)
class Conversation:
    """The turns so far, and the base, adapter and template that they were held with."""

    base: str = DEFAULT
    adapter: str | None = None
    template: str | None = None
    turns: list[dict[str, str]] = field(default_factory=list)

    def add(self, role: str, content: str) -> None:
        """Add a turn."""
        self.turns.append({"role": role, "content": content})

    def save(self) -> None:
        """Keep it as the last conversation, for `resume`."""
        write_json(_file(), asdict(self), private=True)

    @classmethod
    def resume(cls) -> Conversation:
        """The last conversation.

        Raises:
            TextError: there is none, or its file cannot be read.
        """
        file = _file()
        if not file.is_file():
            raise TextError("there is no conversation to continue; ask a question first")
        try:
            kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return cls(**kept)
        except (ValueError, TypeError) as error:
            raise TextError(
                f"the last conversation ({file}) cannot be read: {error}; ask without --continue"
            ) from error


def _file() -> Path:
    return cache_folder() / "conversation.json"
