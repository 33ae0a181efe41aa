"""`open_adapter`: one name for an adapter, wherever it lies."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astrarium.core.digests import digest_file
from astrarium.core.errors import CorruptFileError, NotFoundError, SourceError
from astrarium.sources.folder import read_json_object
from astrarium.sources.safetensors import read_entries

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
METADATA = "astrarium.json"


@dataclass(frozen=True, slots=True)
class AdapterSource:
    """An adapter that has been found: peft's folder format, with astrarium's own file beside it where it made it."""

    name: str
    """The name it was opened by."""
    path: Path
    """The folder on this machine."""
    config: dict[str, Any]
    """The content of `adapter_config.json`."""
    weights: Path
    """The file of weights; safetensors where there is one."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """The content of `astrarium.json`; empty where there is none."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how it was found."""

    def digest(self) -> str:
        """The digest of its weights."""
        return digest_file(self.weights)


def open_adapter(name: str, *, revision: str | None = None) -> AdapterSource:
    """Find an adapter and check the header of its weights.

    Args:
        name: a folder, a run's folder (its adapter is meant), or a hub id. A path that exists wins.
        revision: a branch, tag or commit of the hub.

    Raises:
        NotFoundError: nothing of that name.
        GatedError, OfflineError: see `open_base`.
        SourceError: a folder that is no adapter, or one without weights.
        CorruptFileError: a file that cannot be read.
    """
    from astrarium.sources.hub import may_be_hub_id

    if not name.strip():
        raise NotFoundError("the name of an adapter is empty; give a folder, a run's folder, or a hub id")
    path = Path(os.path.expanduser(name))
    if os.path.exists(path):
        source = _opened(name, _adapter_folder(name, path))
        if may_be_hub_id(name) and "/" in name and not (path / "run.json").is_file():
            source.notes.append(
                f"{name} is taken as the path {path.resolve()}, not as a hub id; write ./{name} to say so"
            )
        return source
    if may_be_hub_id(name):
        folder = _from_hub(name, revision)
        source = _opened(name, folder)
        if not source.metadata and _not_known_offline(name, folder):
            source.notes.append(
                f"{name} comes from the cache without {METADATA}; the hub, which may have it, is not reached"
            )
        return source
    raise NotFoundError(f"there is no adapter {name}: no such folder, and it cannot be a hub id")


def _adapter_folder(name: str, path: Path) -> Path:
    if (path / CONFIG).is_file():
        return path
    if (path / "adapter" / CONFIG).is_file():
        return path / "adapter"
    if (path / "run.json").is_file():
        what = (
            "a model, not an adapter (full fine-tuning); give its model/ as the base"
            if (path / "model").is_dir()
            else "no adapter yet"
        )
        raise SourceError(f"run {name} has {what}")
    raise SourceError(f"{name} has no {CONFIG}; it is no adapter")


def _from_hub(name: str, revision: str | None) -> Path:
    from astrarium.sources.hub import fetch, reachable

    config = fetch(name, CONFIG, revision)
    if config is None:
        raise SourceError(f"{name} on the hub has no {CONFIG}; it is no adapter")
    # The commit, so that a branch that moves meanwhile cannot mix two adapters.
    commit = config.parent.name
    fetch(name, METADATA, commit, optional=True)
    if not any(fetch(name, weights, commit, optional=True) for weights in WEIGHTS):
        if not reachable():
            fetch(name, WEIGHTS[0], commit)
        raise SourceError(f"{name} on the hub has neither {' nor '.join(WEIGHTS)}")
    return config.parent


def _not_known_offline(name: str, folder: Path) -> bool:
    from huggingface_hub import try_to_load_from_cache

    from astrarium.sources.hub import reachable

    return not reachable() and try_to_load_from_cache(name, METADATA, revision=folder.name) is None


def _opened(name: str, folder: Path) -> AdapterSource:
    config = read_json_object(folder / CONFIG, missing=f"{name} has no {CONFIG}")
    if not isinstance(config.get("peft_type"), str):
        raise CorruptFileError(f"{folder / CONFIG} has no peft_type; it is no adapter's")
    weights = next((folder / file for file in WEIGHTS if (folder / file).is_file()), None)
    if weights is None:
        raise SourceError(f"{name} has no weights: expected {' or '.join(WEIGHTS)}")
    if weights.suffix == ".safetensors":
        read_entries(weights)
    metadata = folder / METADATA
    return AdapterSource(
        name, folder, config, weights, read_json_object(metadata, missing="") if metadata.is_file() else {}
    )
