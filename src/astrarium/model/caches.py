"""Where astrarium keeps what it may lose."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`ASTRARIUM_CACHE`, or `astrarium` in the user's cache folder."""
    own = os.environ.get("ASTRARIUM_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "astrarium"
