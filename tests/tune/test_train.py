"""A training lowers the loss, leaves a run that can be asked, and gives the base back as it was."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import astrarium
from astrarium.core.errors import DataError, MethodError, TuneError
from astrarium.data import Row, digest
from astrarium.methods import METHODS, recipe
from astrarium.model import Base, load_base
from astrarium.tune import Settings, train
from astrarium.tune.loop import Progress, rate_at
from tests.bases import save_base

ROWS: list[Row] = [
    {"prompt": f"Double {number}", "completion": f"print({number} * 2)", "source": f"f{number}.py:1"}
    for number in range(24)
]
RATES = {"lora": 2e-2, "ia3": 1e-1, "ptuning": 1e-2, "adapterh": 1e-2, "adapterp": 1e-2, "parallel": 1e-2, "fft": 1e-2}
FAST: dict[str, Any] = {"steps": 12, "sequence_length": 64, "sequences_per_step": 2}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    still = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return load_base(str(save_base(tmp_path_factory.mktemp("tune") / "base", **still)))


def logits(base: Base) -> torch.Tensor:
    with torch.no_grad():
        return base.model(torch.tensor([[5, 9, 20, 3]])).logits


@pytest.mark.parametrize("method", METHODS)
def test_each_method_lowers_the_loss_and_leaves_a_run(method: str, base: Base, tmp_path: Path) -> None:
    before = logits(base)
    seen: list[Progress] = []
    run = train(ROWS, method, base, run=tmp_path / "r", learning_rate=RATES[method], on_progress=seen.append, **FAST)
    assert torch.equal(logits(base), before)
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    assert not hasattr(base.model, "peft_config")
    assert run.losses.end < min(run.losses.start, run.losses.base)
    assert (run.losses.start == run.losses.base) == (method in ("lora", "ia3", "fft"))
    assert [progress.step for progress in seen] == list(range(1, 13))
    record = json.loads((tmp_path / "r" / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["data_digest"] == digest(ROWS)
    assert record["base_digest"] == base.source.digest()
    assert record["losses"]["end"] == run.losses.end
    assert record["rows"] == {"training": 22, "validation": 2, "too_long": 0}
    assert set(record["versions"]) == {"astrarium", "torch", "transformers", "peft", "tokenizers"}
    metrics = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in metrics] == [0, *range(1, 13), 12]
    if method == "fft":
        alone = astrarium.load(str(run.adapter))
        assert alone.ask("Double 3", template="astraios", max_new_tokens=4) is not None
        return
    files = {file.name for file in run.adapter.iterdir()}
    assert files == {"adapter_config.json", "adapter_model.safetensors", "astrarium.json"}
    metadata = json.loads((run.adapter / "astrarium.json").read_text())
    assert (metadata["template"], metadata["method"], metadata["base"]) == (
        "astraios",
        method,
        base.source.lasting_name,
    )
    model = astrarium.load(base.source.name, run.path, format="int8")
    assert model.notes == []
    assert model.ask("Double 3", max_new_tokens=8) != model.ask(
        "Double 3", adapter=None, template="astraios", max_new_tokens=8
    )


def test_the_same_seed_gives_the_same_adapter(base: Base, tmp_path: Path) -> None:
    weights = []
    for name in ("a", "b", "c"):
        seed = 1 if name == "c" else 0
        run = train(ROWS, "adapterp", base, run=tmp_path / name, settings=Settings(seed=seed), **FAST)
        weights.append((run.adapter / "adapter_model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(packing="concatenate"),
        Settings(packing="pad", micro_batch=2),
        Settings(loss="full", template="plain"),
        Settings(validation=0.5),
    ],
)
def test_other_settings_learn_too(settings: Settings, base: Base, tmp_path: Path) -> None:
    run = train(ROWS, "lora", base, run=tmp_path / "r", settings=settings, learning_rate=2e-2, **FAST)
    assert run.losses.end < run.losses.base


def test_a_step_is_the_same_however_it_is_cut_into_micro_batches(base: Base, tmp_path: Path) -> None:
    losses = []
    for size in (1, 4):
        settings = Settings(packing="pad", micro_batch=size)
        changes = {**FAST, "sequences_per_step": 4, "options": {"lora_dropout": 0.0}}
        seen: list[float] = []
        train(
            ROWS,
            "lora",
            base,
            run=tmp_path / str(size),
            settings=settings,
            on_progress=lambda p, seen=seen: seen.append(p.loss),
            **changes,
        )  # type: ignore[misc]
        losses.append(seen)
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_the_schedule_warms_up_and_comes_down() -> None:
    chosen = recipe("lora")
    factors = [rate_at(step, chosen) for step in range(chosen.steps)]
    assert factors[0] == pytest.approx(1 / 13)
    assert factors[12] == 1.0
    assert all(before < after for before, after in itertools.pairwise(factors[:13]))
    assert all(before > after for before, after in itertools.pairwise(factors[12:]))
    assert factors[-1] < 0.001


@pytest.mark.parametrize(("schedule", "half"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)])
def test_schedules_meet_in_the_middle_and_are_checked(schedule: str, half: float) -> None:
    chosen = recipe("lora").replace(schedule=schedule, warmup_steps=0, steps=100)
    assert rate_at(0, chosen) == 1.0
    assert rate_at(50, chosen) == pytest.approx(half)
    assert rate_at(25, chosen) == pytest.approx({"linear": 0.75, "cosine": 0.8536, "constant": 1.0}[schedule], abs=1e-4)
    with pytest.raises(TuneError, match="schedule is 'steep'; expected cosine, linear or constant"):
        rate_at(0, chosen.replace(schedule="steep"))


def test_rows_that_do_not_fit_are_counted(base: Base, tmp_path: Path) -> None:
    long: Row = {"prompt": "Long", "completion": "x = 1\n" * 80, "source": "long.py:1"}
    run = train([*ROWS, long], "lora", base, run=tmp_path / "r", **FAST)
    assert run.rows_too_long == 1
    assert run.rows_used == 24


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "qlora"}, MethodError, "method 'qlora' is not known"),
        ({"steps": 0}, TuneError, "steps is 0; expected 1 or more"),
        ({"learning_rate": -1.0}, TuneError, "learning_rate is -1.0; expected above 0"),
        ({"sequence_length": 1000}, TuneError, "sequence_length is 1000; base .* reaches 256 tokens"),
        ({"sequences_per_step": 0}, TuneError, "sequences_per_step is 0"),
        ({"rank": 3}, TuneError, "rank is no setting of a recipe; known are learning_rate"),
        ({"rows": []}, DataError, "0 rows cannot be split"),
        (
            {"learning_rate": 1e30, "steps": 30},
            TuneError,
            "the loss at step .* is (nan|inf), in the row f[0-9]+.py",
        ),
    ],
)
def test_what_cannot_be_trained(
    arguments: dict[str, Any], error: type[Exception], message: str, base: Base, tmp_path: Path
) -> None:
    before = logits(base)
    with pytest.raises(error, match=message):
        train(**{"rows": ROWS, "method": "lora", "base": base, "run": tmp_path / "r", **FAST, **arguments})
    assert not (tmp_path / "r" / "adapter").exists()
    assert torch.equal(logits(base), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packing": "tight"}, "packing is tight; expected one of pack, concatenate, pad"),
        ({"loss": "half"}, "loss is half"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"clip": 0.0}, "clip is 0.0"),
    ],
)
def test_settings_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TuneError, match=message):
        Settings(**options)


def test_a_run_is_never_written_over(base: Base, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "thesis.txt").write_text("x")
    with pytest.raises(TuneError, match="exists already; name another folder with --run"):
        train(ROWS, "lora", base, run=tmp_path / "r", **FAST)
    assert [file.name for file in (tmp_path / "r").iterdir()] == ["thesis.txt"]
