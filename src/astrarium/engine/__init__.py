"""The engine: a base's forward pass, its cache, and many requests with many adapters in one batch."""

from astrarium.core.lazy import lazy_names

__all__ = ["Engine", "Event", "Sampling", "Ticket"]

__getattr__ = lazy_names(
    __name__, {"Engine": ".engine", "Event": ".request", "Ticket": ".request", "Sampling": ".sampling"}
)
