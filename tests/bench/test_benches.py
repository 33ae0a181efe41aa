"""The benches: that each makes its contestants and judges their rounds, and what a result looks like."""

from __future__ import annotations

import dataclasses
import json
import math
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from astrarium.bench import all_benches, run, running
from astrarium.bench import bases as made
from astrarium.bench.bench import OURS, Setting, Verdict
from astrarium.bench.machine import Rates, facts
from astrarium.bench.protocol import Contestant, Played, Standing
from astrarium.bench.result import Figure
from astrarium.core.errors import BenchError
from tests.bench.test_protocol import small

RATES = Rates(reads=[30e9], matrices=[1e12])
KEYS = ["bench", "unit", "ours", "peers", "ratios", "ceiling", "rounds", "noisy", "machine", "missing_peers"]
BARS = {
    "decode-1b": {"transformers": 6, "ctranslate2": 2.5},
    "decode-ceiling": {"read-rate-int8": 0.7, "read-rate-int4": 0.6},
    "decode-135m": {"transformers": 6, "llama.cpp": 1.2},
    "batch-8": {"transformers": 4, "ctranslate2": 3},
    "mixed-8": {"own-bound": 1, "peft": 8},
    "prefill": {"matmul": 0.7},
    "load": {"transformers": 5, "first-start": 4},
    "load-7b": {"memory": 1.6, "second-start": 5},
    "long": {"token-8000": 1.5},
    "stall": {"gap": 2},
    "prefix": {"first-token": 0.2},
    "bank": {"memory": 1, "reload": 0.5},
    "quality": {"bf16": 1, "int8": 1, "gguf": 1, "int4": 0.5},
    "explain": {"precision": 0.95, "recall": 0.9, "seconds": 1},
    "train": {"trainer": 3, "matmul": 0.6},
    "train-bf16": {"trainer-bf16": 2, "matmul": 0.6},
    "train-memory": {"memory": 0.5},
    "train-1b": {"memory": 6},
    "loss": {"difference": 1e-3},
}
AT_MOST = {
    "first-start",
    "memory",
    "second-start",
    "token-8000",
    "gap",
    "first-token",
    "reload",
    "seconds",
    "difference",
}


def setting(tmp_path: Path, peers: Path | None = None) -> Setting:
    return Setting(tmp_path / "cache", tmp_path / "scratch", "python", peers)


@pytest.fixture
def _nothing_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gigabytes on the disk of who runs the tests."""
    from astrarium.bench import tuning
    from astrarium.bench.benches import quality, train_1b

    monkeypatch.setattr(made, "starcoder", lambda folder, shape: folder)
    monkeypatch.setattr(made, "random_adapter", lambda folder, *a, **k: folder)
    monkeypatch.setattr(quality, "permuted_default", lambda folder: folder)
    monkeypatch.setattr(quality, "rounded", lambda folder, base: folder)
    monkeypatch.setattr(tuning, "plain_default", lambda folder: folder)
    monkeypatch.setattr(tuning, "fresh_lora", lambda folder, *a, **k: folder)
    monkeypatch.setattr(train_1b, "random_adapter", lambda folder, *a, **k: folder)


def test_every_bench_and_its_bars() -> None:
    found = {name: {bar.name: bar.limit for bar in one.bars} for name, one in all_benches().items()}
    assert found == BARS
    for name, one in all_benches().items():
        assert one.name == name
        assert len(one.line) < 120
        assert {bar.name for bar in one.bars if bar.at_most} == set(found[name]) & AT_MOST or name == "quality"


FIGURES = {
    "tokens_per_s": 20.0, "step_s": 0.01, "base_step_s": 0.008, "adapter_bytes": 3e8, "prefill_s": 2.0, "near": 0.05,
    "far": 0.06, "alone_s": 0.1, "joined_s": 0.15, "first_s": 1.0, "second_s": 0.1, "above_bytes": 2.0**29,
    "reload_s": 0.2, "plain_s": 0.1, "requests_per_s": 5.0, "nll": 2.0, "since_start_s": 3.0, "peak_anon": 5e9,
    "precision": 1.9, "recall": 1.8, "seconds": 0.5,
    "memory_bytes": 2.0**31, "int4_bytes": 3.7e9, "loss_0": 3.0, "loss_3": 2.0,
}  # fmt: skip


@pytest.mark.usefixtures("_nothing_made")
@pytest.mark.parametrize("name", BARS)
def test_every_bench_makes_its_contestants_and_judges_them(name: str, tmp_path: Path) -> None:
    bench = all_benches()[name]
    contestants = bench.contestants(setting(tmp_path, Path("peers")))
    assert json.dumps([dict(one.work) for one in contestants])  # it goes over the line
    assert contestants[0].name.split()[0] == OURS
    figures = {key: value / 2 for key, value in FIGURES.items()}
    standing = Standing()
    for one in contestants:
        mine = FIGURES if one.name.startswith(OURS) else figures
        standing.played[one.name] = Played("int8", [mine], mine)
    if name == "quality":
        standing = Standing({one.name: Played("", [_texts(2.0)]) for one in contestants})
        for place, nll in (("bf16", 2.001), ("permuted-nearest", 2.2), ("permuted-int4", 2.1)):
            standing.played[f"{OURS} {place}"] = Played("", [_texts(nll)])
    verdict = bench.judge(standing, RATES)
    assert set(verdict.ratios) == set(BARS[name])
    assert all(bench.steady in played.rounds[0] for played in standing.played.values())


def _texts(nll: float, swing: float = 0.0) -> dict[str, float]:
    """Twenty files, of which every second loses so much more, and the others so much less."""
    return {"nll": nll, **{f"nll_{file}": nll + (swing if file % 2 else -swing) for file in range(20)}}


def test_the_standard_error_of_a_loss_by_hand() -> None:
    whole = {"fp32": 2.0, "bf16": 2.0, "int8": 2.01, "gguf": 2.0}
    permuted = {"permuted-fp32": 2.0, "permuted-int8": 2.0, "permuted-int4": 2.1, "permuted-nearest": 2.3}
    swings = {"int8": 0.003, "permuted-int4": 0.02}
    played = {
        f"{OURS} {name}": Played("", [_texts(nll, swings.get(name, 0.0))]) for name, nll in (whole | permuted).items()
    }
    verdict = all_benches()["quality"].judge(Standing(played), RATES)
    assert verdict.ratios["int8"] == pytest.approx(100 * (math.exp(0.01) - 1))
    assert verdict.ratios["int4"] == pytest.approx((math.exp(0.1) - 1) / (math.exp(0.3) - 1))
    assert verdict.ceiling["bf16_standard_error"] == 0
    # Twenty values, each `swing` from their mean: a deviation of swing × √(20 ÷ 19).
    assert verdict.ceiling["int8_standard_error"] == pytest.approx(100 * math.exp(0.01) * 0.003 / math.sqrt(19))
    assert verdict.ceiling["int4_percent_standard_error"] == pytest.approx(100 * math.exp(0.1) * 0.02 / math.sqrt(19))


@pytest.mark.usefixtures("_nothing_made")
def test_ratios_by_hand(tmp_path: Path) -> None:
    def judged(name: str, **played: dict[str, float]) -> Verdict:
        rounds = {key.replace("_", " "): Played("int8", [figures], figures) for key, figures in played.items()}
        return all_benches()[name].judge(Standing(rounds), RATES)

    rates = {"tokens_per_s": 60.0}
    assert judged("decode-1b", astrarium=rates, transformers={"tokens_per_s": 6.0}).ratios == {"transformers": 10.0}
    weights = 24 * (2048 * 2304 + 2048 * 2048 + 2 * 2048 * 8192) + 49_152 * 2048
    both = judged("decode-ceiling", astrarium_int8={"tokens_per_s": 15.0}, astrarium_int4={"tokens_per_s": 30.0})
    assert both.ratios["read-rate-int8"] == pytest.approx(15 * weights / 30e9)
    assert both.ratios["read-rate-int4"] == pytest.approx(30 * weights / 2 / 30e9)
    assert both.ours == Figure(30.0, "int8")
    changing = [{"tokens_per_s": rate} for rate in (15.0, 30.0, 10.0)]  # where the machine reads so much faster
    standing = Standing({f"{OURS} {form}": Played(form, changing) for form in ("int8", "int4")})
    verdict = all_benches()["decode-ceiling"].judge(standing, Rates([30e9, 60e9, 40e9], [1e12] * 3))
    assert verdict.ratios["read-rate-int8"] == pytest.approx(15 * weights / 30e9)
    assert verdict.ceiling["tokens_per_s_int8"] == pytest.approx(40e9 / weights)
    step = {"tokens_per_s": 800.0, "step_s": 0.010, "base_step_s": 0.006, "adapter_bytes": 90e6}
    assert judged("mixed-8", astrarium=step).ratios == {"own-bound": pytest.approx((0.006 + 1.4 * 0.003) / 0.010)}
    prefill = judged("prefill", astrarium={"prefill_s": 4.0})
    assert prefill.ratios == {"matmul": pytest.approx(2 * 1024 * (weights - 49_152 * 2048) / 4.0 / 1e12)}
    load = judged("load", astrarium={"since_start_s": 3.0}, transformers={"since_start_s": 21.0})
    assert load.ratios == {"transformers": 7.0, "first-start": 3.0}
    assert judged("long", astrarium={"near": 0.020, "far": 0.025}).ratios == {"token-8000": 1.25}
    assert judged("stall", astrarium={"alone_s": 0.5, "joined_s": 0.75}).ratios == {"gap": 1.5}
    assert judged("prefix", astrarium={"first_s": 2.0, "second_s": 0.25}).ratios == {"first-token": 0.125}
    bank = {"above_bytes": 2.0**29, "reload_s": 0.25, "plain_s": 0.125, "requests_per_s": 5.0}
    assert judged("bank", astrarium=bank).ratios == {"memory": 0.5, "reload": 0.25}
    first = {"since_start_s": 60.0, "peak_anon": 5e9, "int4_bytes": 4e9}  # of the warm-up, which rounds
    second = Played("int4", [{"since_start_s": 2.0, "peak_anon": 1e9, "int4_bytes": 4e9}], first)
    seven = all_benches()["load-7b"].judge(Standing({OURS: second}), RATES)
    assert seven.ratios == {"memory": 1.25, "second-start": 2.0}
    useful = 4 * (30 * (576 * 960 + 576 * 576 + 3 * 576 * 1536) + 49_152 * 576)
    train = judged("train", astrarium={"tokens_per_s": 900.0}, trainer={"tokens_per_s": 300.0})
    assert train.ratios == {"trainer": 3.0, "matmul": pytest.approx(900 * useful / 1e12)}
    bytes_of = ({"memory_bytes": 2.0**30}, {"memory_bytes": 2.0**32})
    assert judged("train-memory", astrarium=bytes_of[0], trainer=bytes_of[1]).ratios == {"memory": 0.25}
    assert judged("train-1b", astrarium={"tokens_per_s": 9.0, "memory_bytes": 5.0 * 2**30}).ratios == {"memory": 5.0}
    curves = ({"loss_0": 3.0, "loss_1": 2.5}, {"loss_0": 3.0, "loss_1": 2.25})
    assert judged("loss", astrarium=curves[0], trainer=curves[1]).ratios == {"difference": 0.25}


@pytest.fixture
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [20e9, 5e11, 60e9, 2e12, 30e9, 1e12]  # in the middle 30 and 1
    rates = small("machine", figures=rounds, names=["read", "matrix"])
    monkeypatch.setattr(running.machine, "contestant", lambda: dataclasses.replace(rates, warms_up=False))
    monkeypatch.setattr(running.os, "getloadavg", lambda: (0.1, 0.1, 0.1))


@pytest.mark.usefixtures("_small_machine")
def test_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = all_benches()["decode-135m"]

    def contestants(setting: Setting) -> list[Contestant]:
        absent = Contestant("transformers", ("/nowhere/python",), {})
        return [small(OURS, figures=[5, 10, 10, 9]), small("llama.cpp", figures=[9, 5, 5, 4]), absent]

    from astrarium.bench.decoding import figure, figures_of_peers

    def judge(standing: Standing, rates: Rates) -> Verdict:
        ours, peers = figure(standing, OURS, "rate"), figures_of_peers(standing, "rate")
        return Verdict(ours, {name: ours.value / peer.value for name, peer in peers.items()}, peers)

    played = dataclasses.replace(bench, contestants=contestants, judge=judge, steady="rate")
    monkeypatch.setattr(running, "bench", lambda name: played)
    monkeypatch.setattr(running, "ROUNDS", 3)
    warned: list[str] = []
    result = run("decode-135m", warn=warned.append)
    told = result.to_dict()
    assert list(told) == KEYS
    assert told["ours"] == {"value": 10.0, "format": "bf16"}
    assert told["peers"] == {"llama.cpp": {"value": 5.0, "format": "bf16"}}
    assert told["ratios"] == {"llama.cpp": 2.0}
    assert told["missing_peers"] == ["transformers"]
    assert "transformers is missing: /nowhere/python cannot be run" in warned[0]
    assert told["rounds"] == 3
    assert told["noisy"] is True  # 5, 5, 4
    assert told["ceiling"] == {"read_gb_per_s": 30.0, "matrix_tflop_per_s": 1.0}
    json.dumps(told)
    page = StringIO()
    Console(file=page, width=100).print(result.table())
    assert "at least 1.2: reached" in page.getvalue()
    assert "missing" in page.getvalue()


@pytest.mark.usefixtures("_small_machine")
def test_our_own_failure_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    played = dataclasses.replace(all_benches()["long"], contestants=lambda setting: [small(OURS, fails="die")])
    monkeypatch.setattr(running, "bench", lambda name: played)
    monkeypatch.setattr(running, "ROUNDS", 3)
    with pytest.raises(BenchError, match=r"bench long: our own side failed: astrarium: ended with status 3"):
        run("long")


@pytest.mark.slow
def test_compiled_kernels_that_are_not_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the machine's own process, which is the real one here."""
    played = dataclasses.replace(
        all_benches()["decode-135m"],
        contestants=lambda setting: [small(OURS, figures=[5, 10])],
        judge=lambda standing, rates: Verdict(Figure(1.0, "bf16"), {}),
        steady="rate",
    )
    monkeypatch.setattr(running, "bench", lambda name: played)
    monkeypatch.setattr(running, "ROUNDS", 1)
    monkeypatch.setenv("ASTRARIUM_CPU", "torch")
    warned: list[str] = []
    told = run("decode-135m", warn=warned.append).to_dict()
    assert warned == ["ASTRARIUM_CPU=torch: torch's kernels do the work, which is slower"]
    assert told["machine"]["kernels"] == f"torch: {warned[0]}"
    monkeypatch.setenv("ASTRARIUM_CPU", "avx2")
    warned.clear()
    assert run("decode-135m", warn=warned.append).machine["kernels"] == "avx2"
    assert warned == []


def test_an_interpreter_that_is_not_there() -> None:
    with pytest.raises(BenchError, match="--peers-python is /nowhere/python, which cannot be run"):
        run("decode-135m", peers_python="/nowhere/python")


def test_an_unknown_bench() -> None:
    with pytest.raises(BenchError, match="there is no bench 'decode-2b'; there are decode-1b, "):
        run("decode-2b")


def test_a_peer_without_its_worker_says_so(tmp_path: Path) -> None:
    peer = setting(tmp_path).peer("transformers", "hf", {})
    assert peer.unavailable == "the workers of the peers are not part of the package; run it from a checkout"


def test_the_machine() -> None:
    found = facts()
    assert found["cores"] >= 1
    assert found["cpu"]
    assert found["torch"]
    json.dumps(found)


def test_every_peers_worker_is_there() -> None:
    folder = running._peers()
    assert folder is not None
    assert {file.stem for file in folder.glob("*.py")} == {"line", "hf", "ct2", "llamacpp", "hf_peft", "hf_train"}
