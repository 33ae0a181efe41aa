"""Adapters that the engine does not compute: peft merges them, and what has changed becomes the adapter's own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from torch import nn

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter
from astrarium.model.base import load_base

if TYPE_CHECKING:
    from astrarium.engine.adapters.target import Target
    from astrarium.sources import AdapterSource, BaseSource


def merged(source: AdapterSource, base: BaseSource, target: Target, reason: str) -> Adapter:
    """An adapter as the weights that it changes.

    Args:
        source: its files.
        base: the base's.
        target: the base in the engine.
        reason: why it is not computed beside the base.

    Raises:
        AdapterError: peft cannot load or merge it, or it changes what the engine cannot replace.
    """
    copy = load_base(base.lasting_name, dtype="fp32").model
    if (head := copy.get_output_embeddings()) is not None:
        # Beside a base, peft changes a tied embedding alone; merged into the tied one it would change the head with it.
        head.weight = nn.Parameter(head.weight.clone(), requires_grad=False)
    with torch.inference_mode():
        before = {name: tensor.clone() for name, tensor in copy.state_dict().items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = PeftModel.from_pretrained(copy, str(source.path)).merge_and_unload()
    except Exception as error:  # peft's own, of any kind
        what = " ".join(str(error).split())[:300]
        raise AdapterError(f"adapter {source.name}: {reason}, and peft cannot merge it: {what}") from error
    adapter = Adapter(source.name)
    for name, tensor in whole.state_dict().items():
        if name in before and not torch.equal(before[name], tensor):
            path, _, kind = name.rpartition(".")
            if path not in target.modules:
                raise AdapterError(f"adapter {source.name} changes {name}, which the engine cannot replace")
            own = adapter.replaced.setdefault(path, {})
            own[kind] = tensor.float().contiguous()
            for other in ("weight", "bias"):
                if f"{path}.{other}" in before and other not in own:
                    own[other] = whole.state_dict()[f"{path}.{other}"].float().contiguous()
    size = adapter.nbytes / 2**20
    adapter.notes.append(
        f"{reason}; it is merged into a copy of {len(adapter.replaced)} modules ({size:.0f} MiB), which is slower"
    )
    return adapter.moved(target.network.device)
