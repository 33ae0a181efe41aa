"""TensorBoard and trackio are written to where they are installed; these tests skip where they are not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from astrarium.data import write_rows
from astrarium.model import load_base
from astrarium.tune import Settings, resume, train
from tests.bases import save_base
from tests.tune.test_resume import ROWS, Killed, dying

WORK: dict[str, Any] = {"steps": 6, "sequence_length": 64, "sequences_per_step": 2, "learning_rate": 1e-2}


def test_tensorboard_has_each_step_once_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    base = load_base(str(save_base(tmp_path / "base")))
    settings = Settings(checkpoint_every=1, evaluate_every=2)
    with pytest.raises(Killed):
        train(ROWS, "lora", base, run=tmp_path / "r", settings=settings, on_progress=dying(4), **WORK)
    resume(tmp_path / "r", rows=ROWS, base=base)
    events = EventAccumulator(str(tmp_path / "r" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("validation_loss")] == [0, 2, 4, 6]


def test_trackio_is_written_to_and_keeps_off_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackio")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    base = save_base(tmp_path / "base")
    write_rows(tmp_path / "rows.jsonl", ROWS)
    options = ["--base", base, "--run", tmp_path / "r", "--steps", 2, "--sequence-length", 64, "--json"]
    command = [sys.executable, "-m", "astrarium", "tune", tmp_path / "rows.jsonl", *options, "--sequences-per-step", 1]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["method"] == "lora"
    assert list((tmp_path / "trackio").glob("astrarium*"))
