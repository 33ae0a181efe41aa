"""Devices: which one a value names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.explain.values import (
    Device,
    Either,
    Named,
    Value,
    constant,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event


def device_of(value: Value) -> Device:
    """A value as a device; one that is not known has no place."""
    if isinstance(value, Device):
        return value
    if isinstance(value, Either):
        places = {device_of(option).where for option in value.options}
        if None in places:
            return Device(None)
        fast = sorted(place for place in places if place not in ("cpu", None))
        return Device(f"{fast[0].rstrip('?')}?" if fast and fast[0] else "cpu")
    known = constant(value)
    if isinstance(known, bool) or known is None:
        return Device(None)
    if isinstance(known, int):
        return Device("cuda")
    if isinstance(known, str):
        place = known.split(":")[0]
        return Device(place if place in ("cpu", "cuda", "mps", "xpu", "npu", "tpu", "hpu") else None)
    return Device(None)


def first_device(event: Event) -> Device | None:
    """The device among the arguments of `.to(…)`; None where it only changes the type."""
    for argument in event.arguments:
        if argument.name in (None, "device"):
            if isinstance(argument.value, Named) and argument.value.name.startswith("torch."):
                continue
            known = constant(argument.value)
            if isinstance(known, str) and known in ("float16", "bfloat16", "float32"):
                continue
            return device_of(argument.value)
    return None
