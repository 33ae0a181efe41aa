"""The one way in which a model is run: `load` and the `Model` it returns."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.engine.request import Ticket
    from astrarium.engine.sampling import Sampling
    from astrarium.model.base import Base, load_base
    from astrarium.model.conversation import Conversation, base_for
    from astrarium.model.model import Model, load
    from astrarium.model.prediction import predict_memory

__all__ = ["Base", "Conversation", "Model", "Sampling", "Ticket", "base_for", "load", "load_base", "predict_memory"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(["Base", "load_base"], ".base"),
        **dict.fromkeys(["Conversation", "base_for"], ".conversation"),
        **dict.fromkeys(["Model", "load"], ".model"),
        "predict_memory": ".prediction",
        "Sampling": "..engine.sampling",
        "Ticket": "..engine.request",
    },
)
