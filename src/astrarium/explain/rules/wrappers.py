"""Rules on what peft's wrapper does and does not do."""

from __future__ import annotations

from collections.abc import Iterator

from astrarium.explain.context import Context, model_of, settings_of
from astrarium.explain.events import Event, surely, together
from astrarium.explain.mending import Edit, add_argument, inside, line_after, remove_argument, replace
from astrarium.explain.rules.asking import in_wrapper, method_known, name_given, receiver_name, thrown_away, works
from astrarium.explain.rules.registry import Found, rule
from astrarium.explain.values import UNKNOWN, Items, Model, constant, one_model, options

ROW_WISE = frozenset({"LORA", "GLORA", "ROAD", "XLORA", "BOTTLENECK"})
"""Methods whose tuner reads `adapter_names`; a test holds this against the installed peft."""


@rule(
    "adapter-wrapped-twice",
    "error",
    "a model with an adapter is wrapped again",
    "A second wrapper around the first looks for its tensors under other names than those they were saved with; peft "
    "itself warns of it.",
)
def adapter_wrapped_twice(script: Context) -> Iterator[Found]:
    """`get_peft_model`, `PeftModel.from_pretrained` or a trainer's `peft_config` on a model that has an adapter."""
    yield from _wrapped_by_trainer(script)
    for event in script.events:
        if event.short not in ("get_peft_model", "from_pretrained") or "model" not in event.facts:
            continue
        if not event.name.startswith("peft."):
            continue
        given = next((one for one in event.facts["model"].items if isinstance(one, Model)), None)  # type: ignore[attr-defined]
        if given is None:
            continue
        earlier = [
            adapter
            for model in script.models
            for adapter in model.adapters
            if model.body is given.body
            and adapter.event is not event
            and adapter.event.order < event.order
            and surely(adapter.event.branch, event.branch)
        ]
        undone = any(
            one.order < event.order and (found := model_of(one)) and found.body is given.body
            for one in script.calls("unload", "merge_and_unload", "delete_adapter", "delete_adapters")
        )
        if not earlier or undone or event.loop:
            continue
        first = script.where(earlier[-1].event.node)
        fresh = event.short == "get_peft_model"
        yield Found(
            event.node,
            f"the model already has the adapter of {first}, and is wrapped a second time here",
            "take the first adapter off with `model = model.unload()` before, or merge it"
            if fresh
            else 'add the second with `model.load_adapter(…, adapter_name="…")` and choose it with '
            '`model.set_adapter("…")`',
        )


def _wrapped_by_trainer(script: Context) -> Iterator[Found]:
    """trl's trainers put an adapter on themselves, and refuse a `PeftModel` beside `peft_config`."""
    for trainer in script.trainers:
        event: Event = trainer.event
        asked = event.given("peft_config")
        model = one_model(trainer.given.get("model", UNKNOWN))
        if asked is None or settings_of(asked.value) is None or model is None or not model.wrapper:
            continue
        if not model.adapters or not surely(model.event.branch, event.branch):
            continue
        fresh = model.adapters[-1].fresh
        yield Found(
            asked.node,
            f"the model already has the adapter of {script.where(model.event.node)}, and `peft_config` asks "
            f"{trainer.name} for another: trl refuses it with a ValueError",
            "leave `peft_config` out" if fresh else "leave `peft_config` out, or merge the first adapter before",
            remove_argument(script.tree, event.node, asked.node) if fresh else (),
        )


@rule(
    "adapter-untrained",
    "error",
    "a trained adapter is asked for, and a fresh one is made",
    "`get_peft_model` makes an adapter with new weights; a configuration names a method, not the weights.",
)
def adapter_untrained(script: Context) -> Iterator[Found]:
    """`get_peft_model` with the configuration of a saved adapter, or with nothing that trains it."""
    if script.trains or any(
        event.short
        in (
            "set_peft_model_state_dict",
            "load_state_dict",
            "load_adapter",
            "load_checkpoint_and_dispatch",
            "step",
            "prepare",
            "fit",
        )
        for event in script.events
    ):
        return
    for event in script.calls("peft.get_peft_model"):
        config = settings_of(event.value("peft_config", 1))
        path = config.given.get("path") if config is not None else None
        if path is not None and config is not None and config.event is not None:
            given = event.given("model", 0)
            edits: tuple[Edit, ...] = ()
            source = script.source(config.event, "pretrained_model_name_or_path", 0)
            imported = any(one.name == "PeftModel" for one in script.flow.imports)
            if given is not None and imported and source:
                edits = replace(
                    script.tree, event.node, f"PeftModel.from_pretrained({script.code(given.node.value)}, {source})"
                )
            yield Found(
                event.node,
                "this makes a new, untrained adapter with the configuration of a saved one; its weights are not loaded",
                "load it: `PeftModel.from_pretrained(model, path)`",
                edits,
            )
        elif any(
            isinstance(one, Model) and works(one) and any(use.short == "generate" for use in one.uses)
            for one in options(event.result)
        ):
            yield Found(
                event.node,
                "the adapter made here is not trained, nothing is loaded into it: it adds nothing that was learned",
                "load a trained adapter with `PeftModel.from_pretrained(model, path)`, or train it first",
                severity="warning",
            )


@rule(
    "adapter-frozen",
    "error",
    "a loaded adapter is trained, and is frozen",
    "`PeftModel.from_pretrained` loads for inference: no parameter has a gradient, and training stops or learns "
    "nothing.",
)
def adapter_frozen(script: Context) -> Iterator[Found]:
    """Training after `PeftModel.from_pretrained` without `is_trainable=True`."""
    for model in script.models:
        if not model.wrapper or not model.adapters or model.event is not model.adapters[-1].event:
            continue
        event: Event = model.event
        if event.short != "from_pretrained" or model.adapters[-1].trainable or event.unpacks:
            continue
        given = event.given("is_trainable", 3)
        if given is not None and constant(given.value) is not False:
            continue
        trained = next((one for one in _trainings(script, model) if one.order > event.order), None)
        thawed = any(one.short in ("requires_grad_", "set_requires_grad", "add_adapter") for one in model.uses)
        thawed = thawed or any(store.path.endswith("requires_grad") for store in script.flow.stores)
        if trained is None or thawed:
            continue
        edits = (
            replace(script.tree, given.node.value, "True")
            if given is not None
            else add_argument(script.tree, event.node, "is_trainable=True")
        )
        yield Found(
            event.node,
            f"the adapter is loaded frozen, and {script.where(trained.node)} trains it",
            "say `is_trainable=True`",
            edits,
        )


def _trainings(script: Context, model: Model) -> Iterator[Event]:
    for trainer in script.trainers:
        if any(one is model for one in options(trainer.given.get("model", Items([])))) and any(
            any(one is trainer for one in options(event.receiver or Items([]))) for event in script.calls("train")
        ):
            yield trainer.event
    if any(script.calls("backward")):
        for event in model.uses:
            if event.short in ("parameters", "named_parameters") and any(
                "optim" in one.name or one.name.endswith(("AdamW", "Adam", "SGD")) for one in script.events
            ):
                yield event


@rule(
    "adapter-names-ignored",
    "error",
    "`adapter_names` with a method that does not read it",
    "Every row of the batch is answered by the one active adapter, without a warning.",
)
def adapter_names_ignored(script: Context) -> Iterator[Found]:
    """A row-wise choice of adapters with IA3 or a prompt method."""
    for event in script.events:
        if event.short not in ("generate", "__call__", "forward") or event.given("adapter_names") is None:
            continue
        model = model_of(event)
        kinds = {method_known(adapter) for adapter in model.adapters} if model is not None else set()
        for kind in sorted(one for one in kinds if one is not None and one not in ROW_WISE):
            yield Found(
                event.node,
                f"`adapter_names` is given, and {kind} does not read it: all rows get the active adapter",
                "run one batch an adapter, with `set_adapter` between them",
            )
            break


@rule(
    "base-changed-in-place",
    "warning",
    "the base is compared with its adapter, and wears it",
    "LoRA, IA3 and their kin put their layers into the base itself; the variable that held the base answers "
    "with the adapter.",
)
def base_changed_in_place(script: Context) -> Iterator[Found]:
    """Both the wrapper and the base's variable generate."""
    for model in script.models:
        if (
            not model.wrapper
            or model.inner is None
            or not model.adapters
            or model.event is not model.adapters[-1].event
        ):
            continue
        if in_wrapper(method_known(model.adapters[-1])) is True:
            continue
        runs = [one for one in works(model, model.event.order) if one.short in ("generate", "__call__", "forward")]
        if not runs:
            continue
        for event in works(model.inner, model.event.order):
            if event.short not in ("generate", "__call__", "forward", "pipeline") or event.contexts & {
                "disable_adapter"
            }:
                continue
            if any(one is model for one in options(event.receiver or Items([]))):
                continue  # either of the two, by a branch of the script
            undone = any(
                one.short in ("unload", "disable_adapter_layers", "disable_adapters")
                and model.event.order < one.order < event.order
                for one in script.events
            )
            if undone or not together(model.event.branch, event.branch):
                continue
            asked, name = _where_handed_over(script, event, model)
            edits, left = _with_adapter_off(script, asked, model)
            yield Found(
                asked.node,
                f"`{name}` is no longer the untouched base: {script.where(model.event.node)} put the adapter into it",
                f"ask the base before, or inside `with model.disable_adapter():`, or load it a second time{left}",
                edits,
            )


def _with_adapter_off(script: Context, asked: Event, model: Model) -> tuple[tuple[Edit, ...], str]:
    """The edit that asks the base with the adapter off; where there is none, why."""
    kept = name_given(script, model.event)
    if kept is None or model.event.function not in ("", asked.function):
        return (), "; `--fix` leaves it, since no name is sure to hold the adapter's model here"
    edits = inside(script.tree, asked.statement, asked.node, f"with {kept}.disable_adapter():")
    return edits, "" if edits else "; `--fix` leaves it, since the call is no plain line of its own"


def _where_handed_over(script: Context, event: Event, model: Model) -> tuple[Event, str]:
    """The call that asks the base, and its name: in a function of the script, the call that hands the base to it."""
    for caller in event.callers:
        for argument in caller.arguments if caller not in model.event.callers else ():
            if any(isinstance(one, Model) and one is model.inner for one in options(argument.value)):
                return caller, script.code(argument.node.value)
    return event, receiver_name(script, event) or "the base"


@rule(
    "merge-unused",
    "warning",
    "the result of `merge_and_unload()` is not used",
    "The merged model is what the call gives; of the wrapper, `save_pretrained` then writes an adapter without "
    "a single tensor.",
)
def merge_unused(script: Context) -> Iterator[Found]:
    """`model.merge_and_unload()` as a statement of its own."""
    for event in script.calls("merge_and_unload", "unload"):
        model = model_of(event)
        if model is None or not thrown_away(script, event):
            continue
        name = receiver_name(script, event)
        saved = next((one for one in works(model, event.order) if one.short == "save_pretrained"), None)
        edits: tuple[Edit, ...] = ()
        if name is not None and event.statement is not None:
            start = script.tree.span(event.statement)[0]
            edits = (Edit(start, start, f"{name} = "),)
        yield Found(
            event.node,
            f"what `{event.short}()` gives is thrown away"
            + (f", and {script.where(saved.node)} saves an empty adapter" if saved is not None else ""),
            f"assign it: `{name or 'model'} = {name or 'model'}.{event.short}()`",
            edits,
            severity="error" if saved is not None else None,
        )


@rule(
    "adapter-not-active",
    "warning",
    "an adapter is loaded beside another and never chosen",
    "peft's `load_adapter` only adds; the adapter that was active before goes on answering.",
)
def adapter_not_active(script: Context) -> Iterator[Found]:
    """`load_adapter` of a PeftModel without `set_adapter`."""
    for event in script.calls("load_adapter"):
        model = model_of(event)
        if model is None or not model.wrapper or model.body.guessed:
            continue
        later = script.events[event.order :]
        chosen = any(
            one.short in ("set_adapter", "add_weighted_adapter") or one.given("adapter_names") is not None
            for one in later
        )
        asked = event.given("adapter_name", 1)
        name = constant(asked.value) if asked is not None else None
        if chosen or asked is None or name == "default" or name == model.active:
            continue
        quoted = script.code(asked.node.value)
        if not any(
            one.short in ("generate", "__call__", "forward", "pipeline", "train") for one in works(model, event.order)
        ):
            continue
        kept = receiver_name(script, event)
        goes_on = "the first" if model.active == "?" else repr(model.active)
        edits: tuple[Edit, ...] = ()
        if kept is not None and event.statement is not None and not event.loop:
            edits = line_after(script.tree, event.statement, f"{kept}.set_adapter({quoted})")
        yield Found(
            event.node,
            f"the adapter {name!r} is loaded and never chosen; {goes_on} goes on answering"
            if name is not None
            else f"`{quoted}` names adapters that are loaded and never chosen; {goes_on} goes on answering",
            f"choose one before it answers: `{kept or 'model'}.set_adapter(name)`"
            if event.loop
            else f"choose it: `{kept or 'model'}.set_adapter({quoted})`",
            edits,
        )
