"""This machine against the peers: one file a bench, each contestant in a process of its own."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.bench.result import Result
    from astrarium.bench.running import all_benches, run

__all__ = ["Result", "all_benches", "run"]

__getattr__, __dir__ = lazy_names(__name__, {"Result": ".result", "all_benches": ".running", "run": ".running"})
