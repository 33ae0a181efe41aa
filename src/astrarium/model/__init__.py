"""The one way in which a model is run: `load` and the `Model` it returns."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.model.base import Base, load_base
    from astrarium.model.model import Model, load
    from astrarium.model.sampling import Sampling

__all__ = ["Base", "Model", "Sampling", "load", "load_base"]

__getattr__ = lazy_names(
    __name__, {"Base": ".base", "load_base": ".base", "Model": ".model", "load": ".model", "Sampling": ".sampling"}
)
