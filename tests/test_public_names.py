"""The public names are there, documented, and imported only when they are used."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import astrarium

ROOMS = [
    "astrarium",
    *(
        f"astrarium.{room}"
        for room in ("data", "explain", "families", "methods", "model", "report", "sources", "text", "tune")
    ),
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_there_and_documented(room: str) -> None:
    module = importlib.import_module(room)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            assert inspect.getdoc(value), f"{room}.{name} has no docstring"
            assert not str(inspect.getdoc(value)).startswith(f"{name}("), (
                f"{room}.{name} has only a generated docstring"
            )
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = module.nothing


def test_a_name_stays_what_it_is_however_it_is_reached() -> None:
    from astrarium.data import commits, functions
    from astrarium.tune import train

    assert callable(astrarium.data.functions)
    assert astrarium.data.functions is functions
    assert astrarium.data.commits is commits
    assert astrarium.tune.train is train


def test_every_module_has_a_docstring() -> None:
    for module in pkgutil.walk_packages(astrarium.__path__, "astrarium."):
        if module.name != "astrarium.__main__":
            assert importlib.import_module(module.name).__doc__, module.name
