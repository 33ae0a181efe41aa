"""Which sequences a step sees."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrarium.tune.feed import Feed, draw_seed


@given(count=st.integers(1, 30), per_step=st.integers(1, 7), seed=st.integers(0, 5), last=st.integers(1, 20))
def test_a_step_sees_the_same_however_it_was_come_to(count: int, per_step: int, seed: int, last: int) -> None:
    going, jumping = (Feed(range(count), seed, per_step) for _ in range(2))
    steps = [going.step(step) for step in range(1, last + 1)]
    assert jumping.step(last) == steps[-1]
    assert jumping.step(1) == steps[0]  # and back
    seen = Counter(number for step in steps for number in step)
    assert max(seen.values()) - min(seen.get(number, 0) for number in range(count)) <= 1  # epoch after epoch


@pytest.mark.parametrize("other", [(1, 1), (0, 2)], ids=["seed", "epoch"])
def test_another_seed_and_another_epoch_have_another_order(other: tuple[int, int]) -> None:
    seed, epoch = other
    assert Feed(range(40), 0, 40).step(1) != Feed(range(40), seed, 40).step(epoch)


def test_in_order() -> None:
    assert [Feed("abc", 3, 2, in_order=True).step(step) for step in (1, 2)] == [["a", "b"], ["c", "a"]]


def test_what_is_drawn_differs_by_seed_step_and_place() -> None:
    drawn = {draw_seed(seed, step, place) for seed in range(3) for step in range(3) for place in range(3)}
    assert len(drawn) == 27
