"""The tuner: puts bottleneck adapters on a base model's sites, in the manner of peft's own tuners."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTuner
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn

from astrarium.core.errors import AdapterError
from astrarium.methods.bottleneck import checkpoint
from astrarium.methods.bottleneck.config import BottleneckConfig
from astrarium.methods.bottleneck.layer import (
    BASE_ROW,
    BottleneckLayer,
    BottleneckLinear,
    activation_of,
    is_supported,
)
from astrarium.methods.bottleneck.sites import check_targets, is_target, kind_at, unmatched_error, written_kinds


class BottleneckModel(BaseTuner):  # type: ignore[misc]
    """AdapterH, AdapterP and Parallel adapters on a base model.

    Source: Houlsby et al. 2019 (arXiv 1902.00751), Pfeiffer et al. 2021 (arXiv 2005.00247), He et al. 2022
    (arXiv 2110.04366); the arithmetic is in `layer.py`, the format of checkpoints in `checkpoint.py`.
    """

    prefix = "adapter_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: dict[str, list[str]] = {}  # noqa: RUF012 - the format has no default targets

    def _prepare_adapter_config(self, peft_config: BottleneckConfig, model_config: dict[str, Any]) -> BottleneckConfig:
        return peft_config

    def _prepare_model(self, peft_config: BottleneckConfig, model: nn.Module) -> None:
        """Every check that needs no weights, before anything is replaced."""
        activation_of(peft_config.non_linearity)
        sites = {path: module for path, module in _base_modules(model).items() if path}
        linears = [path for path, module in sites.items() if is_supported(module)]
        unmatched = check_targets(peft_config, sites, linears)
        if unmatched and not peft_config.describes_checkpoint and not peft_config.inference_mode:
            raise unmatched_error(unmatched, linears)
        if unmatched and not peft_config.inference_mode:
            warnings.warn(f"target_modules {list(unmatched)} match no module of the base", stacklevel=2)
        model_type = self._model_type(model)
        kinds = {}
        for path, module in sites.items():
            if not is_target(peft_config, path):
                continue
            if not is_supported(module):
                raise AdapterError(
                    f"target {path!r} is a {type(module).__name__}; a bottleneck adapter goes on nn.Linear or Conv1D"
                )
            kinds[path] = kind_at(path, peft_config, model_type)
        peft_config.site_kinds = written_kinds(kinds, peft_config, model_type)

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Put the adapter on its sites.

        Raises:
            AdapterError: a target, kind, non-linearity or name that cannot be used; the base is as it was.
        """
        if "." in adapter_name:
            raise AdapterError(f"adapter name {adapter_name!r} has a dot; names of adapters are parts of keys")
        super().inject_adapter(model, adapter_name, *args, **kwargs)

    @staticmethod
    def _check_target_module_exists(peft_config: BottleneckConfig, key: str) -> bool:
        return is_target(peft_config, key)

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        kind = kind_at(current_key, peft_config, self._model_type(self.model))
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config, kind)
            return
        layer = BottleneckLinear(target, adapter_name, peft_config, kind)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        self._replace_module(parent, target_name, layer, target)

    def _model_type(self, model: nn.Module) -> str:
        return str(self.get_model_config(model).get("model_type", "custom"))

    def _check_merge_allowed(self) -> None:
        """Refuse before any site is touched.

        Raises:
            AdapterError: always; a non-linearity fits into no weight.
        """
        next(module for module in self.model.modules() if isinstance(module, BottleneckLayer)).merge()

    def unload(self) -> nn.Module:
        """The base as it was, without adapters. Copies that `modules_to_save` trained go too.

        Biases that an adapter with `bias` "all" or "adapter_only" retrained are the base's own and stay retrained.
        """
        for module in self.model.modules():
            if isinstance(module, AuxiliaryTrainingWrapper):
                module.set_adapter([])
        base: nn.Module = super().unload()
        return base

    @contextmanager
    def _enable_peft_forward_hooks(self, *args: Any, **kwargs: Any) -> Iterator[None]:
        """Hand `adapter_names`, an adapter a row, to every site for one call of forward or generate."""
        adapter_names = kwargs.pop("adapter_names", None)
        if adapter_names is None:
            yield
            return
        names = self._checked_rows(adapter_names)
        beams = kwargs.get("num_beams")
        if isinstance(beams, int) and beams > 1:
            names = [name for name in names for _ in range(beams)]
        hook = partial(_pass_adapter_names, adapter_names=names)
        handles = [
            module.register_forward_pre_hook(hook, with_kwargs=True)
            for module in self.modules()
            if isinstance(module, (BottleneckLayer, AuxiliaryTrainingWrapper))
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _checked_rows(self, adapter_names: list[str]) -> list[str]:
        if self.training:
            raise AdapterError("adapter_names is for inference; call eval() first")
        unknown = sorted(set(adapter_names) - set(self.peft_config) - {BASE_ROW})
        if unknown:
            raise AdapterError(
                f"adapter_names has {', '.join(map(repr, unknown))}; loaded are {', '.join(sorted(self.peft_config))}"
            )
        return list(adapter_names)

    @classmethod
    def _get_adapter_state_dict(
        cls,
        model: nn.Module,
        config: BottleneckConfig,
        adapter_name: str,
        state_dict: dict[str, torch.Tensor],
        unwanted_adapter_names: list[str],
    ) -> dict[str, torch.Tensor]:
        return checkpoint.select(model, config, adapter_name, state_dict)

    @classmethod
    def _remove_adapter_name_from_key(cls, key: str, adapter_name: str) -> str:
        if key.endswith(".base_layer.bias"):
            return key.removesuffix(".base_layer.bias") + ".bias"
        return str(super()._remove_adapter_name_from_key(key, adapter_name))

    @classmethod
    def _remap_adapter_state_dict_for_load(
        cls, model: nn.Module, config: BottleneckConfig, adapter_name: str, state_dict: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        try:
            return checkpoint.fit(model, config, adapter_name, state_dict)
        except AdapterError:
            _take_off(model, config, adapter_name)
            raise


def _take_off(model: nn.Module, config: BottleneckConfig, adapter_name: str) -> None:
    """Remove an adapter whose checkpoint did not fit, so that none with random weights stays behind.

    Only one that was made for the checkpoint: an adapter that was being trained keeps its weights.
    """
    if not config.describes_checkpoint or not isinstance(model, PeftModel):
        return
    if len(model.peft_config) > 1:
        model.delete_adapter(adapter_name)
    else:
        model.base_model.unload()


def _base_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Path → module of the base, as if no adapter were there: wrapped linears stand for themselves."""
    wrappers = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, (BottleneckLayer, AuxiliaryTrainingWrapper))
    ]
    inside = tuple(path + "." for path, _ in wrappers)
    modules = {path: module for path, module in model.named_modules() if not path.startswith(inside or ("\0",))}
    for path, module in wrappers:
        if isinstance(module, BottleneckLayer):
            modules[path] = module.get_base_layer()
    return modules


def _pass_adapter_names(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], adapter_names: list[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, {**kwargs, "adapter_names": adapter_names}
