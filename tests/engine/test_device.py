"""The engine on another device takes the same path: nothing is made on the CPU that belongs beside the weights.

There is no GPU here. The meta device has shapes and no numbers, and refuses to be mixed with another device, as a GPU
does; only the logits, which the engine brings to the CPU, are then given numbers.
"""

from __future__ import annotations

import functools

import pytest
import torch
from tests.engine.engines import run
from tests.engine.test_exact import BASES, made
from torch.overrides import TorchFunctionMode

from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.adapters.read import read_adapter
from astrarium.engine.adapters.target import Target
from astrarium.engine.engine import Engine
from astrarium.engine.networks import build
from astrarium.engine.reading import Reading
from astrarium.engine.sampling import Sampling
from astrarium.engine.weights import Weights, hold
from astrarium.sources import open_adapter, open_base

META = torch.device("meta")
FORMATS = ["fp32", "bf16", "int8", "int4"]


class _NoMixing(TorchFunctionMode):
    """Refuses operations on tensors of two devices; meta lets some pass (indices) that a GPU would copy for."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        found = {tensor.device.type for tensor in _tensors((args, kwargs)) if tensor.dim()}
        if len(found) > 1:
            raise AssertionError(f"{func} mixes {found}")
        return func(*args, **(kwargs or {}))


def _tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def engine_on(device: torch.device, name: str, form: str) -> Engine:
    source = open_base(str(made(name).base))
    here = hold(source.config, source.tensors(), form, source.name)
    weights = here.moved(device)
    engine = Engine(build(source.config, weights), weights, cache_tokens=2048)
    # Read over the CPU's weights: DoRA's magnitudes need their numbers, which meta has not.
    target = Target(build(source.config, here), "base", torch.bfloat16 if form == "bf16" else torch.float32)
    for adapter, folder in made(name).adapters.items():
        found = read_adapter(open_adapter(str(folder)), target).moved(device)
        engine.add_adapter(adapter, functools.partial(_same, found))
    return engine


def _same(adapter: Adapter) -> Adapter:
    return adapter


QUICK = {*((name, "fp32") for name in BASES), ("llama", "int4")}
CASES = [
    pytest.param(name, form, marks=[] if (name, form) in QUICK else pytest.mark.slow)
    for name in BASES
    for form in FORMATS
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_everything_stays_on_the_device(name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_on(META, name, form)
    forward, advance, logits_of = type(engine.network).forward, Reading.advance, type(engine.network).logits
    shapes = []

    def unmixed(step, cache):
        with _NoMixing():
            return forward(engine.network, step, cache)

    def unmixed_block(reading):
        with _NoMixing():
            advance(reading)

    def with_numbers(x, step):
        logits = logits_of(engine.network, x, step)
        assert logits.device.type == "meta"
        shapes.append(tuple(logits.shape))
        return torch.randn(logits.shape)

    engine.network.forward, engine.network.logits = unmixed, with_numbers
    monkeypatch.setattr(Reading, "advance", unmixed_block)
    monkeypatch.setattr(Reading, "finite", lambda reading: [True] * len(reading._step.segments))
    assert all(tensor.device.type == "meta" for tensor in [*engine.cache.keys, *engine.cache.values])
    assert {parameter.device.type for parameter in engine.network.parameters()} == {"meta"}
    options = Sampling(max_new_tokens=4, min_new_tokens=4, temperature=1.0, repetition_penalty=1.1, logprobs=2)
    tickets = [
        engine.submit([3 + row] * (5 + 15 * row), sampling=options, adapter=adapter)
        for row, adapter in enumerate([None, *made(name).adapters])
    ]
    run(engine)
    assert all(len(ticket.tokens) == 4 and ticket.error is None for ticket in tickets)
    assert shapes
    for adapter in [None, *made(name).adapters]:
        assert engine.logits([5, 6, 7], adapter=adapter).shape == (3, engine.vocabulary)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("name", BASES)
def test_cuda_gives_the_same(name: str) -> None:
    here, there = engine_on(torch.device("cpu"), name, "fp32"), engine_on(torch.device("cuda"), name, "fp32")
    ids = list(range(3, 60))
    for adapter in [None, *made(name).adapters]:
        difference = there.logits(ids, adapter=adapter) - here.logits(ids, adapter=adapter)
        assert difference.abs().max() < 1e-3, adapter


def test_layers_moved_keep_their_values() -> None:
    source = open_base(str(made("llama").base))
    for form in FORMATS:
        weights = hold(source.config, source.tensors(), form, source.name)
        moved = weights.moved(META)
        assert isinstance(moved, Weights)
        assert moved.nbytes == weights.nbytes
        assert weights.moved(torch.device("cpu")) is weights
        for path, layer in weights.linears.items():
            again = layer.moved(torch.device("cpu"))
            assert torch.equal(again.values(), layer.values())
            assert moved.linears[path].device == META
