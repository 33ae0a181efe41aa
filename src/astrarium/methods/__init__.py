"""The methods: bottleneck adapters for stock peft, the seven recipes, and what they cost in parameters."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.methods.count import Count, count_parameters
    from astrarium.methods.recipes import METHODS, Recipe, recipe, short_changes

__all__ = ["METHODS", "Count", "Recipe", "count_parameters", "recipe", "short_changes"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "METHODS": ".recipes",
        "Recipe": ".recipes",
        "recipe": ".recipes",
        "short_changes": ".recipes",
        "Count": ".count",
        "count_parameters": ".count",
    },
)
