"""`quality`: what a faster weight format costs in perplexity on the embedded default, over standard library files.

int4 is judged on the permuted default (`permuted.py`): its loss against that of rounding to the nearest, in one run. A
loss comes with its standard error, from how much it differs from file to file.
"""

from __future__ import annotations

import math
import sysconfig
from pathlib import Path
from statistics import stdev

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
    losses = {name: _loss(standing, name, _REFERENCE) for name in _WHOLE if name != _REFERENCE}
    permuted = {name: _loss(standing, f"permuted-{name}", "permuted-fp32") for name in ("int8", "int4", "nearest")}
    ours, nearest = permuted["int4"], permuted["nearest"]
    return Verdict(
        ours=Figure(ours[0], "int4"),
        ratios={**{name: loss for name, (loss, _) in losses.items()}, "int4": ours[0] / nearest[0]},
        ceiling={
            "nearest_percent": nearest[0],
            "permuted_int8_percent": permuted["int8"][0],
            **{f"{name}_standard_error": error for name, (_, error) in losses.items()},
            "int4_percent_standard_error": ours[1],
        },
    )


def _loss(standing: Standing, name: str, reference: str) -> tuple[float, float]:
    """How much perplexity a contestant loses against another, in %, and the standard error of that over the files."""
    ours, theirs = (standing.played[f"{OURS} {one}"] for one in (name, reference))
    factor = math.exp(ours.median("nll") - theirs.median("nll"))
    files = [ours.median(f"nll_{file}") - theirs.median(f"nll_{file}") for file in range(_FILES)]
    return 100 * (factor - 1), 100 * factor * stdev(files) / math.sqrt(_FILES)


BENCH = Bench(
    name="quality",
    line="loss of perplexity in % by weight format on the default; of int4 against rounding to the nearest",
    unit="% of perplexity",
    steady="nll",
    bars=(
        Bar("bf16", 1, at_most=True, unit="%"),
        Bar("int8", 1, at_most=True, unit="%"),
        Bar("gguf", 1, at_most=True, unit="%"),
        Bar("int4", 0.5, at_most=True),
    ),
    contestants=_contestants,
    judge=_judge,
    repeated=False,
)
