"""Several processes train as one would, FSDP really shares out the weights, and a killed worker loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from astrarium.data import Row, write_rows
from tests.bases import save_base

ROWS: list[Row] = [
    {
        "prompt": f"Double {number}",
        "completion": f"print({number} * {'2' * (number % 5 + 1)})",
        "source": f"f{number}:1",
    }
    for number in range(24)
]
CHANGES = {"steps": 6, "sequence_length": 64, "sequences_per_step": 4, "learning_rate": 1e-2}
SCRIPT = Path(__file__).with_name("distributed.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    save_base(folder / "base")
    write_rows(folder / "rows.jsonl", ROWS)
    return folder


def started(place: Path, processes: int, name: str, *, fails: bool = False, **order: Any) -> dict[str, Any]:
    settings = {"dtype": "fp32", "packing": "pad", "checkpoint_every": 1, "trackers": False}
    order = {
        "run": str(place / name),
        "base": str(place / "base"),
        "rows": str(place / "rows.jsonl"),
        "method": "lora",
        "changes": CHANGES,
        **order,
        "settings": {**settings, **order.get("settings", {})},
    }
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(SCRIPT), json.dumps(order)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode != 0) == fails, done.stderr[-12000:]
    written = place / f"{name}.0.json"
    return dict(json.loads(written.read_text())) if written.exists() else {}


def weights(run: Path) -> dict[str, Any]:
    folder = run / "adapter" if (run / "adapter").exists() else run / "model"
    return load_file(next(iter(folder.glob("*.safetensors"))))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "parallel"), [("lora", "ddp"), ("lora", "fsdp"), ("parallel", "ddp"), ("fft", "fsdp")]
)
def test_two_processes_give_the_losses_of_one(method: str, parallel: str, place: Path) -> None:
    name = f"{method}-{parallel}"
    alone = started(place, 1, f"{name}-1", method=method)
    both = started(place, 2, f"{name}-2", method=method, settings={"parallel": parallel})
    assert both["losses"] == pytest.approx(alone["losses"], abs=2e-5)
    assert both["norms"] == pytest.approx(alone["norms"], rel=1e-3)
    assert both["sharded"] == (parallel == "fsdp")
    if parallel == "fsdp":
        assert both["kind"].startswith("FSDP")
        assert both["local"] < 0.6 * both["all"]
    else:
        assert both["kind"] == "DistributedDataParallel"
    one, two = weights(place / f"{name}-1"), weights(place / f"{name}-2")
    assert one.keys() == two.keys()
    for key, value in one.items():
        assert (value - two[key]).abs().max() < 2e-3, key


@pytest.mark.slow
def test_a_killed_worker_leaves_its_checkpoint_and_another_number_goes_on(place: Path) -> None:
    whole = started(place, 1, "unbroken")
    started(place, 2, "broken", fails=True, die_after=3)
    checkpoints = sorted(entry.name for entry in (place / "broken" / "checkpoints").iterdir() if entry.name[0] != ".")
    assert checkpoints == ["step-1", "step-2"]
    rest = started(place, 1, "broken", resume=True)
    assert rest["losses"] == pytest.approx(whole["losses"][2:], abs=2e-5)
    one, two = weights(place / "unbroken"), weights(place / "broken")
    for key, value in one.items():
        assert (value - two[key]).abs().max() < 2e-3, key


@pytest.mark.slow
def test_sequences_that_cannot_be_shared_out(place: Path) -> None:
    settings = {"dtype": "fp32", "packing": "pad"}
    changes = {**CHANGES, "sequences_per_step": 3}
    order = {
        "run": str(place / "odd"), "base": str(place / "base"), "rows": str(place / "rows.jsonl"), "method": "lora",
        "changes": changes, "settings": settings,
    }  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(SCRIPT), json.dumps(order)], env=environment, capture_output=True, text=True)
    assert "sequences_per_step is 3; expected a multiple of the 2 processes" in done.stderr
    assert not (place / "odd").exists()
