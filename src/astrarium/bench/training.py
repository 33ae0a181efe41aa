"""Our side of the benches of training: the worker that tunes an adapter by `tune`'s own loop, and times its steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from astrarium.bench.worker import Round, serve
from astrarium.core.memory import process_bytes


def prepare(work: dict[str, Any]) -> tuple[str, Round]:
    """Nothing is loaded before the round: what the process holds then is what its imports take."""
    return str(work["dtype"]), lambda: _train(work)


def _train(work: Mapping[str, Any]) -> dict[str, float]:
    """Steps of training; the first `warm_up` do not count."""
    import peft
    import torch

    import astrarium.tune.session  # all that a training imports  # noqa: F401
    from astrarium.methods import recipe
    from astrarium.model import load_base
    from astrarium.tune import Settings
    from astrarium.tune.checkpoints import State
    from astrarium.tune.loop import Loop
    from astrarium.tune.loss import pass_of
    from astrarium.tune.processes import Processes

    torch.set_num_threads(work["threads"])
    before = process_bytes("VmRSS")
    base = load_base(work["base"], dtype=work["dtype"])
    model: Any = peft.PeftModel.from_pretrained(base.model, work["adapter"], is_trainable=True)
    model.train()
    dtype = torch.bfloat16 if work["dtype"] == "bf16" else torch.float32
    passes, note = pass_of(model, dtype, 0, work.get("recompute", 0.0))
    if note:
        raise RuntimeError(note)
    batch, steps, warm_up = work["batch"], work["steps"], work["warm_up"]
    chosen = recipe("lora").replace(
        learning_rate=work["learning_rate"],
        schedule="constant",
        warmup_steps=0,
        weight_decay=0.0,
        steps=steps,
        sequences_per_step=batch,
    )
    settings = Settings(micro_batch=batch, dtype=work["dtype"])
    loop = Loop(passes, _packed(work["rows"]), chosen, settings, State("bench"), Processes(), in_order=True)
    losses, times = [], []
    for _ in range(steps):
        losses.append(loop.step().loss)
        times.append(time.perf_counter())
    tokens = (steps - warm_up) * batch * len(work["rows"][0])
    figures = {
        "tokens_per_s": tokens / (times[-1] - times[warm_up - 1]),
        "memory_bytes": process_bytes("VmHWM") - before,
    }
    return {**figures, **{f"loss_{number}": loss for number, loss in enumerate(losses)}}


def _packed(rows: list[list[int]]) -> list[Any]:
    from astrarium.tune.encode import Example
    from astrarium.tune.packing import PackedSequence

    sequences = []
    for number, ids in enumerate(rows):
        sequence = PackedSequence()
        sequence.add(Example(tuple(ids), 0, f"row {number}"))
        sequences.append(sequence)
    return sequences


if __name__ == "__main__":
    serve(prepare)
