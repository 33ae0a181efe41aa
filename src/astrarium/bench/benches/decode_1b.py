"""`decode-1b`: one row on the 1B shape, against transformers in bf16 and CTranslate2 in int8."""

from __future__ import annotations

from astrarium.bench.bases import converted, starcoder_1b
from astrarium.bench.bench import Bench, Setting
from astrarium.bench.decoding import RATE, by_rate, decode
from astrarium.bench.protocol import Contestant
from astrarium.bench.result import Bar


def _contestants(setting: Setting) -> list[Contestant]:
    work = decode(setting, starcoder_1b(setting))
    return [
        setting.ours("decode", work),
        setting.peer("ctranslate2", "ct2", {**work, "converted": converted(setting)}),
        setting.peer("transformers", "hf", {**work, "kind": "decode"}),
    ]


BENCH = Bench(
    name="decode-1b",
    line="one row on StarCoderBase-1B's shape, against transformers bf16 and CTranslate2 int8",
    unit="tokens/s",
    steady=RATE,
    bars=(Bar("transformers", 6), Bar("ctranslate2", 2.5)),
    contestants=_contestants,
    judge=by_rate,
)
