"""The seven Astraios recipes: a method with its hyperparameters, sites and training settings, read from data."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from astrarium.core.errors import MethodError
from astrarium.families import family_of, known

if TYPE_CHECKING:
    from peft import PeftConfig

METHODS = ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel", "fft")
"""The seven ways of tuning."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A method with its hyperparameters and training settings."""

    method: str
    peft_type: str | None
    """peft's name of the method; None for full fine-tuning, which has no adapter."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameters, as fields of the method's peft configuration."""
    sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`model_type` → endings of the modules to adapt."""
    feedforward: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`model_type` → which of them (IA)³ scales on their input."""
    learning_rate: float = 1e-4
    schedule: str = "cosine"
    warmup_steps: int = 12
    weight_decay: float = 0.05
    sequence_length: int = 2048
    """Tokens."""
    sequences_per_step: int = 32
    steps: int = 200

    def replace(self, **changes: Any) -> Recipe:
        """The same recipe with other values of some fields. Options are added to those there are."""
        if "options" in changes:
            changes["options"] = {**self.options, **changes["options"]}
        return dataclasses.replace(self, **changes)

    def targets(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The endings that a new adapter on this base names: those of the recipe that the base has.

        Where the base's family is not known but the recipe names sites for it, all of them; whether the base has them
        is checked when the adapter is made.

        Raises:
            MethodError: the recipe names no sites for the base's family.
        """
        model_type = config.get("model_type")
        listed = self.sites.get(str(model_type))
        if not listed:
            raise MethodError(
                f"recipe {self.method} names no sites for family {model_type!r}, only for {', '.join(self.sites)}; "
                f"name them, as in recipe.replace(sites={{{model_type!r}: ('q_proj', 'v_proj')}})"
            )
        if model_type not in known():
            return listed
        paths = [linear.path for linear in family_of(config).linears(config)]
        return tuple(ending for ending in listed if any(path.endswith(ending) for path in paths))

    def scaled_inputs(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of the targets that (IA)³ scales on their input; the others it scales on their output."""
        inner = self.feedforward.get(str(config.get("model_type")), ())
        return tuple(ending for ending in self.targets(config) if ending.endswith(inner))

    def peft_config(self, config: Mapping[str, Any]) -> PeftConfig | None:
        """The peft configuration of a new adapter, or None for full fine-tuning.

        Args:
            config: the base's `config.json`.

        Raises:
            MethodError: the recipe names no sites for the base's family.
        """
        if self.peft_type is None:
            return None
        import peft

        if self.peft_type == "P_TUNING":
            # It has no sites, so it needs no known family: peft itself makes the encoder as wide as the base.
            is_known = config.get("model_type") in known()
            width = {"encoder_hidden_size": family_of(config).width(config)} if is_known else {}
            return peft.PromptEncoderConfig(**{"task_type": "CAUSAL_LM", **width, **self.options})
        targets = list(self.targets(config))
        transposed = {"fan_in_fan_out": True} if config["model_type"] == "gpt2" else {}
        if self.peft_type == "LORA":
            return peft.LoraConfig(task_type="CAUSAL_LM", target_modules=targets, **transposed, **self.options)
        if self.peft_type == "IA3":
            return peft.IA3Config(
                task_type="CAUSAL_LM",
                target_modules=targets,
                feedforward_modules=list(self.scaled_inputs(config)),
                **transposed,
                **self.options,
            )
        from astrarium.methods.bottleneck import BottleneckConfig

        return BottleneckConfig(task_type="CAUSAL_LM", target_modules=targets, **self.options)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for a run's record; of the sites only what a reader needs to know is in the adapter itself."""
        skipped = ("sites", "feedforward")
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in skipped}


def recipe(method: str) -> Recipe:
    """The Astraios recipe of a method.

    Raises:
        MethodError: no method of that name.
    """
    recipes = _recipes()
    if method not in recipes:
        raise MethodError(f"method {method!r} is not known; known are {', '.join(METHODS)}")
    return recipes[method]


def short_changes(method: str) -> dict[str, Any]:
    """What `tune --short` changes in a method's recipe: fewer steps of fewer and shorter sequences, and the rate;
    a bottleneck begins as the base.

    The rates are ours, not Astraios's: see `astraios.toml`. fft keeps Astraios's.

    Raises:
        MethodError: no method of that name.
    """
    recipe(method)
    changes = dict(_data()["short"])
    for name in ("learning_rate", "options"):
        if (value := changes.pop(name).get(method)) is not None:
            changes[name] = value
    return changes


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("astraios.toml").read_text(encoding="utf-8"))


@cache
def _recipes() -> Mapping[str, Recipe]:
    data = _data()
    return {method: _made(method, data[method], data["training"]) for method in METHODS}


def _made(method: str, entry: Mapping[str, Any], training: Mapping[str, Any]) -> Recipe:
    def by_family(key: str) -> dict[str, tuple[str, ...]]:
        return {family: tuple(endings) for family, endings in entry.get(key, {}).items()}

    return Recipe(
        method=method,
        peft_type=entry.get("peft_type"),
        options=dict(entry["options"]),
        sites=by_family("sites"),
        feedforward=by_family("feedforward"),
        **training,
    )
