"""`train`: from rows to a run with an adapter in it."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from astrarium.core.errors import TuneError
from astrarium.core.files import atomic_folder, write_json
from astrarium.data import Row, digest, read_rows, split_rows
from astrarium.methods import Recipe, recipe
from astrarium.model import Base, load_base
from astrarium.text import Template, template_named
from astrarium.tune.encode import Examples, encode_rows
from astrarium.tune.loop import Progress, run_steps
from astrarium.tune.loss import mean_loss
from astrarium.tune.packing import PackedSequence, pack
from astrarium.tune.run import Losses, Run, RunFolder, free_folder, versions
from astrarium.tune.settings import Settings, check

_RECIPE_FIELDS = (
    "learning_rate",
    "schedule",
    "warmup_steps",
    "weight_decay",
    "sequence_length",
    "sequences_per_step",
    "steps",
    "options",
)


def train(
    rows: Sequence[Row] | str | Path,
    method: str = "lora",
    base: str | Base = "default",
    *,
    run: str | Path | None = None,
    settings: Settings | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_stage: Callable[[str], None] = lambda stage: None,
    **changes: Any,
) -> Run:
    """Tune an adapter on rows.

    Args:
        rows: the rows, or where to read them.
        method: one of the seven; its Astraios recipe holds unless `changes` says otherwise.
        base: the name of a base model, or one that is loaded already; that one is given back as it was.
        run: the run's folder; by default a new one under `runs/`.
        settings: what is not the recipe's to say.
        on_progress: called after each step.
        on_stage: called with what comes next, in words: loading, measuring, tuning.
        **changes: fields of the recipe, such as `steps=20` or `learning_rate=1e-3`; a step count of less than the
            recipe's shortens the warm-up in proportion.

    Raises:
        MethodError: an unknown method, or a base without the recipe's sites.
        DataError: rows that cannot be read or split.
        TuneError: a setting out of range, no row that fits, a folder that exists, a loss that is no number.
    """
    settings = settings or Settings()
    chosen = _changed(recipe(method), changes)
    if isinstance(rows, (str, Path)):
        rows = read_rows(rows)
    kept, held = split_rows(rows, settings.validation, settings.seed)
    if not isinstance(base, Base):
        on_stage(f"loading {base}")
    loaded = base if isinstance(base, Base) else load_base(base, dtype=_dtype(settings, chosen))
    _check_length(chosen, loaded)
    template = _template(settings, loaded)
    training, validation = (_encoded(part, template, loaded, chosen, settings) for part in (kept, held))
    folder = RunFolder(Path(run) if run is not None else free_folder(method, loaded.source.name))
    folder.record(
        state="running",
        method=method,
        recipe=chosen.to_dict(),
        settings=settings.to_dict(),
        template=template.name,
        data_digest=digest(rows),
        rows={
            "training": len(training.fitting),
            "validation": len(validation.fitting),
            "too_long": training.too_long + validation.too_long,
        },
        base=loaded.source.lasting_name,
        base_digest=loaded.source.digest(),
        versions=versions(),
    )
    return _trained(loaded, chosen, settings, training, validation, folder, on_progress, on_stage)


def _trained(
    base: Base,
    chosen: Recipe,
    settings: Settings,
    training: Examples,
    validation: Examples,
    folder: RunFolder,
    on_progress: Callable[[Progress], None] | None,
    on_stage: Callable[[str], None],
) -> Run:
    begin = time.monotonic()
    way = "pad" if chosen.peft_type == "P_TUNING" else settings.packing
    sequences, held = (_packed(part, chosen, way, settings) for part in (training, validation))
    # There is one of the two: encode_rows has seen to the end token.
    pad = next(token for token in (base.tokenizer.pad_token_id, base.tokenizer.eos_token_id) if token is not None)
    _seed(settings.seed)
    on_stage("measuring the base")
    loss_of_base = mean_loss(base.model, held, pad, settings.micro_batch)
    model = _adapted(base, chosen)
    try:
        start = loss_of_base if chosen.peft_type is None else mean_loss(model, held, pad, settings.micro_batch)
        folder.log({"step": 0, "validation_loss": start, "validation_loss_of_base": loss_of_base})

        def report(progress: Progress) -> None:
            folder.log(progress.to_dict())
            if on_progress is not None:
                on_progress(progress)

        on_stage("tuning")
        speed = run_steps(model, sequences, chosen, settings, pad, report)
        on_stage("measuring the adapter")
        losses = Losses(loss_of_base, start, mean_loss(model, held, pad, settings.micro_batch))
        folder.log({"step": chosen.steps, "validation_loss": losses.end})
        where = _saved(model, base, chosen, folder)
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    finally:
        _give_back(model, base)
    seconds = time.monotonic() - begin
    folder.record(
        state="finished", losses=asdict(losses), trained_parameters=trained, seconds=seconds, tokens_per_second=speed
    )
    rows_used = len(training.fitting) + len(validation.fitting)
    too_long = training.too_long + validation.too_long
    return Run(folder.path, where, losses, trained, rows_used, too_long, seconds, speed)


def _changed(chosen: Recipe, changes: dict[str, Any]) -> Recipe:
    unknown = sorted(set(changes) - set(_RECIPE_FIELDS))
    if unknown:
        raise TuneError(
            f"{', '.join(unknown)} is no setting of a recipe; known are {', '.join(sorted(_RECIPE_FIELDS))}"
        )
    changes = {name: value for name, value in changes.items() if value is not None}
    if "steps" in changes and "warmup_steps" not in changes:
        changes["warmup_steps"] = min(chosen.warmup_steps, int(changes["steps"] * chosen.warmup_steps / chosen.steps))
    chosen = chosen.replace(**changes)
    check(chosen.steps >= 1, "steps", chosen.steps, "1 or more")
    check(chosen.learning_rate > 0, "learning_rate", chosen.learning_rate, "above 0")
    check(chosen.sequence_length >= 2, "sequence_length", chosen.sequence_length, "2 or more")
    check(chosen.sequences_per_step >= 1, "sequences_per_step", chosen.sequences_per_step, "1 or more")
    check(chosen.warmup_steps >= 0, "warmup_steps", chosen.warmup_steps, "0 or more")
    check(chosen.weight_decay >= 0, "weight_decay", chosen.weight_decay, "0 or more")
    return chosen


def _dtype(settings: Settings, chosen: Recipe) -> str | None:
    # AdamW loses small updates in half precision; the adapters of the other methods are fp32 whatever the base is.
    return "fp32" if settings.dtype is None and chosen.peft_type is None else settings.dtype


def _check_length(chosen: Recipe, base: Base) -> None:
    virtual = chosen.options.get("num_virtual_tokens", 0)
    if chosen.sequence_length + virtual > base.context:
        raise TuneError(
            f"sequence_length is {chosen.sequence_length}{f' and {virtual} virtual tokens' if virtual else ''}; "
            f"base {base.source.name} reaches {base.context} tokens"
        )


def _template(settings: Settings, base: Base) -> Template:
    name = settings.template or ("chat" if base.tokenizer.chat_template else "astraios")
    return template_named(name, base.tokenizer)


def _encoded(rows: Sequence[Row], template: Template, base: Base, chosen: Recipe, settings: Settings) -> Examples:
    # Plain concatenation cuts rows anyway, as Astraios does; only there is none too long.
    cuts = settings.packing == "concatenate" and chosen.peft_type != "P_TUNING"
    longest = None if cuts else chosen.sequence_length
    return encode_rows(rows, template, base.tokenizer, loss=settings.loss, longest=longest)


def _packed(examples: Examples, chosen: Recipe, way: str, settings: Settings) -> list[PackedSequence]:
    return pack(examples.fitting, chosen.sequence_length, way, settings.seed)


def _seed(seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)


def _adapted(base: Base, chosen: Recipe) -> nn.Module:
    config = chosen.peft_config(base.source.config)
    if config is None:
        model: nn.Module = copy.deepcopy(base.model)
        return model.requires_grad_(True)
    import peft

    config.base_model_name_or_path = base.source.lasting_name
    adapted: nn.Module = peft.get_peft_model(base.model, config)
    return adapted


def _give_back(model: nn.Module, base: Base) -> None:
    """Take the adapter off, so that the base is what it was."""
    if model is not base.model and hasattr(model, "unload") and not model.active_peft_config.is_prompt_learning:  # type: ignore[union-attr]
        model.unload()  # type: ignore[operator]
    base.model.requires_grad_(False).eval()


def _saved(model: nn.Module, base: Base, chosen: Recipe, folder: RunFolder) -> Path:
    where = folder.path / ("model" if chosen.peft_type is None else "adapter")
    with atomic_folder(where) as temporary:
        if chosen.peft_type is None:
            model.save_pretrained(temporary)  # type: ignore[operator]
            base.tokenizer.save(temporary)
        else:
            # save_embedding_layers=False: peft would ask the hub for the base's vocabulary to decide.
            model.save_pretrained(temporary, save_embedding_layers=False)  # type: ignore[operator]
            (temporary / "README.md").unlink(missing_ok=True)  # peft's stub of a card
        keys = ("method", "recipe", "template", "data_digest", "base", "base_digest", "versions")
        write_json(temporary / "astrarium.json", {key: folder.entries[key] for key in keys})
    return where
