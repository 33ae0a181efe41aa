"""The engine: a base's forward pass, its cache, and many requests with many adapters in one batch."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.engine.engine import Engine
    from astrarium.engine.request import Event, Ticket
    from astrarium.engine.sampling import Sampling

__all__ = ["Engine", "Event", "Sampling", "Ticket"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Engine": ".engine", "Event": ".request", "Ticket": ".request", "Sampling": ".sampling"}
)
