"""`decode-135m`: one row on the embedded default, against transformers in bf16 and llama.cpp on the same file."""

from __future__ import annotations

from astrarium.bench.bases import DEFAULT, default_file
from astrarium.bench.bench import Bench, Setting
from astrarium.bench.decoding import RATE, by_rate, decode
from astrarium.bench.protocol import Contestant
from astrarium.bench.result import Bar


def _contestants(setting: Setting) -> list[Contestant]:
    work = decode(setting, str(default_file()))
    return [
        setting.ours("decode", {**work, "base": DEFAULT}),
        setting.peer("llama.cpp", "llamacpp", work),
        setting.peer("transformers", "hf", {**work, "kind": "decode"}),
    ]


BENCH = Bench(
    name="decode-135m",
    line="one row on the embedded default, against transformers bf16 and llama.cpp on the same file",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("transformers", 6), Bar("llama.cpp", 1.2)),
    contestants=_contestants,
    judge=by_rate,
)
