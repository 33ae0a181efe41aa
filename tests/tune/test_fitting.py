"""A batch is chosen by what was measured, and the choice holds for the rest of the run."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

from astrarium.core.errors import TuneError
from astrarium.core.memory import available_bytes
from astrarium.model import load_base
from astrarium.tune import Settings, resume, train
from astrarium.tune import prepare as preparing
from astrarium.tune.encode import Example
from astrarium.tune.fitting import choose, watched
from astrarium.tune.packing import pack
from astrarium.tune.passes.model import Passes
from astrarium.tune.session import _measure
from tests.bases import save_base
from tests.methods.tiny import base_of
from tests.tune.test_passes import adapted
from tests.tune.test_resume import ROWS, Killed, dying

MIB = 1 << 20


@pytest.mark.parametrize(
    ("room", "most", "expected"),
    [
        (1000 * MIB, 8, (8, 0.0)),  # eight take 400 MiB
        (1000 * MIB, 3, (2, 0.0)),  # no more than are of use
        (270 * MIB, 8, (4, 0.0)),  # four take 200, eight would take 400, of 216
        (60 * MIB, 8, (1, 0.5)),  # one takes 50 of 48; half recomputed 30
        (20 * MIB, 8, (1, 1.0)),  # nothing fits: the least is tried
    ],
)
def test_the_largest_batch_that_fits(room: int, most: int, expected: tuple[int, float]) -> None:
    asked: list[int] = []

    def measure(size: int, recompute: float) -> int:
        taken = round(size * (50 - 40 * recompute)) * MIB
        asked.append(taken)
        return taken

    fit = choose(measure, most, room)
    assert (fit.micro_batch, fit.recompute) == expected
    assert fit.bytes in asked
    assert all(taken <= 0.8 * room for taken in asked[1:]) or fit.recompute > 0


def test_memory_is_watched() -> None:
    torch.ones(16 * MIB // 4)  # once freed, the C library takes such from its heap
    freed = [torch.ones(8 * MIB // 4) for _ in range(12)]
    kept = torch.ones(MIB // 4)
    del freed  # below what is kept: free, and still held
    with watched() as peak:
        tensor = torch.ones(64 * MIB // 4)
        time.sleep(0.1)  # the watcher is a thread: it has to come round
        del tensor
    assert 0.8 * 64 * MIB < peak.bytes < 200 * MIB
    assert len(kept) == MIB // 4
    assert available_bytes() > 64 * MIB


def test_a_second_measurement_sees_what_the_first_had_taken() -> None:
    model = adapted("lora", base_of("llama", num_hidden_layers=12))
    passes = Passes(model, torch.float32)
    rows = [Example(tuple(range(1, 61)), 0, str(number)) for number in range(100)]
    sequences = pack(rows, 60, "pack", 0)
    first, second = (_measure(passes, sequences, 0.0) for _ in range(2))
    assert first > 10 * MIB
    assert second > 0.75 * first


def test_auto_is_recorded_and_resumed(tmp_path: Path) -> None:
    base = load_base(str(save_base(tmp_path / "base")))
    work = {"steps": 4, "sequence_length": 64, "sequences_per_step": 4}
    settings = Settings(auto=True, packing="pad", checkpoint_every=1, trackers=False)
    said: list[str] = []
    with pytest.raises(Killed):
        train(
            ROWS,
            "lora",
            base,
            run=tmp_path / "r",
            settings=settings,
            on_progress=dying(2),
            on_stage=said.append,
            **work,
        )
    fit = json.loads((tmp_path / "r" / "run.json").read_text())["fit"]
    assert fit["micro_batch"] == 4
    assert any(line.startswith("a micro-batch of 4 takes") for line in said)
    run = resume(tmp_path / "r", rows=ROWS, base=base)
    assert json.loads((tmp_path / "r" / "run.json").read_text())["fit"] == fit
    assert run.losses.end < run.losses.base


def test_full_tuning_says_what_it_takes_and_refuses_what_cannot_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_base(tmp_path / "base")
    said: list[str] = []
    work = {"steps": 1, "sequence_length": 64, "sequences_per_step": 1}
    settings = Settings(trackers=False)
    train(ROWS, "fft", str(path), run=tmp_path / "r", settings=settings, on_stage=said.append, **work)
    count = sum(parameter.numel() for parameter in load_base(str(path)).model.parameters())
    assert any(f"full fine-tuning of {count:,} parameters takes" in line and "are free" in line for line in said)
    monkeypatch.setattr(preparing, "available_bytes", lambda: 1000)
    with pytest.raises(TuneError, match=r"full fine-tuning of .* has 0.0 GiB left. Take lora, or a smaller base"):
        train(ROWS, "fft", str(path), run=tmp_path / "full", settings=settings, **work)
    assert not (tmp_path / "full").exists()
