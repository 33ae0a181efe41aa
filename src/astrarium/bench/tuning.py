"""What the benches of training share: the work, and the useful FLOP of a token.

The work is the same packed rows in the same order, 2 × 512 tokens a step, LoRA of rank 8 on all linears of the embedded
default, no dropout, AdamW, nothing recomputed; ten steps count after two of warm-up. The rows are text of the standard
library, and every token is learned.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from astrarium.bench.adapters import fresh_lora
from astrarium.bench.bench import OURS, Setting
from astrarium.bench.permuted import plain_default
from astrarium.bench.protocol import Contestant
from astrarium.families import family_of
from astrarium.sources import open_base

BATCH, LENGTH, WARM_UP, STEPS = 2, 512, 2, 12
TRAINER = "trainer"


def contestants(setting: Setting, *formats: str, steps: int = STEPS, **more: Any) -> list[Contestant]:
    """Ours and the Trainer, each in its own format (both in the first, where there is one)."""
    ours, theirs = formats[0], formats[-1]
    base = str(plain_default(setting.cache / "default-fp32"))
    config = open_base("default").config
    steps = 4 if setting.quick else steps
    work = {
        "base": base,
        "adapter": str(fresh_lora(setting.cache / "adapters" / "fresh-lora", base, config)),
        "rows": texts(BATCH * steps),
        "batch": BATCH,
        "steps": steps,
        "warm_up": WARM_UP,
        "learning_rate": 1e-4,
        **more,
    }
    return [
        train_ours({**work, "dtype": ours}),
        setting.peer(TRAINER, "hf_train", {**work, "dtype": theirs}, fresh=True, warms_up=False),
    ]


def train_ours(work: dict[str, Any]) -> Contestant:
    """Our side. Each round takes a new process, whose memory is looked at; the warm-up is in its first steps."""
    command = (sys.executable, "-m", "astrarium.bench.training")
    return Contestant(OURS, command, work, fresh=True, warms_up=False)


def texts(count: int, length: int = LENGTH) -> list[list[int]]:
    """So many rows of so many tokens, from the files of the standard library by name."""
    tokenizer = open_base("default").tokenizer()
    rows: list[list[int]] = []
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        ids = tokenizer.encode(file.read_text(encoding="utf-8", errors="replace")[: 16 * length])
        rows += [ids[at : at + length] for at in range(0, len(ids) - length + 1, length)]
        if len(rows) >= count:
            break
    return rows[:count]


def flop_a_token() -> float:
    """4 × the parameters of the blocks' linears and the head: a frozen weight needs no gradient of its own."""
    config = open_base("default").config
    return 4.0 * sum(linear.inputs * linear.outputs for linear in family_of(config).linears(config))
