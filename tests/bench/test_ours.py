"""Our side's figures, over an engine that plays a script on a clock of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from astrarium.bench import ours


@dataclass(eq=False)
class Ticket:
    id: int
    adapter: str | None
    new: int
    unread: int
    tokens: list[int] = field(default_factory=list)
    cancelled: bool = False
    shared_tokens: int = 0

    @property
    def finished(self) -> bool:
        return self.cancelled or len(self.tokens) == self.new


class ScriptedEngine:
    """Reads prompts in pieces, one a step, and gives every row that has been read a token a step."""

    format = "int4"

    def __init__(self, clock: list[float], chunk: int = 1000) -> None:
        self.clock, self.chunk = clock, chunk
        self.tickets: list[Ticket] = []
        self.seen: set[tuple[int, ...]] = set()

    def submit(self, prompt_ids: list[int], sampling: Any, adapter: str | None = None) -> Ticket:
        assert sampling.min_new_tokens == sampling.max_new_tokens
        known = tuple(prompt_ids[:1000]) in self.seen
        self.seen.add(tuple(prompt_ids[:1000]))
        unread, shared = (0, len(prompt_ids)) if known else (len(prompt_ids), 0)
        self.tickets.append(Ticket(len(self.tickets), adapter, sampling.max_new_tokens, unread, shared_tokens=shared))
        return self.tickets[-1]

    @property
    def busy(self) -> bool:
        return any(not ticket.finished for ticket in self.tickets)

    def step(self) -> list[Any]:
        waiting = [ticket for ticket in self.tickets if ticket.unread]
        running = [ticket for ticket in self.tickets if not ticket.unread and not ticket.finished]
        if waiting:
            read = min(self.chunk, waiting[0].unread)
            waiting[0].unread -= read
            self.clock[0] += read * 0.001
            if not waiting[0].unread:
                running.append(waiting[0])
        self.clock[0] += 0.010 + 0.002 * sum(ticket.adapter is not None for ticket in running)
        for ticket in running:
            ticket.tokens.append(7)
        return [SimpleNamespace(ticket=ticket, token=7) for ticket in running]

    def cancel(self, ticket: Ticket) -> None:
        ticket.cancelled = True

    def memory(self) -> dict[str, int]:
        return {"adapters": 1234}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = [0.0]
    monkeypatch.setattr(ours.time, "perf_counter", lambda: clock[0])
    engine = ModuleType("astrarium.engine")
    engine.Sampling = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "astrarium.engine", engine)
    adapters: list[str] = []
    return SimpleNamespace(
        engine=ScriptedEngine(clock), adapters=adapters, add_adapter=lambda name, place: adapters.append(name)
    )


def prompts(rows: int, length: int) -> list[list[int]]:
    return [[row * 10_000 + place for place in range(length)] for row in range(rows)]


def test_decoding_counts_from_the_first_token_to_the_last(model: Any) -> None:
    figures = ours._KINDS["decode"](model, {"prompts": prompts(1, 64), "new": 65})
    assert figures["tokens_per_s"] == pytest.approx(64 / 0.64)
    assert figures["step_s"] == pytest.approx(0.010)


def test_rows_that_begin_apart_count_from_the_last_first_token(model: Any) -> None:
    # Eight prompts are read one a step, so that the rows end apart too: what was written before the last began is
    # left out, and so is its time.
    figures = ours._KINDS["decode"](model, {"prompts": prompts(8, 64), "new": 65})
    counted = sum(64 - before for before in range(8))
    assert figures["tokens_per_s"] == pytest.approx(counted / 0.64)


def test_mixed_rows_and_plain_rows(model: Any) -> None:
    work = {"prompts": prompts(2, 64), "new": 17, "rows": ["a", "b"]}
    figures = ours._KINDS["mixed"](model, work)
    assert figures["step_s"] == pytest.approx(0.014)
    assert figures["base_step_s"] == pytest.approx(0.010)
    assert figures["adapter_bytes"] == 1234


def test_prefill_and_prefix(model: Any) -> None:
    assert ours._KINDS["prefill"](model, {"tokens": 500, "ids": [300, 40_000]})["prefill_s"] == pytest.approx(0.51)
    figures = ours._KINDS["prefix"](model, {"common": 1000, "ids": [300, 40_000]})
    assert figures["first_s"] > 1.0
    assert figures["second_s"] == pytest.approx(0.01)


def test_long(model: Any) -> None:
    figures = ours._KINDS["long"](model, {"near": prompts(1, 95)[0], "far": prompts(2, 7990)[1], "steps": 10})
    assert figures["near"] == pytest.approx(figures["far"]) == pytest.approx(0.010)


def test_stall_takes_the_gaps_while_the_prompt_is_read(model: Any) -> None:
    model.engine.chunk = 100
    work = {"prompts": prompts(7, 64), "new": 2000, "joining": 4000, "ids": [300, 40_000]}
    for _ in range(2):  # in the second round, too, although the cache keeps what was read
        figures = ours._KINDS["stall"](model, work)
        assert figures["alone_s"] == pytest.approx(0.010)
        assert figures["joined_s"] == pytest.approx(0.110)  # a piece of 100 tokens in each step
    assert not model.engine.busy


def test_a_stall_by_a_prompt_that_is_known_is_an_error(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_unread", lambda count, ids: list(range(count)))
    work = {"prompts": prompts(7, 64), "new": 2000, "joining": 4000, "ids": [300, 40_000]}
    ours._KINDS["stall"](model, work)
    with pytest.raises(RuntimeError, match="4000 tokens of the joining prompt lay in the cache"):
        ours._KINDS["stall"](model, work)


def test_a_stall_that_cannot_be_seen_is_an_error(model: Any) -> None:
    model.engine.chunk = 10
    work = {"prompts": prompts(7, 64), "new": 400, "joining": 4000, "ids": [300, 40_000]}
    with pytest.raises(RuntimeError, match="rows were finished before the prompt was read"):
        ours._KINDS["stall"](model, work)


def test_bank_asks_for_every_adapter(model: Any) -> None:
    ours._ALONE.clear()
    figures = ours._KINDS["bank"](model, {"prompts": prompts(1, 8), "bank": {"a": "x", "b": "y", "c": "z"}})
    assert model.adapters == ["a", "b", "c"]
    asked = [ticket.adapter for ticket in model.engine.tickets if ticket.adapter]
    assert sorted(asked[:3]) == ["a", "b", "c"]
    assert asked[3] == asked[0]  # used longest ago
    assert figures["reload_s"] == pytest.approx(0.012)


def test_the_bank_counts_from_before_the_first_adapter_was_read(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours._ALONE.clear()
    monkeypatch.setattr(ours, "process_bytes", lambda kind: 5000 + 100 * len(model.adapters))
    work = {"prompts": prompts(1, 8), "bank": {"a": "x", "b": "y"}}
    for _ in range(2):  # in later rounds, too, which find them there
        assert ours._KINDS["bank"](model, work)["above_bytes"] == 200
        assert model.adapters == ["a", "b"]


def test_tokens_that_do_not_come_are_an_error(model: Any) -> None:
    step: Callable[[], Sequence[Any]] = model.engine.step
    model.engine.step = lambda: step()[:0]
    with pytest.raises(RuntimeError, match="wrote 65 tokens in 0 events; expected 65"):
        ours._KINDS["decode"](model, {"prompts": prompts(1, 64), "new": 65})
