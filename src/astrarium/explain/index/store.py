"""The index on disk: one file a package and version, made once, written whole."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from functools import lru_cache
from pathlib import Path

from astrarium.core.files import atomic_open
from astrarium.explain.index.layout import Index, encoded
from astrarium.model.caches import cache_folder

_FORMAT = 15  # the same as build.FORMAT, which is not imported here: griffe is needed only where an index is missing


def installed(package: str) -> tuple[Path, str] | None:
    """Folder and version of an installed package, found without importing it; None where there is none."""
    try:
        spec = importlib.util.find_spec(package)
        release = importlib.metadata.version(package)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent, release


@lru_cache(maxsize=8)
def index_of(package: str) -> Index | None:
    """The index of an installed package, from disk where it is there; None where the package is not installed."""
    found = installed(package)
    if found is None:
        return None
    root, release = found
    file = index_file(package, root, release)
    kept = _kept(file)
    if kept is not None:
        return kept
    from astrarium.explain.index.build import build

    made = encoded(build(package, root, release))
    try:
        with atomic_open(file, "wb") as out:
            out.write(made)
    except OSError:
        pass  # a cache that cannot be written costs time, not the answer
    return Index(made)


def index_file(package: str, root: Path, release: str) -> Path:
    """Where the index of a package is kept: by version, place and format."""
    place = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return cache_folder() / "explain" / f"{package}-{release}-{place}-{_FORMAT}.jsonl"


def _kept(file: Path) -> Index | None:
    try:
        kept = Index(file.read_bytes())
    except (OSError, ValueError, KeyError):
        return None
    return kept if kept.format == _FORMAT else None
