"""Choosing tokens: the same tokens stay as with transformers' own processors, drawn by their probability."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from astrarium.core.errors import TextError
from astrarium.engine.choosing import likeliest_of
from astrarium.engine.sampling import Sampling, draw, penalised


def theirs(logits: torch.Tensor, options: Sampling) -> torch.Tensor:
    """Probabilities by transformers, in the order of its `generate`."""
    scores = TemperatureLogitsWarper(float(options.temperature))(None, logits.unsqueeze(0))
    if options.top_k:
        scores = TopKLogitsWarper(options.top_k)(None, scores)
    if options.top_p < 1:
        scores = TopPLogitsWarper(options.top_p)(None, scores)
    if options.min_p:
        scores = MinPLogitsWarper(options.min_p)(None, scores)
    return scores.softmax(-1)[0]


@given(
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.2, 3),
    top_k=st.integers(0, 40),
    top_p=st.floats(0.05, 1),
    min_p=st.sampled_from([0.0, 0.02, 0.3, 0.9]),
)
@settings(max_examples=60, deadline=None)
def test_only_tokens_that_transformers_keeps(
    seed: int, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    torch.manual_seed(seed)
    logits = torch.randn(50) * 3
    options = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    chances = theirs(logits, options)
    stream = torch.Generator().manual_seed(seed)
    drawn = {draw(logits, options, stream) for _ in range(40)}
    assert all(chances[token] > 0 for token in drawn)
    if (chances > 0).sum() == 1:
        assert drawn == {int(chances.argmax())}


@pytest.mark.parametrize(
    "options",
    [
        Sampling(temperature=0.7),
        Sampling(temperature=1.5, top_k=5),
        Sampling(temperature=1.0, top_p=0.8),
        Sampling(temperature=1.3, min_p=0.1),
        Sampling(temperature=1.2, top_k=8, top_p=0.9, min_p=0.05),
    ],
)
def test_the_frequencies_are_transformers_probabilities(options: Sampling) -> None:
    torch.manual_seed(0)
    logits, draws = torch.randn(12) * 2, 4000
    expected = theirs(logits, options)
    stream = torch.Generator().manual_seed(1)
    counts = torch.zeros(12)
    for _ in range(draws):
        counts[draw(logits, options, stream)] += 1
    spread = (expected * (1 - expected) / draws).sqrt()  # of a binomial's share
    assert ((counts / draws - expected).abs() <= 4.5 * spread).all()


@given(st.integers(0, 1000), st.floats(0.5, 2), st.sets(st.integers(0, 49), min_size=1))
@settings(max_examples=40, deadline=None)
def test_the_penalty_is_transformers_own(seed: int, penalty: float, seen: set[int]) -> None:
    torch.manual_seed(seed)
    logits, ids = torch.randn(50), sorted(seen)
    expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([ids]), logits.unsqueeze(0).clone())[0]
    assert torch.equal(penalised(logits, torch.tensor(ids), penalty), expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_p", 1.2),
        ("top_k", -1),
        ("top_k", 2.5),
        ("min_p", 1.0),
        ("repetition_penalty", 0.0),
        ("seed", -1),
        ("logprobs", 51),
        ("time_limit", 0.0),
        ("max_new_tokens", True),
        ("stop", ("a", "")),
        ("stop", None),
        ("stop", 5),
        ("temperature", "hot"),
        ("temperature", None),
        ("top_p", "0.5"),
        ("min_p", None),
        ("repetition_penalty", [1]),
        ("time_limit", "1"),
        ("time_limit", 10**400),
    ],
)
def test_options_out_of_range_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(TextError, match=rf"^{name} is .*; expected "):
        Sampling(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [5e-324, 1e-45, 1e-20, 1e38, 1.7e308])
@pytest.mark.parametrize("penalty", [5e-324, 1e-45, 1.0, 1e300])
def test_no_option_in_its_range_makes_a_draw_impossible(temperature: float, penalty: float) -> None:
    torch.manual_seed(0)
    logits = torch.randn(50) * 30
    logits[3] = 0
    options = Sampling(temperature=temperature, repetition_penalty=penalty, top_p=0.9, min_p=0.01)
    scores = penalised(logits, torch.arange(20), penalty)
    drawn = {draw(scores, options, torch.Generator().manual_seed(seed)) for seed in range(20)}
    assert drawn <= set(range(50))
    if temperature < 1:
        assert {float(scores[token]) for token in drawn} == {float(scores.max())}


def test_stop_texts_in_a_list_are_as_good() -> None:
    assert Sampling(stop=["a", "b"]) == Sampling(stop=("a", "b"))  # type: ignore[arg-type]


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, -1.5, 2.0, 2.0, 1e30, -3e38, math.inf, -math.inf, math.nan]), min_size=1),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([1, 7, 16, 40]),
)
def test_the_first_of_the_largest(rows: list[list[float]], times: int) -> None:
    width = min(map(len, rows)) * times
    logits = torch.tensor([(row * times)[:width] for row in rows])
    expected = [int(row.argmax()) if row.isfinite().all() else None for row in logits]
    assert likeliest_of(logits) == expected
