"""One training in several processes, by torch's own distributed engine under `torchrun`; alone, none of it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.tensor import DTensor, distribute_tensor

from astrarium.core.errors import TuneError


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those of the training."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, numbers: int) -> range:
        """Which of a step's sequences are ours.

        Raises:
            TuneError: they cannot be shared out evenly.
        """
        if numbers % self.count:
            raise TuneError(
                f"sequences_per_step is {numbers}; expected a multiple of the {self.count} processes that share them"
            )
        each = numbers // self.count
        return range(self.rank * each, (self.rank + 1) * each)

    def total(self, *values: float) -> list[float]:
        """Sums over all processes, in double precision."""
        if self.count == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(together)
        return [float(value) for value in together]

    def agree(self, value: str) -> str:
        """The first process's value, in all of them; nobody goes on before all are here."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values)
        dist.barrier()
        return values[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that `torchrun` started, joined by gloo on CPUs; one alone elsewhere."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "MASTER_ADDR" not in os.environ:
        yield Processes()
        return
    began = not dist.is_initialized()
    if began:
        dist.init_process_group("gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        if began:
            dist.destroy_process_group()


def spread(passes: Any, processes: Processes, parallel: str) -> nn.Module:
    """Let the processes train one model.

    Args:
        passes: the training pass; `shard_blocks` of it lets FSDP hook into its blocks.
        processes: those that are joined.
        parallel: `ddp` or `fsdp`.
    """
    if processes.count == 1:
        module: nn.Module = passes
        return module
    if parallel == "ddp":
        return nn.parallel.DistributedDataParallel(passes)
    if not hasattr(passes, "shard_blocks"):
        raise TuneError("fsdp needs a training pass of our own, which this base has not; take --parallel ddp")
    from torch.distributed.fsdp import fully_shard

    for block in passes.shard_blocks():
        fully_shard(block)
    sharded: nn.Module = fully_shard(passes)
    return sharded


def whole(tensor: Tensor) -> Tensor:
    """A tensor of which each process may hold a part, on this process, without its graph."""
    tensor = tensor.detach()
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def put(target: Tensor, value: Tensor) -> None:
    """Fill a tensor, or this process's part of it."""
    with torch.no_grad():
        if isinstance(target, DTensor):
            value = distribute_tensor(value, target.device_mesh, target.placements, src_data_rank=None)
        target.copy_(value)
