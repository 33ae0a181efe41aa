"""To generate with one of the engine's families, neither transformers nor peft is imported, whatever the adapter."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.engine.test_exact import made

CODE = """
import sys
import astrarium
base, *adapters = sys.argv[1:]
model = astrarium.load(base, adapters={str(number): folder for number, folder in enumerate(adapters)})
for name in [None, *model.adapters]:
    model.ask("def f(x):", adapter=name, template="plain", max_new_tokens=3, temperature=0.5)
    model.complete("def f(x):", "\\n", prefix_only=True, adapter=name, max_new_tokens=2)
print("LOADED", len(model.adapters), *[name for name in ("transformers", "peft", "accelerate") if name in sys.modules])
"""


@pytest.mark.parametrize(
    "name",
    ["gpt_bigcode", *(pytest.param(name, marks=pytest.mark.slow) for name in ("llama", "starcoder2", "qwen2"))],
)
def test_neither_transformers_nor_peft(name: str) -> None:
    places = made(name)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(places.base), *map(str, places.adapters.values())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"LOADED {len(places.adapters)}"
