"""Tokens that are read: their own products on a processor's matrix unit, and prompts on their way block by block."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bases import save_base
from tests.engine.engines import engine_of, run
from tests.engine.test_gguf_panels import stored
from tests.engine.test_independent import SHAPES
from tests.engine.test_layers import LAYERS

from astrarium.engine.cache import PAGE, chains
from astrarium.engine.engine import Engine
from astrarium.engine.formats.gguf import HELD, panels_of
from astrarium.engine.formats.layers import QuantisedLinear
from astrarium.engine.native import VARIABLE, _built, kernels
from astrarium.engine.reading import Reading
from astrarium.engine.request import Ticket
from astrarium.engine.sampling import Sampling

FORMS = [form for form in LAYERS if form not in ("fp32", "bf16")]
PRODUCTS = st.tuples(st.integers(1, 70), st.integers(1, 18), st.integers(1, 70))


@pytest.fixture(autouse=True)
def unit(monkeypatch: pytest.MonkeyPatch):
    """The kernels of the matrix unit; passed over where there is none."""
    module, _ = _built()
    if module is None or "amx" not in module.supported():
        pytest.skip("the processor has no matrix unit")
    monkeypatch.setenv(VARIABLE, "amx")
    kernels()
    yield
    monkeypatch.undo()
    kernels()


def check(layer: QuantisedLinear, x: torch.Tensor) -> None:
    """Both factors are rounded to bf16: an error of up to 2^-9 of a number, and 2^-8 where bits are cut off."""
    weight = layer.values().double()
    expected = torch.nn.functional.linear(x.double(), weight, None if layer.bias is None else layer.bias.double())
    terms = x.abs().double() @ weight.abs().T
    # A weight that is small beside its group's scale keeps an error of the scale's last place.
    slack = terms * 2**-7 + x.abs().double().sum(1, keepdim=True) * weight.abs().max() * 2**-10 + 1e-6
    error = layer.product(x, read=True).double() - expected
    assert (error.abs() <= slack).all()
    # The rounding leans to no side, so that errors cancel out where there are many.
    assert error.sum().abs() <= terms.sum() * (2**-8 if terms.numel() * x.shape[1] < 10_000 else 2**-10)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=PRODUCTS, with_bias=st.booleans(), seed=st.integers(0, 1000))
def test_product(form, shape, with_bias, seed):
    outputs, groups, rows = shape
    torch.manual_seed(seed)
    bias = torch.randn(outputs) if with_bias else None
    check(LAYERS[form](torch.randn(outputs, groups * 32), bias), torch.randn(rows, groups * 32))


@pytest.mark.parametrize("kind", HELD)
def test_product_of_blocks(kind):
    torch.manual_seed(0)
    check(QuantisedLinear(panels_of(stored(kind, 37, 768))), torch.randn(21, 768))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("inputs", [640, 2336, 4128])
def test_a_row_does_not_depend_on_its_neighbours(form, inputs):
    """However many there are: wide rows are cut where there are many, and summed by the same pieces where not."""
    torch.manual_seed(2)
    layer = LAYERS[form](torch.randn(48, inputs), torch.randn(48))
    x = torch.randn(600, inputs)
    alone = torch.cat([layer.product(x[at : at + 1], read=True) for at in (0, 15, 16, 299, 599)])
    for start, stop in ((0, 600), (0, 300), (0, 17)):
        found = layer.product(x[start:stop], read=True)
        for row, at in enumerate((0, 15, 16, 299, 599)):
            if at < stop:
                assert torch.equal(found[at - start], alone[row])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_number_is_passed_on(form):
    layer = LAYERS[form](torch.randn(18, 96), None)
    for bad in (torch.nan, torch.inf, -torch.inf):
        x = torch.ones(20, 96)
        x[17, 40] = bad
        finite = torch.isfinite(layer.product(x, read=True)).any(dim=1)
        assert finite.tolist() == [row != 17 for row in range(20)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(
        tmp_path_factory.mktemp("reading") / "base",
        "llama",
        **{**SHAPES["llama"], "num_hidden_layers": 4, "max_position_embeddings": 512},
    )


LONG = [(13 * at) % 250 + 1 for at in range(300)]


def decoding(engine: Engine, new: int = 60) -> Ticket:
    """A request that decodes."""
    ticket = engine.submit([5, 9, 200], sampling=Sampling(max_new_tokens=new, min_new_tokens=new))
    while not ticket.tokens:
        engine.step()
    return ticket


def halfway(engine: Engine) -> Ticket:
    """A long prompt, some of whose blocks have been run beside a request that decodes."""
    ticket = engine.submit(LONG, sampling=Sampling(max_new_tokens=6, min_new_tokens=6, logprobs=2))
    for _ in range(1000):
        engine.step()
        if engine._prompts.reading is not None and engine._prompts.reading[1].left < 4:
            return ticket
    raise AssertionError("no step ended in the middle of a piece")


def slow(engine: Engine) -> Engine:
    """One block a step, so that a piece takes several."""
    engine._prompts.pace.budget = lambda rows: 0.0  # type: ignore[method-assign]
    return engine


def answer(ticket: Ticket) -> list[object]:
    assert ticket.error is None
    return [ticket.tokens, [one.value for one in ticket.logprobs]]


@pytest.mark.parametrize("form", ["fp32", "int4"])
def test_others_decode_between_blocks(base, form):
    alone = engine_of(base, form)
    expected = alone.submit(LONG, sampling=Sampling(max_new_tokens=6, min_new_tokens=6, logprobs=2))
    run(alone)
    engine = slow(engine_of(base, form))
    short = decoding(engine)
    before = len(short.tokens)
    long = halfway(engine)
    assert len(short.tokens) > before
    run(engine)
    assert answer(long) == answer(expected)


@pytest.mark.parametrize("form", ["fp32", "int4"])
def test_who_leaves_in_the_middle_of_a_piece_leaves_nothing_behind(base, form):
    engine = slow(engine_of(base, form))
    short = decoding(engine)
    left = halfway(engine)
    other = engine.submit(LONG[::-1], sampling=Sampling(max_new_tokens=6, min_new_tokens=6, logprobs=2))
    engine.cancel(left)
    assert engine._prompts.reading is None
    run(engine)
    assert left.reason == "cancelled"
    assert short.reason == "length"
    fresh = engine_of(base, form)
    expected = fresh.submit(LONG[::-1], sampling=Sampling(max_new_tokens=6, min_new_tokens=6, logprobs=2))
    run(fresh)
    assert answer(other) == answer(expected)


def test_an_interrupted_block_is_read_anew(base, monkeypatch):
    engine = slow(engine_of(base, "int4"))
    decoding(engine)
    long = halfway(engine)
    block = type(engine.network.blocks[0])
    whole = block.__call__

    def interrupted(self, x, step, cache):
        whole(self, x, step, cache)
        if step.read:
            raise KeyboardInterrupt
        return x

    monkeypatch.setattr(block, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(10):
            engine.step()
    monkeypatch.undo()
    kernels()
    run(engine)
    fresh = engine_of(base, "int4")
    expected = fresh.submit(LONG, sampling=Sampling(max_new_tokens=6, min_new_tokens=6, logprobs=2))
    run(fresh)
    assert answer(long) == answer(expected)


def test_what_was_written_before_an_interrupt_is_told(base, monkeypatch):
    engine = slow(engine_of(base, "fp32"))
    short = decoding(engine)
    halfway(engine)
    told = len(short.tokens)
    monkeypatch.setattr(Reading, "advance", interrupt)
    with pytest.raises(KeyboardInterrupt):
        engine.step()
    assert len(short.tokens) == told + 1
    monkeypatch.undo()
    kernels()
    events = engine.step()
    assert [event.token for event in events if event.ticket is short] == short.tokens[told:]
    assert len(short.tokens) == told + 2


def interrupt(reading: Reading) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("form", "shared"), [("int4", 64), ("fp32", 128)])
def test_what_was_written_is_not_found_by_a_prompt(base, form, shared):
    """Where its numbers would differ from those of a prompt that is read."""
    engine, options = engine_of(base, form), Sampling(max_new_tokens=4, min_new_tokens=4, logprobs=2)
    first = engine.submit(LONG[:64], sampling=Sampling(max_new_tokens=80, min_new_tokens=80))
    run(engine)
    whole = [*LONG[:64], *first.tokens]
    again = engine.submit(whole, sampling=options)
    run(engine)
    assert again.shared_tokens == shared
    fresh = engine_of(base, form)
    expected = fresh.submit(whole, sampling=options)
    run(fresh)
    assert answer(again) == answer(expected)


def test_a_piece_with_what_is_no_number_is_kept_from_others(base):
    engine = slow(engine_of(base, "fp32"))
    decoding(engine, 200)
    weight = engine.network.embedding.weight
    token, values = LONG[100], weight[LONG[100]].clone()
    weight[token] = torch.nan
    ill = engine.submit(LONG, sampling=Sampling(max_new_tokens=2))
    while not ill.finished:
        engine.step()
        found = engine.cache.shared(chains(tuple(LONG[:-1]), engine.bank.seed(None)))
        assert len(found) <= 100 // PAGE  # pages before the token
        engine.cache.give_back(found)
    run(engine)
    assert ill.error is not None
    assert "not finite" in str(ill.error)
    weight[token] = values
    options = Sampling(max_new_tokens=4, min_new_tokens=4, logprobs=2)
    again, fresh = engine.submit(LONG, sampling=options), engine_of(base, "fp32")
    expected = fresh.submit(LONG, sampling=options)
    run(engine)
    run(fresh)
    assert answer(again) == answer(expected)
