"""The instruction sets that tests force the kernels to, each in turn."""

from __future__ import annotations

from astrarium.engine.native import SETS, _built


def sets() -> list[str]:
    """torch's kernels, and ours for every set that this processor has."""
    module, _ = _built()
    return ["torch", *(name for name in SETS if name != "torch" and module is not None and name in module.supported())]
