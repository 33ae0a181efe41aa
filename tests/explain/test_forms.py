"""What is found in a script is found in every form of it, and a right script is right in every form."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from astrarium.bench.scripts import expected
from astrarium.explain import read_text
from tests.explain.forms import forms

FOLDER = Path(__file__).parents[2] / "benchmarks" / "explain"
NAMES = [
    "class", "class that nobody makes", "class entered", "subclass", "class methods", "tuple", "dict", "dataclass",
    "arguments", "star", "context manager", "argparse", "settings",
]  # fmt: skip
QUICK = {"class", "context manager"}


@lru_cache(maxsize=1)
def _written() -> dict[str, list[tuple[str, str, set[str]]]]:
    """Form → script, its code in that form, the rules that speak of it as it stands."""
    found: dict[str, list[tuple[str, str, set[str]]]] = {}
    for name in expected(FOLDER):
        if not name.endswith(".py") or name.startswith("unseen-1"):
            continue
        text = (FOLDER / name).read_text(encoding="utf-8")
        ids = {one.id for one in read_text(text, mend=False).findings}
        if "syntax-error" in ids or "astrarium: ignore" in text:
            continue
        for form, code in forms(text):
            found.setdefault(form, []).append((name, code, ids - {"peft-fork"}))  # which is read in comments
    return found


@pytest.mark.parametrize(
    "form", [form if form in QUICK else pytest.param(form, marks=pytest.mark.slow) for form in NAMES]
)
def test_the_findings_stay(form: str) -> None:
    written = _written()[form]
    assert len(written) > 50
    for name, code, ids in written:
        found = {one.id for one in read_text(code, mend=False).findings}
        if form == "class methods":
            ids = ids - {"device-unused"}  # of a class, anything may read it
        assert found == ids, f"{name} as {form}"
