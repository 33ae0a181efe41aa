"""Adapters that the engine does not compute: peft merges them, and what has changed becomes the adapter's own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from torch import nn

from astrarium.core.errors import AdapterError
from astrarium.engine.adapters.parts import Adapter
from astrarium.engine.memory import available, check_fits
from astrarium.families import family_of
from astrarium.model.adapters import check_keys
from astrarium.model.base import load_base

if TYPE_CHECKING:
    from transformers import PreTrainedModel

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
        EngineError: too little memory for the copy, and for what it was before.
    """
    needed = 2 * 4 * family_of(base.config).parameters(base.config)
    what = f"adapter {source.name}: {reason}; merging it into a copy of base {base.name} in fp32"
    check_fits(what, needed, available(), "take a method that the engine computes itself, or a smaller base")
    copy = load_base(base.lasting_name, dtype="fp32").model
    with torch.inference_mode():
        before = {name: tensor.clone() for name, tensor in copy.state_dict().items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            worn = PeftModel.from_pretrained(copy, str(source.path))
            if not hasattr(worn.base_model, "merge_and_unload"):
                raise NotImplementedError("it has no weights to merge")
            check_keys(worn, "default", str(source.path))
            _untie(copy)
            whole = worn.merge_and_unload()
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


def _untie(model: PreTrainedModel) -> None:
    """Give a tied output head its own weight: what an adapter adds to the embedding is no part of the head."""
    head, embedding = (_own(module) for module in (model.get_output_embeddings(), model.get_input_embeddings()))
    if head is not None and embedding is not None and head.weight is embedding.weight:
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)


def _own(module: Any) -> Any:
    """The base's own module inside what peft has put around it."""
    while (inner := getattr(module, "base_layer", None)) is not None:
        module = inner
    return module
