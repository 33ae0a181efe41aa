"""The configuration of a bottleneck adapter: what `adapter_config.json` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from peft.config import PeftConfig
from peft.utils import PeftType

from astrarium.core.errors import AdapterError
from astrarium.methods.kinds import KINDS

_BIASES = ("none", "all", "adapter_only")
_INITIALISATIONS = ("bert", "mam_adapter")


@dataclass
class BottleneckConfig(PeftConfig):  # type: ignore[misc]
    """A bottleneck adapter: AdapterH, AdapterP and Parallel differ only in their sites.

    Source: Houlsby et al. 2019 (arXiv 1902.00751), Pfeiffer et al. 2021 (arXiv 2005.00247), He et al. 2022
    (arXiv 2110.04366); field names and defaults are those of the Astraios fork's `tuners/bottleneck.py`.

    Raises:
        AdapterError: a field has a value that no adapter can be made from.
    """

    bottleneck_size: int = field(default=256, metadata={"help": "rows of the down projection"})
    non_linearity: str = field(default="tanh", metadata={"help": "a name of transformers' ACT2FN, without weights"})
    adapter_dropout: float = field(default=0.0, metadata={"help": "dropout before the down projection, in training"})
    target_modules: list[str] | str | None = field(
        default=None,
        metadata={
            "help": "bare endings of module paths (`_proj` matches `attn.c_proj`), or one regular expression that "
            "matches whole paths; there is no default"
        },
    )
    use_parallel_adapter: bool = field(default=False, metadata={"help": "every site is `parallel`"})
    use_adapterp: bool = field(default=False, metadata={"help": "a label of AdapterP; its targets make it one"})
    scaling: float | str = field(default=1.0, metadata={"help": "a number, or `learned`: one factor a site"})
    bias: Literal["none", "all", "adapter_only"] = field(
        default="none", metadata={"help": "which of the base's biases are trained and saved with the adapter"}
    )
    init_weights: Literal["bert", "mam_adapter"] = field(
        default="bert",
        metadata={
            "help": "`bert`: both projections ~ N(0, 0.02), so that a fresh adapter is NOT the base; `mam_adapter`: "
            "Kaiming-uniform down and zero up, so that it is"
        },
    )
    modules_to_save: list[str] | None = field(
        default=None, metadata={"help": "modules that are trained whole and saved beside the adapter"}
    )
    site_kinds: dict[str, str] | None = field(
        default=None,
        metadata={
            "help": "path ending → `in`, `out` or `parallel`, where the model's type does not decide; written to disk "
            "only where the Astraios fork's own table does not say the same"
        },
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType.BOTTLENECK
        if isinstance(self.target_modules, (list, set, tuple)):
            # A tuple, because peft shortens long lists and sets by its own, dotted, rule of matching.
            self.target_modules = tuple(dict.fromkeys(_in_order(self.target_modules)))  # type: ignore[assignment]
        self.scaling = _checked_scaling(self.scaling)
        _check(_is_count(self.bottleneck_size), "bottleneck_size", self.bottleneck_size, "a whole number from 1")
        _check(
            isinstance(self.adapter_dropout, (int, float)) and 0 <= self.adapter_dropout < 1,
            "adapter_dropout",
            self.adapter_dropout,
            "a number from 0 to below 1",
        )
        _check(self.bias in _BIASES, "bias", self.bias, f"one of {', '.join(_BIASES)}")
        _check(self.init_weights in _INITIALISATIONS, "init_weights", self.init_weights, f"one of {_INITIALISATIONS}")
        self._check_site_kinds()

    def _check_site_kinds(self) -> None:
        for ending, kind in (self.site_kinds or {}).items():
            _check(kind in KINDS, f"site_kinds[{ending!r}]", kind, f"one of {', '.join(KINDS)}")
            _check(
                not self.use_parallel_adapter or kind == "parallel",
                f"site_kinds[{ending!r}]",
                kind,
                "'parallel', because use_parallel_adapter makes every site parallel; leave one of the two out",
            )

    def to_dict(self) -> dict[str, Any]:
        """The configuration as it is written to disk: `site_kinds` only where there are any."""
        values: dict[str, Any] = super().to_dict()
        if isinstance(values["target_modules"], tuple):
            values["target_modules"] = list(values["target_modules"])
        if not values["site_kinds"]:
            del values["site_kinds"]
        return values

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> BottleneckConfig:
        """Read a configuration from a folder or the hub, and remember that it describes a trained adapter."""
        config: BottleneckConfig = super().from_pretrained(*args, **kwargs)
        config.describes_checkpoint = True
        return config

    @property
    def describes_checkpoint(self) -> bool:
        """Whether this was read from a checkpoint, whose tensors then say which of the targets are real."""
        return bool(getattr(self, "_describes_checkpoint", False))

    @describes_checkpoint.setter
    def describes_checkpoint(self, value: bool) -> None:
        self._describes_checkpoint = value


def _in_order(names: list[str] | set[str] | tuple[str, ...]) -> list[str]:
    return sorted(names) if isinstance(names, set) else list(names)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _checked_scaling(scaling: Any) -> float | str:
    """The scaling as a float or `"learned"`. A whole number, or one written as a string, is taken at its value."""
    if scaling == "learned":
        return "learned"
    try:
        if isinstance(scaling, bool):
            raise TypeError
        return float(scaling)
    except (TypeError, ValueError):
        raise AdapterError(f"scaling is {scaling!r}; expected a number or 'learned'") from None


def _check(fine: bool, name: str, value: Any, expected: str) -> None:
    if not fine:
        raise AdapterError(f"{name} is {value!r}; expected {expected}")
