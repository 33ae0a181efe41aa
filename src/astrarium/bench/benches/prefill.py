"""`prefill`: a prompt of 1,024 tokens on the 1B shape, against the machine's matrix rate."""

from __future__ import annotations

from astrarium.bench.bases import starcoder_1b
from astrarium.bench.bench import IDS, OURS, Bench, Setting, Verdict
from astrarium.bench.machine import Rates, by_round
from astrarium.bench.protocol import Contestant, Standing
from astrarium.bench.result import Bar, Figure
from astrarium.bench.shapes import STARCODER_1B, config_of
from astrarium.families import family_of

_TOKENS = 1024


def _contestants(setting: Setting) -> list[Contestant]:
    return [setting.ours("prefill", {"base": starcoder_1b(setting), "tokens": _TOKENS, "ids": IDS})]


def _judge(standing: Standing, rates: Rates) -> Verdict:
    config = config_of(STARCODER_1B)
    blocks = family_of(config).linears(config)[:-1]  # the output head, which sees one token only, is last
    flop = 2 * _TOKENS * sum(linear.inputs * linear.outputs for linear in blocks)
    ours = standing.played[OURS]
    reached = [flop / seconds for seconds in ours.all("prefill_s")]
    return Verdict(
        ours=Figure(_TOKENS / ours.median("prefill_s"), ours.format),
        ratios={"matmul": by_round(reached, rates.matrices)},
        ceiling={"tokens_per_s": rates.matrix * _TOKENS / flop},
    )


BENCH = Bench(
    name="prefill",
    line="a prompt of 1,024 tokens on the 1B shape, against the machine's matrix rate",
    unit="tokens/s",
    steady="prefill_s",
    bars=(Bar("matmul", 0.7),),
    contestants=_contestants,
    judge=_judge,
)
