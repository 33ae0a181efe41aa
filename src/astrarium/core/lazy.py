"""Public names that are imported when they are first used (PEP 562), so that `import astrarium` stays light."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def lazy_names(package: str, homes: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A module's `__getattr__`, which fetches each name from its home when it is first asked for, and its `__dir__`.

    Args:
        package: the package's `__name__`.
        homes: name → module below the package (`".load"`), or `""` for a submodule of the name itself.
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        if not home:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(home, package), name)

    def __dir__() -> list[str]:
        public = vars(sys.modules[package])
        return sorted({*public.get("__all__", homes), *(name for name in public if name.startswith("__"))})

    return __getattr__, __dir__
