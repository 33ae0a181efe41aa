"""Nothing is lost: a training that is killed, stopped or out of room goes on to the weights it would have had."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from astrarium.core.errors import StoppedError, TuneError
from astrarium.data import Row, write_rows
from astrarium.model import Base, load_base
from astrarium.tune import Settings, resume, train
from astrarium.tune.loop import Progress
from astrarium.tune.run import RunFolder
from tests.bases import save_base

ROWS: list[Row] = [
    {"prompt": f"Double {number}", "completion": f"print({number} * 2)", "source": f"f{number}.py:1"}
    for number in range(24)
]
WORK: dict[str, Any] = {"steps": 8, "sequence_length": 64, "sequences_per_step": 2, "learning_rate": 1e-2}
STEP_BY_STEP = Settings(checkpoint_every=1, trackers=False)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return load_base(str(save_base(tmp_path_factory.mktemp("tune") / "base")))


def weights(run: Path) -> bytes:
    return (run / "adapter" / "adapter_model.safetensors").read_bytes()


class Killed(BaseException):
    """Stands for the end of a process: nothing in the training may catch it."""


def dying(at: int) -> Any:
    def report(progress: Progress) -> None:
        if progress.step == at:
            raise Killed

    return report


@pytest.mark.parametrize("method", ["lora", "ptuning", "fft"])
def test_a_resumed_training_comes_to_the_same_weights(method: str, base: Base, tmp_path: Path) -> None:
    settings = Settings(checkpoint_every=3, evaluate_every=2, trackers=False)
    finished = train(ROWS, method, base, run=tmp_path / "whole", settings=settings, **WORK)
    with pytest.raises(Killed):
        train(ROWS, method, base, run=tmp_path / "r", settings=settings, on_progress=dying(5), **WORK)
    assert json.loads((tmp_path / "r" / "run.json").read_text())["state"] == "running"
    (tmp_path / "r" / "checkpoints" / ".step-6.x.part").mkdir()  # what a kill in the middle of a checkpoint leaves
    resumed = resume(tmp_path / "r", rows=ROWS, base=base)
    assert resumed.losses == finished.losses
    assert not list((tmp_path / "r" / "checkpoints").glob(".*"))
    for file in finished.adapter.glob("*.safetensors"):
        assert (resumed.adapter / file.name).read_bytes() == file.read_bytes()

    def told(run: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        skipped = ("time", "tokens_per_second", "seconds_left")
        return [{key: value for key, value in line.items() if key not in skipped} for line in lines]

    assert told("r") == told("whole")


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_weights(base: Base, tmp_path: Path) -> None:
    """The real thing: SIGKILL at several moments, `--resume` on the command line, one thread."""
    write_rows(tmp_path / "rows.jsonl", ROWS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "astrarium", "tune"]
    options = ["--base", base.source.name, "--checkpoint-every", "1", "--no-trackers", "--seed", "3"]
    options += ["--steps", "60", "--sequence-length", "64", "--sequences-per-step", "2", "--learning-rate", "1e-2"]
    begin = [*command, str(tmp_path / "rows.jsonl"), *options]
    subprocess.run([*begin, "--run", str(tmp_path / "whole")], env=environment, check=True, capture_output=True)
    run = tmp_path / "killed"
    current = [*begin, "--run", str(run)]
    for moment in (5, 23, 41):
        process = subprocess.Popen(current, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        metrics = run / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and len(metrics.read_text().splitlines()) > moment):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        current = [*command, "--resume", str(run)]
    done = subprocess.run([*current, "--json"], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["run"] == str(run)
    assert weights(run) == weights(tmp_path / "whole")


def test_ctrl_c_ends_at_the_next_step_with_a_checkpoint(base: Base, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(StoppedError, match="stopped after step [34] of 8.*astrarium tune --resume"):
        train(ROWS, "lora", base, run=tmp_path / "r", settings=Settings(trackers=False), on_progress=interrupt, **WORK)
    assert signal.getsignal(signal.SIGINT) is before
    assert resume(tmp_path / "r", rows=ROWS, base=base).adapter.is_dir()
    train(ROWS, "lora", base, run=tmp_path / "whole", settings=Settings(trackers=False), **WORK)
    assert weights(tmp_path / "r") == weights(tmp_path / "whole")


def test_a_full_disk_in_the_middle_of_a_checkpoint(base: Base, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress: Progress) -> None:
        if progress.step == 3:  # a log line still fits, a checkpoint no more
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    try:
        with pytest.raises(TuneError, match="step-3 cannot be written: .*the checkpoint of step 2 is whole; make room"):
            train(ROWS, "parallel", base, run=tmp_path / "r", settings=STEP_BY_STEP, on_progress=fill, **WORK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {entry.name for entry in (tmp_path / "r" / "checkpoints").iterdir()} == {"step-1", "step-2"}
    resume(tmp_path / "r", rows=ROWS, base=base)
    train(ROWS, "parallel", base, run=tmp_path / "whole", settings=STEP_BY_STEP, **WORK)
    assert weights(tmp_path / "r") == weights(tmp_path / "whole")


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(base: Base, tmp_path: Path) -> None:
    changes = {**WORK, "learning_rate": 1e30, "steps": 30}
    with pytest.raises(TuneError, match=r"the loss at step 2 is nan, in the row f\d+.py:1"):
        train(ROWS, "lora", base, run=tmp_path / "r", settings=Settings(trackers=False), **changes)
    assert [entry.name for entry in (tmp_path / "r" / "checkpoints").iterdir()] == ["step-1"]


def test_checkpoints_and_data_of_something_else(base: Base, tmp_path: Path) -> None:
    for name in ("a", "b"):
        with pytest.raises(Killed):
            train(ROWS, "lora", base, run=tmp_path / name, settings=STEP_BY_STEP, on_progress=dying(3), **WORK)
    with pytest.raises(TuneError, match="the data is not what"):
        resume(tmp_path / "a", rows=ROWS[1:], base=base)
    with pytest.raises(TuneError, match="rows that were given in Python; give them again"):
        resume(tmp_path / "a", base=base)
    (tmp_path / "a" / "checkpoints").rename(tmp_path / "gone")
    (tmp_path / "b" / "checkpoints").rename(tmp_path / "a" / "checkpoints")
    with pytest.raises(TuneError, match="is of another run"):
        resume(tmp_path / "a", rows=ROWS, base=base)
    damaged = tmp_path / "a" / "checkpoints" / "step-2" / "trained.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-10])
    with pytest.raises(TuneError, match="step-2 is damaged .* remove it to go on from the one before"):
        resume(tmp_path / "a", rows=ROWS, base=base)
    with pytest.raises(TuneError, match="is no run: it has no run.json"):
        resume(tmp_path / "nothing", rows=ROWS, base=base)
    resume(tmp_path / "b", rows=ROWS, base=base)  # without checkpoints, from the beginning
    with pytest.raises(TuneError, match="is finished; its adapter is in"):
        resume(tmp_path / "b", rows=ROWS, base=base)


def test_the_best_is_kept_and_patience_ends_a_training(base: Base, tmp_path: Path) -> None:
    said: list[str] = []
    settings = Settings(evaluate_every=1, patience=2, sample=4, trackers=False, keep=1)
    # At a rate as high as this, validation gets worse from some step on.
    changes = {**WORK, "learning_rate": 0.8, "steps": 40, "schedule": "constant"}
    run = train(ROWS, "lora", base, run=tmp_path / "r", settings=settings, on_stage=said.append, **changes)
    record = json.loads((tmp_path / "r" / "run.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["validation_loss"] for line in lines if "validation_loss" in line and line["step"]}
    best = min(losses, key=lambda step: losses[step])
    assert record["best_step"] == best
    assert run.losses.end == losses[best]
    assert record["steps_done"] == best + 2 < 40
    assert any("ending early" in line for line in said)
    samples = [line["sample"] for line in lines if "sample" in line]
    assert all(set(sample) == {"source", "prompt", "answer"} for sample in samples)
    alone = lines[0]["sample_of_base"]
    assert (alone["source"], alone["prompt"]) == (samples[0]["source"], samples[0]["prompt"])
    assert alone["answer"] != samples[-1]["answer"]  # at this rate the adapter says something else than the base
    steps = {int(entry.name.rpartition("-")[2]) for entry in (tmp_path / "r" / "checkpoints").iterdir()}
    assert steps == {best, best + 2}


@pytest.mark.slow
def test_two_at_once_do_not_share_a_run(base: Base, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", ROWS)
    run, told = tmp_path / "r", []

    def another_resumes(progress: Progress) -> None:
        command = [sys.executable, "-m", "astrarium", "tune", "--resume", str(run)]
        told.append(subprocess.run(command, capture_output=True, text=True, check=False))

    train(
        tmp_path / "rows.jsonl", "lora", base, run=run, settings=STEP_BY_STEP, on_progress=another_resumes,
        **{**WORK, "steps": 1},
    )  # fmt: skip
    assert told[0].returncode == 1
    assert f"another process trains in {run}" in " ".join(told[0].stderr.split())
    assert json.loads((run / "run.json").read_text())["state"] == "finished"


def test_a_folder_that_was_taken_meanwhile(tmp_path: Path) -> None:
    mine, named = (RunFolder(tmp_path / "lora-base-1", {}, fresh=True, named=named) for named in (False, True))
    (tmp_path / "lora-base-1").mkdir()
    (tmp_path / "lora-base-1" / "run.json").write_text("{}")
    (tmp_path / "lora-base-2").mkdir()
    with mine.held(first=True):
        assert mine.path == tmp_path / "lora-base-3"
    with pytest.raises(TuneError, match="lora-base-1 was taken by another training"), named.held(first=True):
        pass


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"colour": 1}}, "run.json is damaged: .*colour"),
        ({"settings": 7}, "run.json is damaged"),
        ({"method": None}, "has no entry 'method'"),
    ],
)
def test_a_damaged_record(change: dict[str, Any], told: str, base: Base, tmp_path: Path) -> None:
    run = tmp_path / "r"
    with pytest.raises(Killed):
        train(ROWS, "lora", base, run=run, settings=STEP_BY_STEP, on_progress=dying(2), **WORK)
    entries = json.loads((run / "run.json").read_text()) | change
    (run / "run.json").write_text(json.dumps({key: value for key, value in entries.items() if value is not None}))
    with pytest.raises(TuneError, match=told):
        resume(run, rows=ROWS, base=base)


def test_a_validation_that_is_no_number_keeps_the_last_good_checkpoint(base: Base, tmp_path: Path) -> None:
    run = tmp_path / "r"
    work = {**WORK, "steps": 3, "learning_rate": 3e38, "schedule": "constant", "warmup_steps": 0}
    settings = Settings(checkpoint_every=1, evaluate_every=1, trackers=False)
    with pytest.raises(TuneError, match="the validation loss after step 1 is nan; nothing of that step is kept"):
        train(ROWS, "fft", base, run=run, settings=settings, **work)
    assert not (run / "model").exists()
    assert not list((run / "checkpoints").glob("*"))
