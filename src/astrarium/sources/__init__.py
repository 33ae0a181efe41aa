"""Where bases and adapters come from: hub id, folder, GGUF file, or the embedded default."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.sources.adapter import AdapterSource, open_adapter
    from astrarium.sources.base import BaseSource, open_base
    from astrarium.sources.tensor import Tensor

__all__ = ["AdapterSource", "BaseSource", "Tensor", "open_adapter", "open_base"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AdapterSource": ".adapter",
        "open_adapter": ".adapter",
        "BaseSource": ".base",
        "open_base": ".base",
        "Tensor": ".tensor",
    },
)
