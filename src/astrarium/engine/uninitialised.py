"""Memory for what the compiled kernels write."""

from __future__ import annotations

import torch
from torch import Tensor


def uninitialised(*shape: int) -> Tensor:
    """fp32 on the CPU, whatever torch's default dtype and device are at the moment.

    They belong to the process: transformers changes the dtype while it loads a model, perhaps in another thread.
    """
    return torch.empty(*shape, dtype=torch.float32, device="cpu")
