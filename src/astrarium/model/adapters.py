"""Which adapters a base wears: loads them through stock peft, by name, one method of peft at a time."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from peft.utils.save_and_load import load_peft_weights
from torch import nn

from astrarium.core.errors import AdapterError
from astrarium.model.base import Base

if TYPE_CHECKING:
    from astrarium.sources import AdapterSource

_SHOWN = 3
_FACTS = {"token_dim": "hidden_size", "num_layers": "num_hidden_layers", "num_attention_heads": "num_attention_heads"}


@dataclass(slots=True)
class Wardrobe:
    """The adapters of one base. peft holds several adapters of one method; another method takes their place."""

    base: Base
    sources: dict[str, AdapterSource]
    worn: PeftModel | None = None

    def add(self, name: str, source: AdapterSource) -> None:
        """Load an adapter and check that it fits the base.

        Args:
            name: what it is called from now on.
            source: its files.

        Raises:
            AdapterError: it does not fit, or the name is taken.
        """
        if name in self.sources:
            raise AdapterError(
                f"there is an adapter {name!r} already, from {self.sources[name].name}; take another name"
            )
        self.sources[name] = source
        try:
            self.wear(name)
        except Exception:
            del self.sources[name]
            self.take_off()
            raise

    def drop(self, name: str) -> None:
        """Take an adapter out."""
        del self.sources[name]
        self.take_off()

    def wear(self, name: str | None) -> nn.Module:
        """The model that answers with the adapter, or with none.

        Raises:
            AdapterError: no adapter of that name, or one that does not fit the base.
        """
        if name is None:
            self.take_off()
            base: nn.Module = self.base.model
            return base
        if name not in self.sources:
            known = ", ".join(sorted(self.sources)) or "none"
            raise AdapterError(f"no adapter {name!r} is loaded; loaded are: {known}")
        kind = self.sources[name].config["peft_type"]
        if self.worn is not None and self.worn.peft_type != kind:
            self.take_off()
        if self.worn is None or name not in self.worn.peft_config:
            self._load(name)
        assert self.worn is not None
        self.worn.set_adapter(name, inference_mode=True)
        worn: nn.Module = self.worn.eval()
        return worn

    def take_off(self) -> None:
        """Give the base back as it was."""
        self.worn = None
        _strip(self.base.model)

    def _load(self, name: str) -> None:
        source = self.sources[name]
        folder = str(source.path)
        try:
            self._check_facts(source)
            with warnings.catch_warnings():
                # What peft warns of (missing keys) is an error below, with the keys named.
                warnings.simplefilter("ignore")
                if self.worn is None:
                    self.worn = PeftModel.from_pretrained(self.base.model, folder, adapter_name=name)
                else:
                    self.worn.load_adapter(folder, name)
                check_keys(self.worn, name, folder)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:400]
            made_for = source.config.get("base_model_name_or_path") or "an unnamed base"
            raise AdapterError(
                f"adapter {source.name}, made for {made_for}, does not fit base {self.base.source.name}: {reason}"
            ) from error

    def _check_facts(self, source: AdapterSource) -> None:
        """A prompt method's configuration holds its base's shape; peft would fail at the first word, or not at all."""
        for key, own in _FACTS.items():
            found, here = source.config.get(key), getattr(self.base.model.config, own, None)
            if found is not None and here is not None and found != here:
                raise AdapterError(f"{key} is {found}; the base's {own} is {here}")


def check_keys(worn: PeftModel, name: str, folder: str) -> None:
    """Every tensor of the file has found its place, and every place its tensor: peft passes over the rest.

    Raises:
        AdapterError: one has not, or a number is not finite.
    """
    tensors = load_peft_weights(folder, device="cpu")
    found = {key: list(tensor.shape) for key, tensor in tensors.items()}
    held = get_peft_model_state_dict(worn, adapter_name=name, save_embedding_layers=False)
    expected = {key: list(tensor.shape) for key, tensor in held.items()}
    extra = [key for key in found if key not in expected and ".base_layer." not in key]
    missing = [key for key in expected if key not in found]
    if extra or missing:
        some = ", ".join((extra + missing)[:_SHOWN])
        raise AdapterError(f"{len(extra)} tensors without a site, {len(missing)} sites without a tensor ({some})")
    broken = [key for key, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise AdapterError(f"tensor {broken[0]} is not finite (NaN or infinite)")


def _strip(model: nn.Module) -> None:
    """Put the base's own modules back in the place of peft's.

    peft's `unload` needs a model that was made; one whose checkpoint did not fit was not, and has changed the base.
    """
    done: tuple[str, ...] = ()
    for path, module in list(model.named_modules()):
        if not isinstance(module, (BaseTunerLayer, AuxiliaryTrainingWrapper)) or path.startswith(done or ("\0",)):
            continue
        own = module.original_module if isinstance(module, AuxiliaryTrainingWrapper) else module.get_base_layer()
        parent, _, leaf = path.rpartition(".")
        setattr(model.get_submodule(parent), leaf, own)
        done = (*done, f"{path}.")
    if hasattr(model, "peft_config"):
        del model.peft_config
