"""The kernels of every instruction set, each forced in turn."""

import pytest

from astrarium.engine.native import SETS, VARIABLE, _built, kernels


@pytest.fixture(params=SETS)
def instructions(request, monkeypatch):
    """One instruction set, forced; passed over where this processor, or this build, has it not."""
    module, reason = _built()
    if request.param != "torch" and (module is None or request.param not in module.supported()):
        pytest.skip(f"{request.param} is not here: {reason or 'the processor lacks it'}")
    monkeypatch.setenv(VARIABLE, request.param)
    kernels()
    yield request.param
    monkeypatch.undo()
    kernels()
