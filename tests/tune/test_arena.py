"""Memory of what a pass keeps: used again, and never while somebody still needs it."""

from __future__ import annotations

import torch

from astrarium.tune.passes.arena import Arena, keeping, kept
from astrarium.tune.passes.model import Passes
from tests.methods.tiny import base_of
from tests.tune.test_passes import adapted, batch, loss_and_gradients


def test_tensors_do_not_overlap_and_are_aligned() -> None:
    lease = Arena().lease()
    taken = [lease.take((3, size), dtype) for size in (1, 5, 70, 0, 9) for dtype in (torch.float32, torch.bfloat16)]
    for number, tensor in enumerate(taken):
        assert tensor.is_contiguous()
        assert tensor.data_ptr() % 64 == 0 or not tensor.numel()
        tensor.fill_(number)
    assert all((tensor == number).all() for number, tensor in enumerate(taken))


def test_what_is_larger_than_a_chunk_has_one_of_its_own() -> None:
    lease = Arena().lease()
    large = lease.take((70 << 20,), torch.uint8)
    small = lease.take((4,), torch.float32)
    assert large.numel() == 70 << 20
    assert small.data_ptr() not in range(large.data_ptr(), large.data_ptr() + large.numel())


def test_memory_is_used_again_when_its_lease_is_gone() -> None:
    arena = Arena()
    lease = arena.lease()
    first = lease.take((8,), torch.float32).data_ptr()
    other = arena.lease().take((8,), torch.float32)
    assert other.data_ptr() != first  # the first is still there
    del lease
    assert arena.lease().take((8,), torch.float32).data_ptr() == first


def test_outside_it_is_the_heap() -> None:
    lease = Arena().lease()
    with keeping(lease):
        within = kept((4,), torch.float32)
        with keeping(None):
            heap = kept((4,), torch.float32)
        after = kept((4,), torch.float32)
    assert within.untyped_storage().data_ptr() == after.untyped_storage().data_ptr()
    assert heap.untyped_storage().data_ptr() != within.untyped_storage().data_ptr()


def test_passes_one_after_the_other_and_two_at_once_give_the_same() -> None:
    model = adapted("lora", base_of("llama"))
    passes, flats = Passes(model, torch.float32), [batch("lora"), batch("lora", 2)]
    expected = [loss_and_gradients(Passes(model, torch.float32), model, flat) for flat in flats]
    for _ in range(2):
        for flat, (loss, gradients) in zip(flats, expected, strict=True):
            found, again = loss_and_gradients(passes, model, flat)
            assert found == loss
            assert all(torch.equal(again[name], gradient) for name, gradient in gradients.items())
    model.zero_grad()
    losses = [passes(flat)[0] for flat in flats]  # the second before the first's gradients are taken
    (0.37 * sum(losses)).backward()  # type: ignore[union-attr]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            together = expected[0][1][name] + expected[1][1][name]
            torch.testing.assert_close(parameter.grad, together)
