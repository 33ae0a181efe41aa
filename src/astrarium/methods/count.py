"""How many parameters each recipe trains and saves on a base, from the configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from astrarium.families import Family, Linear, family_of
from astrarium.methods.recipes import METHODS, Recipe, recipe


@dataclass(frozen=True, slots=True)
class Count:
    """What one recipe costs on one base."""

    method: str
    trained: int
    """Parameters with a gradient."""
    saved: int
    """Parameters in the adapter's file. P-Tuning saves the encoder's output, not the encoder."""
    base: int
    """Parameters of the base."""

    @property
    def share(self) -> float:
        """Trained parameters in percent of base and adapter together; 100 for full fine-tuning."""
        return 100.0 if self.method == "fft" else 100 * self.trained / (self.base + self.trained)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"method": self.method, "trained": self.trained, "saved": self.saved, "share_percent": self.share}


def count_parameters(config: Mapping[str, Any]) -> list[Count]:
    """Count every recipe on a base. Nothing is allocated.

    Args:
        config: the base's `config.json`.

    Raises:
        MethodError: the base's family is not known.
    """
    base = family_of(config).parameters(config)
    return [Count(method, *_counted(recipe(method), config), base) for method in METHODS]


def _counted(recipe: Recipe, config: Mapping[str, Any]) -> tuple[int, int]:
    family = family_of(config)
    if recipe.peft_type is None:
        whole = family.parameters(config)
        return whole, whole
    if recipe.peft_type == "P_TUNING":
        return _prompt_encoder(recipe, family, config)
    targets = recipe.targets(config)
    sites = [linear for linear in family.linears(config) if linear.path.endswith(targets)]
    if recipe.peft_type == "LORA":
        added = sum(recipe.options["r"] * (site.inputs + site.outputs) for site in sites)
    elif recipe.peft_type == "IA3":
        inner = recipe.scaled_inputs(config)
        added = sum(site.inputs if site.path.endswith(inner) else site.outputs for site in sites)
    else:
        added = sum(_bottleneck(recipe, family, site) for site in sites)
    return added, added


def _prompt_encoder(recipe: Recipe, family: Family, config: Mapping[str, Any]) -> tuple[int, int]:
    """peft's PromptEncoder: V vectors of width D, then three linears D → H → H → D with biases; H is D here."""
    width = family.width(config)
    vectors = recipe.options["num_virtual_tokens"] * width
    return vectors + 3 * (width * width + width), vectors


def _bottleneck(recipe: Recipe, family: Family, site: Linear) -> int:
    kind = "parallel" if recipe.options.get("use_parallel_adapter") else family.kinds[site.path.rpartition(".")[2]]
    read = site.outputs if kind == "out" else site.inputs
    written = site.inputs if kind == "in" else site.outputs
    return int(recipe.options["bottleneck_size"]) * (read + written)
