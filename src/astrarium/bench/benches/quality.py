"""`quality`: what a faster weight format costs in perplexity on the embedded default, over standard library files.

int4 is judged on the permuted default (`permuted.py`): its loss against that of rounding to the nearest, in one run.
"""

from __future__ import annotations

import math
import sysconfig
from pathlib import Path

from astrarium.bench.bases import DEFAULT
from astrarium.bench.bench import OURS, Bench, Setting, Verdict
from astrarium.bench.machine import Rates
from astrarium.bench.permuted import permuted_default, rounded
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure
from astrarium.core.errors import BenchError
from astrarium.sources import open_base

_FILES, _TOKENS, _QUICK_TOKENS = 20, 512, 128
_REFERENCE = "fp32"
_WHOLE = {"fp32": "fp32", "bf16": "bf16", "int8": "int8", "gguf": "gguf"}
"""What is held against fp32 on the default as it is: name → weight format."""
_PERMUTED = {"permuted-fp32": "fp32", "permuted-int8": "int8", "permuted-int4": "int4"}


def _contestants(setting: Setting) -> list[Contestant]:
    permuted = permuted_default(setting.cache / "default-permuted")
    nearest = rounded(setting.cache / "default-permuted-int4", permuted)
    sides = {
        **{name: (DEFAULT, form) for name, form in _WHOLE.items()},
        **{name: (str(permuted), form) for name, form in _PERMUTED.items()},
        "permuted-nearest": (str(nearest), _REFERENCE),
    }
    texts = _texts(_QUICK_TOKENS if setting.quick else _TOKENS)
    return [
        # Each in a new process, so that eight models are not in memory together.
        setting.ours(
            "quality",
            {"base": base, "format": form, "texts": texts},
            name=f"{OURS} {name}",
            fresh=True,
            warms_up=False,
        )
        for name, (base, form) in sides.items()
    ]


def _texts(most: int) -> list[list[int]]:
    """The first tokens of twenty files of the standard library, the first by name."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    long = [file for file in files if file.stat().st_size > 4 * _TOKENS][:_FILES]
    if len(long) < _FILES:
        raise BenchError(f"the standard library has {len(long)} files with source; bench quality needs {_FILES}")
    tokenizer = open_base(DEFAULT).tokenizer()
    # Some characters more than those tokens can have: the tokenizer warns of a whole file.
    return [tokenizer.encode(file.read_text(encoding="utf-8")[: 8 * most])[:most] for file in long]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    def loss(name: str, reference: str) -> float:
        ours, theirs = (standing.played[f"{OURS} {one}"].median("nll") for one in (name, reference))
        return 100 * (math.exp(ours - theirs) - 1)

    losses = {name: loss(name, _REFERENCE) for name in _WHOLE if name != _REFERENCE}
    permuted = {name: loss(name, "permuted-fp32") for name in (*_PERMUTED, "permuted-nearest")}
    ours = permuted["permuted-int4"]
    return Verdict(
        ours=Figure(ours, "int4"),
        ratios={**losses, "int4": ours / permuted["permuted-nearest"]},
        ceiling={"nearest_percent": permuted["permuted-nearest"], "permuted_int8_percent": permuted["permuted-int8"]},
    )


BENCH = Bench(
    name="quality",
    line="loss of perplexity in % by weight format on the default; of int4 against rounding to the nearest",
    unit="% of perplexity",
    steady="nll",
    bars=(
        Bar("bf16", 1, at_most=True),
        Bar("int8", 1, at_most=True),
        Bar("gguf", 1, at_most=True),
        Bar("int4", 0.5, at_most=True),
    ),
    contestants=_contestants,
    judge=_judge,
    repeated=False,
)
