"""Requests: stop texts, logprobs, limits of tokens and time, cancelling, prompts in pieces, what is shared."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.bases import save_adapter, save_base
from tests.engine.engines import engine_of, run, wear
from tests.vocabularies import our_tokenizer

from astrarium.core.errors import EngineError, TextError
from astrarium.engine.cache import pages_for
from astrarium.engine.choosing import logprob
from astrarium.engine.engine import Engine
from astrarium.engine.pace import Pace
from astrarium.engine.sampling import Sampling
from astrarium.text.feed import Feed

PROMPT = [5, 9, 200, 3, 77, 31]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("requests") / "base")


@pytest.fixture
def engine(base: Path) -> Engine:
    return engine_of(base, decode=our_tokenizer().decode, ends=[0])


def ask(engine: Engine, **options: object):
    ticket = engine.submit(PROMPT, sampling=Sampling(**options))
    run(engine)
    return ticket


def test_stop_texts_across_the_borders_of_tokens(engine: Engine) -> None:
    whole = ask(engine, max_new_tokens=40, min_new_tokens=40)
    text = whole.text
    borders = [len(our_tokenizer().decode(whole.tokens[:n])) for n in range(1, 40)]
    for border in borders[3:30:4]:
        stop = text[border - 2 : border + 2]
        if len(stop) < 4:
            continue
        found = ask(engine, max_new_tokens=40, min_new_tokens=40, stop=(stop, "never there"))
        assert found.text == text[: text.index(stop)]
        assert found.reason == "stop"
        assert len(found.tokens) < 40
    assert engine.cache.available == engine.cache.pages


def test_logprobs(engine: Engine) -> None:
    ticket = ask(engine, max_new_tokens=6, min_new_tokens=6, logprobs=5)
    logits = engine.logits(PROMPT + ticket.tokens)[len(PROMPT) - 1 : -1]
    for place, one in enumerate(ticket.logprobs):
        expected = logits[place].log_softmax(-1)
        assert one.token == ticket.tokens[place]
        assert one.value == pytest.approx(float(expected[one.token]), abs=1e-4)
        assert [value for _, value in one.likeliest] == pytest.approx(expected.topk(5).values.tolist(), abs=1e-4)
    bare = ask(engine, max_new_tokens=2, min_new_tokens=2, logprobs=0)
    assert all(one.likeliest == () for one in bare.logprobs)
    assert ask(engine, max_new_tokens=2).logprobs == []


def test_reasons(engine: Engine, base: Path) -> None:
    whole = ask(engine, max_new_tokens=40, min_new_tokens=40)
    assert whole.reason == "length"
    place = next(at for at, token in enumerate(whole.tokens) if token not in whole.tokens[:at] and at >= 1)
    other = engine_of(base, ends=[whole.tokens[place]])
    ticket = other.submit(PROMPT, sampling=Sampling(max_new_tokens=40))
    run(other)
    assert ticket.reason == "end"
    assert ticket.tokens == whole.tokens[:place]
    held = other.submit(PROMPT, sampling=Sampling(max_new_tokens=place + 1, min_new_tokens=place + 1))
    run(other)
    assert held.reason == "length"
    assert whole.tokens[place] not in held.tokens


def test_a_time_limit_ends_with_what_there_is(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    clock = SimpleNamespace(monotonic=lambda: now, perf_counter=time.perf_counter)
    monkeypatch.setattr("astrarium.engine.engine.time", clock)
    engine = engine_of(base, most_rows=2)
    late = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=200, min_new_tokens=200, time_limit=2))
    other = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=5, min_new_tokens=5))
    waiting = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=3, time_limit=1.5))
    engine.step()
    now += 1
    engine.step()
    assert not late.finished
    now += 1
    run(engine)
    assert (late.reason, len(late.tokens)) == ("time", 2)
    assert (waiting.reason, waiting.tokens) == ("time", [])
    assert len(other.tokens) == 5
    assert engine.cache.available == engine.cache.pages


def test_cancelling_gives_everything_back(engine: Engine) -> None:
    engine._most_rows = 2
    tickets = [engine.submit(PROMPT, sampling=Sampling(max_new_tokens=30, min_new_tokens=30)) for _ in range(4)]
    engine.step()
    engine.cancel(tickets[0])
    engine.cancel(tickets[3])
    engine.cancel(tickets[3])
    run(engine)
    assert [ticket.reason for ticket in tickets] == ["cancelled", "length", "length", "cancelled"]
    assert tickets[3].tokens == []
    assert tickets[1].tokens == tickets[2].tokens
    assert tickets[0].tokens == tickets[1].tokens[: len(tickets[0].tokens)]
    assert engine.cache.available == engine.cache.pages


def test_events_tell_all(engine: Engine) -> None:
    ticket = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=8, min_new_tokens=8))
    events = []
    while engine.busy:
        events += engine.step()
    assert [event.token for event in events if event.token is not None] == ticket.tokens
    assert "".join(event.text for event in events) == ticket.text == our_tokenizer().decode(ticket.tokens)


def test_a_long_prompt_does_not_stop_those_that_decode(base: Path) -> None:
    engine = engine_of(base)
    short = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=60, min_new_tokens=60))
    engine.step()
    long = engine.submit([7] * 200, sampling=Sampling(max_new_tokens=2, min_new_tokens=2))
    steps = 0
    while not long.tokens:
        before = len(short.tokens)
        engine.step()
        steps += 1
        if not short.finished:
            assert len(short.tokens) == before + 1
    assert steps > 1  # it came in pieces
    run(engine)
    alone = engine_of(base)
    expected = alone.submit([7] * 200, sampling=Sampling(max_new_tokens=2, min_new_tokens=2))
    run(alone)
    assert long.tokens == expected.tokens


def test_pace_learns_what_a_block_costs() -> None:
    pace = Pace()
    assert pace.chunk(4) == 32
    for _ in range(20):
        pace.decoded(4, 0.1)
        tokens = pace.chunk(4)
        pace.read(tokens, 0.01 + tokens * 0.0005)  # what a block takes at any rate, and for a token
    assert 115 <= pace.chunk(4) <= 121  # of 0.7 of a step's 0.1 s
    assert pace.block(pace.chunk(4)) <= pace.budget(4) == pytest.approx(0.07)
    for _ in range(50):
        pace.read(pace.chunk(4), 10.0)
    assert pace.chunk(4) == 16
    for _ in range(80):
        pace.read(pace.chunk(4), 0.0001)
    assert pace.chunk(4) == 256


def test_a_beginning_is_shared_and_what_follows_is_not(base: Path) -> None:
    engine, options = engine_of(base), Sampling(max_new_tokens=4, min_new_tokens=4, logprobs=3)
    common = [(7 * at) % 250 + 1 for at in range(100)]
    first = engine.submit([*common, 9], sampling=options)
    run(engine)
    again = engine.submit([*common, 11, 12], sampling=options)
    run(engine)
    assert (first.shared_tokens, again.shared_tokens) == (0, 96)
    fresh = engine_of(base)
    expected = fresh.submit([*common, 11, 12], sampling=options)
    run(fresh)
    assert again.tokens == expected.tokens
    assert again.logprobs == expected.logprobs
    follow = engine.submit([*common, 11, 12, *again.tokens, 5], sampling=options)  # the answer, and on
    run(engine)
    assert follow.shared_tokens == 96


def test_memory_is_taken_as_tokens_are_written_not_as_they_are_allowed(base: Path) -> None:
    engine = engine_of(base)
    ticket = engine.submit([5, 6, 7], sampling=Sampling(max_new_tokens=200, min_new_tokens=200))
    page = engine.cache.shape.page_bytes
    while engine.busy:
        engine.step()
        written = len(ticket.tokens) + 3
        assert engine.memory()["cache"] == pages_for(written - 1) * page  # the last token is not run
    assert len(ticket.tokens) == 200


def test_many_requests_through_a_small_cache(base: Path) -> None:
    engine = engine_of(base, cache_tokens=128)
    tickets = [
        engine.submit([at + 1] * (20 + at), sampling=Sampling(max_new_tokens=20, min_new_tokens=20)) for at in range(12)
    ]
    run(engine)
    assert all(len(ticket.tokens) == 20 for ticket in tickets)
    with pytest.raises(EngineError, match="the request needs 160 positions of the cache, which has 128"):
        engine.submit([1] * 100, sampling=Sampling(max_new_tokens=40))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "the prompt has no tokens; give some text"),
        ([1, 5000], r"token id 5000 is not in the vocabulary; ids are 0 to 29\d"),
        ([1, -4], "token id -4 is not in the vocabulary"),
        ([1] * 256, "the prompt has 256 tokens; the model's context is 256"),
        ([1] * 400, "the prompt has 400 tokens; the model's context is 256"),
        ([1, 2.0], r"the prompt is '\[1, 2.0\]'; expected token ids, which are whole numbers"),
        ([1, float("nan")], "expected token ids"),
        (torch.tensor([1.5]), "expected token ids"),
        (["a"], "expected token ids"),
        ("abc", "the prompt is 'abc'; expected token ids"),
        (None, "expected token ids"),
    ],
)
def test_prompts_that_cannot_be_run_leave_the_others_alone(base: Path, ids: Any, message: str) -> None:
    engine = engine_of(base)
    options = Sampling(max_new_tokens=6, min_new_tokens=6)
    expected = engine.submit(PROMPT, sampling=options)
    run(engine)
    other = engine.submit(PROMPT, sampling=options)
    engine.step()
    with pytest.raises(TextError, match=message):
        engine.submit(ids)
    run(engine)
    assert other.tokens == expected.tokens


def test_options_of_the_engine(base: Path) -> None:
    for options, message in (({"most_rows": 0}, "most_rows is 0"), ({"cache_tokens": 0}, "cache_tokens is 0")):
        with pytest.raises(EngineError, match=message):
            engine_of(base, **options)
    with pytest.raises(EngineError, match="no tokenizer, and stop texts need one"):
        engine_of(base).submit(PROMPT, sampling=Sampling(stop=("x",)))


def test_weights_that_overflow_fail_their_request_alone(base: Path, tmp_path: Path) -> None:
    engine = engine_of(base)
    huge = save_adapter(tmp_path / "huge", base, "lora", std=1e25)
    wear(engine, "huge", huge)
    good = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=6, min_new_tokens=6))
    bad = engine.submit([9] * 70, sampling=Sampling(max_new_tokens=6), adapter="huge")
    run(engine)
    assert bad.reason == "error"
    assert "logits are not finite" in str(bad.error)
    assert len(good.tokens) == 6
    long = engine.submit([9] * 70, sampling=Sampling(max_new_tokens=6), adapter="huge")
    other = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=6, min_new_tokens=6))
    while not other.tokens:
        engine.step()
    engine.step()
    assert long.reason == "error"  # in the middle of its prompt
    engine.cancel(other)
    # What it left in the cache is not found, and spoils nobody's pages.
    for seed in range(4):
        ticket = engine.submit([seed + 1] * 60, sampling=Sampling(max_new_tokens=3, min_new_tokens=3))
        run(engine)
        assert ticket.error is None
    assert torch.isfinite(engine.logits([4] * 64)).all()


def test_an_error_in_one_row_is_that_row_s_alone(base: Path) -> None:
    tokenizer = our_tokenizer()
    alone = engine_of(base, decode=tokenizer.decode)
    expected = ask(alone, max_new_tokens=12, min_new_tokens=12)
    engine = engine_of(base, decode=tokenizer.decode)
    before, broken, after = (
        engine.submit(PROMPT, sampling=Sampling(max_new_tokens=12, min_new_tokens=12)) for _ in range(3)
    )
    request = engine._waiting[1]
    engine.step()
    request.feed = Feed(lambda ids: {}[0])  # type: ignore[misc]
    run(engine)
    assert broken.reason == "error"
    assert str(broken.error) == "the request failed: KeyError: 0"
    assert before.tokens == after.tokens == expected.tokens
    assert before.text == after.text == expected.text
    assert engine.cache.available == engine.cache.pages


@pytest.mark.parametrize("late", [False, True])
def test_an_adapter_that_cannot_be_computed_fails_its_own_rows(base: Path, tmp_path: Path, late: bool) -> None:
    """While prompts are read together, and while rows decode together."""
    engine = engine_of(base)
    wear(engine, "good", save_adapter(tmp_path / "good", base, "parallel"))
    wear(engine, "bad", save_adapter(tmp_path / "bad", base, "parallel", seed=2))
    options = Sampling(max_new_tokens=8, min_new_tokens=8)
    names = (None, "good", "bad")
    expected = [engine.submit(PROMPT, sampling=options, adapter=name) for name in names[:2]]
    run(engine)
    tickets = [engine.submit(PROMPT, sampling=options, adapter=name) for name in names]
    while late and not all(ticket.tokens for ticket in tickets):
        engine.step()
    place = engine.bank._places["bad"].worn
    assert place is not None
    for parts in place.adapter.sites.values():
        parts[:] = [replace(part, activation="never heard of") for part in parts]  # type: ignore[call-arg]
    engine.network.forget_layouts()
    run(engine)
    assert [ticket.tokens for ticket in tickets[:2]] == [ticket.tokens for ticket in expected]
    assert tickets[2].reason == "error"
    assert "activation 'never heard of' is not known" in str(tickets[2].error)
    assert engine.cache.available == engine.cache.pages


def test_a_step_that_is_interrupted_is_gone_on_from(base: Path) -> None:
    tokenizer = our_tokenizer()
    expected = ask(engine_of(base, decode=tokenizer.decode), max_new_tokens=12, min_new_tokens=12)
    calls = 0

    def interrupted(ids: Any) -> str:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return tokenizer.decode(ids)

    engine = engine_of(base, decode=tokenizer.decode)
    first = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=12, min_new_tokens=12))
    engine._waiting[0].feed = Feed(interrupted)
    others = [engine.submit(PROMPT, sampling=Sampling(max_new_tokens=12, min_new_tokens=12)) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run(engine)
    engine.cancel(first)
    run(engine)
    assert [ticket.tokens for ticket in others] == [expected.tokens] * 2
    assert engine.cache.available == engine.cache.pages


def test_who_sees_the_end_finds_all_the_text(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may look at any time: the reason comes after the last of the text."""
    seen = []
    finish = Feed.finish

    def watched(feed: Feed) -> str:
        seen.append(ticket.reason)
        return finish(feed)

    monkeypatch.setattr(Feed, "finish", watched)
    ticket = engine.submit(PROMPT, sampling=Sampling(max_new_tokens=4, min_new_tokens=4))
    run(engine)
    assert seen == [None]
    assert ticket.reason == "length"


def test_more_logprobs_than_tokens() -> None:
    assert len(logprob(1, torch.tensor([0.0, 1.0, 2.0]), 50).likeliest) == 3
