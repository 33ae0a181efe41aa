"""Finding a family by its `model_type`."""

from __future__ import annotations

from collections.abc import Mapping

from astrarium.core.errors import MethodError
from astrarium.families import gpt2, gpt_bigcode, llama, mistral, qwen2, starcoder2
from astrarium.families.family import Config, Family

_FAMILIES: Mapping[str, Family] = {
    module.FAMILY.model_type: module.FAMILY for module in (gpt_bigcode, starcoder2, llama, mistral, qwen2, gpt2)
}


def known() -> tuple[str, ...]:
    """The `model_type` of every family that is described here."""
    return tuple(_FAMILIES)


def family_of(config: Config) -> Family:
    """The family of a configuration.

    Raises:
        MethodError: its `model_type` is not described here.
    """
    model_type = config.get("model_type")
    if model_type not in _FAMILIES:
        raise MethodError(
            f"family {model_type!r} is not known; known are {', '.join(known())}. An adapter can still be made where "
            "its sites are named (target_modules, site_kinds)"
        )
    return _FAMILIES[str(model_type)]


def site_kinds(model_type: str) -> Mapping[str, str]:
    """Last path component → kind, of the linears that have one; nothing for a family that is not known."""
    family = _FAMILIES.get(model_type)
    return {} if family is None else family.kinds
