"""Tuning: rows become sequences, sequences an adapter, and all of it a run's folder."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.tune.run import Run
    from astrarium.tune.settings import Settings
    from astrarium.tune.training import resume, train

__all__ = ["Run", "Settings", "resume", "train"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Run": ".run", "Settings": ".settings", "resume": ".training", "train": ".training"}
)
