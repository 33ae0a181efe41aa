"""How peft learns the method BOTTLENECK, in one place and openly.

`peft.utils.register_peft_method` is meant for methods inside peft: it refuses every name that its enum `PeftType` does
not list. So one member, `BOTTLENECK`, is added to that enum, and everything after that goes the way peft's own methods
go. Nothing else of peft is changed: no function is replaced, no class patched.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from astrarium.core.errors import PluginError

_NAME = "BOTTLENECK"


def register(peft: ModuleType) -> None:
    """Add BOTTLENECK to the imported peft. Does nothing where it has been added before.

    Raises:
        PluginError: this peft has a method of that name, or lacks what a method from outside needs.
    """
    version = getattr(peft, "__version__", "of unknown version")
    try:
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
        from peft.tuners.tuners_utils import BaseTuner
        from peft.utils import PeftType, register_peft_method
    except ImportError as error:
        raise PluginError(
            f"peft {version} has no place for a method from outside ({error}); astrarium needs peft 0.21.2 or newer"
        ) from error
    if _NAME in PeftType.__members__:
        known = PEFT_TYPE_TO_CONFIG_MAPPING.get(PeftType[_NAME])
        if known is not None and known.__module__ == f"{__package__}.config":
            return
        raise PluginError(
            f"peft {version} has a method {_NAME} of its own ({known and known.__module__}), which may read the same "
            "checkpoints in another way; use the peft that astrarium's requirements name, or a newer astrarium"
        )
    if not hasattr(BaseTuner, "_remap_adapter_state_dict_for_load"):
        raise PluginError(f"peft {version} does not let a tuner read checkpoints; astrarium needs 0.21.2 or newer")
    _add_member(PeftType, _NAME)
    from astrarium.methods.bottleneck.config import BottleneckConfig
    from astrarium.methods.bottleneck.model import BottleneckModel

    register_peft_method(
        name=_NAME.lower(), config_cls=BottleneckConfig, model_cls=BottleneckModel, prefix=BottleneckModel.prefix
    )


def _add_member(enum: Any, name: str) -> None:
    """Add `name = "name"` to an enum of strings, the way `enum` itself builds its members."""
    member = str.__new__(enum, name)
    member._name_ = name
    member._value_ = name
    member._sort_order_ = len(enum._member_names_)
    member.__objclass__ = enum
    type.__setattr__(enum, name, member)
    enum._member_names_.append(name)
    enum._member_map_[name] = member
    enum._value2member_map_[name] = member
