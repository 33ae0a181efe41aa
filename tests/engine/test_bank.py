"""The adapter bank: held up to a limit, the least recently used let go and read again, none taken from a request."""

from __future__ import annotations

import json
import math
import shutil
import threading
from pathlib import Path

import pytest
import torch
from tests.bases import save_adapter, save_base
from tests.engine.engines import engine_of, run, wear

from astrarium.core.errors import AdapterError, AstrariumError
from astrarium.engine.adapters.bank import Bank
from astrarium.engine.adapters.parts import Adapter, low_rank
from astrarium.engine.adapters.read import read_adapter
from astrarium.engine.adapters.target import Target
from astrarium.engine.sampling import Sampling
from astrarium.sources import open_adapter

ENDLESS = "(.*)" * 8 + "".join(rf"\{number}" for number in range(1, 9))
"""A pattern that takes for ever."""
LONG = Sampling(max_new_tokens=20, min_new_tokens=20)


def small(name: str, reads: list[str] | None = None) -> Adapter:
    if reads is not None:
        reads.append(name)
    part = low_rank("beside", torch.ones(4, 32), torch.ones(32, 4), 1.0, torch.float32)
    return Adapter(name, {"x": [part]})


ONE = small("one").nbytes


def test_hundreds_within_the_limit_and_the_least_recently_used_leaves() -> None:
    reads: list[str] = []
    bank = Bank(limit=10 * ONE)
    for number in range(300):
        bank.add(f"a{number}", lambda number=number: small(f"a{number}", reads))
    assert len(bank.names) == 300
    assert bank.nbytes <= 10 * ONE
    assert set(bank.held) == {f"a{number}" for number in range(290, 300)}
    assert bank.take("a290").adapter.name == "a290"  # the oldest of those held is now the newest
    bank.give_back("a290")
    assert len(reads) == 300
    assert bank.take("a5").adapter.name == "a5"
    assert reads[300:] == ["a5"]
    assert "a290" in bank.held
    assert "a291" not in bank.held


def test_adapters_in_use_stay_whatever_they_take() -> None:
    left = []
    bank = Bank(limit=2 * ONE, on_leave=lambda: left.append(bank.held))
    for name in "abcde":
        bank.add(name, lambda name=name: small(name))
    worn = {name: bank.take(name) for name in "abc"}
    assert set(bank.held) >= set("abc")
    assert bank.nbytes == 3 * ONE
    bank.give_back("a")
    assert "a" not in bank.held  # at once: nobody need come for it
    bank.take("d")
    assert {"b", "c", "d"} <= set(bank.held)
    assert bank.take("b") is worn["b"]
    assert left


def test_dropping() -> None:
    bank = Bank()
    bank.add("a", lambda: small("a"))
    bank.take("a")
    with pytest.raises(AdapterError, match="adapter 'a' is in use by a request; cancel it, or wait"):
        bank.drop("a")
    with pytest.raises(AdapterError, match="there is an adapter 'a' already"):
        bank.add("a", lambda: small("a"))
    bank.give_back("a")
    before = bank.seed("a")
    bank.drop("a")
    with pytest.raises(AdapterError, match="no adapter 'a' is loaded; loaded are: none"):
        bank.take("a")
    bank.add("a", lambda: small("a"))
    assert bank.seed("a") != before  # what is cached under the old one is not found under the new one


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("bank") / "base")


def test_answers_are_the_same_after_leaving_and_coming_back(base: Path, tmp_path: Path) -> None:
    engine = engine_of(base, adapter_bytes=1)
    names = [f"a{seed}" for seed in range(6)]
    for seed, name in enumerate(names):
        wear(engine, name, save_adapter(tmp_path / name, base, ("lora", "parallel")[seed % 2], seed=seed))
    answers: dict[str, list[int]] = {}
    for name in [*names, *reversed(names), *names]:
        ticket = engine.submit([3, 4, 5], sampling=LONG, adapter=name)
        run(engine)
        assert answers.setdefault(name, ticket.tokens) == ticket.tokens
        assert engine.bank.held == (name,)
    assert len({tuple(tokens) for tokens in answers.values()}) > 3


def test_loaded_and_dropped_while_others_run(base: Path, tmp_path: Path) -> None:
    one, two = (save_adapter(tmp_path / f"{seed}", base, "lora", seed=seed) for seed in (1, 2))
    quiet = engine_of(base)
    wear(quiet, "one", one)
    alone = quiet.submit([3, 4, 5], sampling=LONG, adapter="one")
    run(quiet)
    engine = engine_of(base)
    wear(engine, "one", one)
    ticket = engine.submit([3, 4, 5], sampling=LONG, adapter="one")
    for _ in range(5):
        engine.step()
        wear(engine, "two", two)
        other = engine.submit([3, 4], sampling=LONG, adapter="two")
        engine.step()
        with pytest.raises(AdapterError, match="in use by a request"):
            engine.drop_adapter("two")
        engine.cancel(other)
        engine.drop_adapter("two")
    run(engine)
    assert ticket.tokens == alone.tokens


def test_adapters_leave_memory_in_the_middle_of_steps(base: Path, tmp_path: Path) -> None:
    """Requests of other lengths end one by one, and each lets its adapter go from under a recorded batch."""
    folders = {
        f"{method}{seed}": save_adapter(tmp_path / f"{method}{seed}", base, method, seed=seed, std=0.2)
        for method in ("lora", "parallel", "ia3")
        for seed in range(2)
    }

    def answers(limit: int) -> list[list[int]]:
        engine = engine_of(base, adapter_bytes=limit)
        for name, folder in folders.items():
            wear(engine, name, folder)
        tickets = [
            engine.submit(
                [3 + row], sampling=Sampling(max_new_tokens=4 + 3 * row, min_new_tokens=4 + 3 * row), adapter=name
            )
            for row, name in enumerate([*folders, *folders])
        ]
        run(engine)
        assert engine.bank.nbytes <= limit or len(engine.bank.held) <= 1
        return [ticket.tokens for ticket in tickets]

    assert answers(1) == answers(1 << 30)


def test_others_are_served_while_an_adapter_is_read(base: Path, tmp_path: Path) -> None:
    engine = engine_of(base)
    source = open_adapter(str(save_adapter(tmp_path / "slow", base, "lora")))
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Adapter:
        begun.set()
        assert go_on.wait(60)
        return read_adapter(source, Target(engine.network, "base"))

    thread = threading.Thread(target=engine.add_adapter, args=("slow", slow))
    thread.start()
    assert begun.wait(60)
    ticket = engine.submit([1, 2, 3], sampling=Sampling(max_new_tokens=3, min_new_tokens=3))
    run(engine)
    assert ticket.reason == "length"
    assert engine.bank.names == ()
    go_on.set()
    thread.join()
    assert engine.bank.names == ("slow",)


def test_an_adapter_that_cannot_be_read_again_fails_its_request_alone(base: Path, tmp_path: Path) -> None:
    engine = engine_of(base, adapter_bytes=1)
    gone = save_adapter(tmp_path / "gone", base, "lora")
    wear(engine, "gone", gone)
    wear(engine, "other", save_adapter(tmp_path / "other", base, "ia3"))  # takes its place in memory
    shutil.rmtree(gone)
    lost = engine.submit([3], sampling=LONG, adapter="gone")
    served = engine.submit([3], sampling=LONG, adapter="other")
    run(engine)
    assert lost.reason == "error"
    assert isinstance(lost.error, AstrariumError)
    assert "there is no adapter" in str(lost.error)
    assert str(gone) in str(lost.error)
    assert len(served.tokens) == 20
    assert engine.cache.available == engine.cache.pages


def test_another_adapter_of_the_name_while_a_request_waits(base: Path, tmp_path: Path) -> None:
    engine = engine_of(base, most_rows=1)
    wear(engine, "a", save_adapter(tmp_path / "p", base, "ptuning"))
    first = engine.submit([3], sampling=LONG)
    engine.step()
    waiting = engine.submit([3], sampling=LONG, adapter="a")
    engine.drop_adapter("a")
    wear(engine, "a", save_adapter(tmp_path / "l", base, "lora"))
    run(engine)
    assert len(first.tokens) == 20
    assert "was replaced while the request waited" in str(waiting.error)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("r", 0),
        ("r", "x"),
        ("lora_alpha", []),
        ("lora_alpha", math.nan),
        ("target_modules", "["),
        ("exclude_modules", "["),
        ("target_modules", ENDLESS),
        ("rank_pattern", {ENDLESS[:-2]: 4}),
        ("rank_pattern", 5),
        ("alpha_pattern", ["a"]),
    ],
)
def test_adapter_configurations_that_make_no_sense(base: Path, tmp_path: Path, key: str, value: object) -> None:
    folder = save_adapter(tmp_path / "a", base, "lora")
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    engine = engine_of(base)
    with pytest.raises(AdapterError, match=r"adapter .*, made for .*, does not fit base base: ") as raised:
        wear(engine, "a", folder)
    assert "\n" not in str(raised.value)
    assert engine.bank.names == ()


def test_an_activation_that_nobody_knows(base: Path, tmp_path: Path) -> None:
    folder = save_adapter(tmp_path / "a", base, "parallel")
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "non_linearity": "x"}))
    engine = engine_of(base)
    with pytest.raises(AdapterError, match=r"does not fit base base: .*activation 'x' is not known; expected one of"):
        wear(engine, "a", folder)
    assert engine.bank.names == ()
