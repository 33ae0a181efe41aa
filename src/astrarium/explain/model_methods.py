"""What the methods of models and tokenizers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astrarium.explain import libraries, methods
from astrarium.explain.places import first_device
from astrarium.explain.values import (
    UNKNOWN,
    Adapter,
    Batch,
    Const,
    Device,
    Items,
    Model,
    Output,
    Settings,
    Templated,
    Tokenizer,
    Value,
    constant,
    options,
    text_of,
    texts_of,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event

_PEFT_HOMES = {"generate": "PeftModelForCausalLM", "merge_and_unload": "tuners.BaseTuner", "unload": "tuners.BaseTuner"}


def model_method(event: Event, model: Model, name: str) -> Value:
    """A method of a model."""
    event.name = _home(model, name)
    model.uses.append(event)
    event.facts["model"] = Items([model])
    body = model.body
    match name:
        case "to" | "cuda" | "cpu":
            place = Device(name) if name != "to" else first_device(event)
            if place is not None:
                body.device, body.moved = place, True
            return model
        case "half" | "float" | "bfloat16" | "requires_grad_" | "eval" | "train":
            if name in ("eval", "train"):
                on = name == "train" and event.constant("mode", 0) is not False
                body.training, body.train_event = on, event
            return model
        case "generate":
            return _generate(event, model)
        case "merge_and_unload" | "unload":
            body.merged = event
            adapters = list(model.adapters)
            merged = Model(body, event)
            merged.adapters = [] if name == "unload" else merged.adapters
            event.facts["adapters"] = Const(len(adapters))
            return merged
        case "get_base_model":
            return Model(body, model.event, inner=model)
        case "load_adapter":
            _load_adapter(event, model)
            return UNKNOWN
        case "set_adapter":
            chosen = event.value("adapter_name", 0)
            known = constant(chosen)
            model.active = known if isinstance(known, str) else "?"
            return UNKNOWN
        case "add_adapter":
            config = event.value("peft_config", 1 if model.wrapper else 0)
            settings = next((option for option in options(config) if isinstance(option, Settings)), None)
            name_ = event.constant("adapter_name", 0 if model.wrapper else 1)
            kind = libraries.METHOD_OF_CONFIG.get(settings.name) if settings is not None else None
            adapter = Adapter(str(name_ or "default"), None, kind, settings, event, True, fresh=True)
            model.adapters.append(adapter)
            body.wrapped.append(adapter)
            return UNKNOWN
        case "gradient_checkpointing_enable" | "activation_checkpointing_enable":
            body.checkpointing = event
            return UNKNOWN
        case "resize_token_embeddings":
            body.resized = event
            return UNKNOWN
        case "__call__" | "forward":
            _note_state(event, model)
            return UNKNOWN
        case _:
            return UNKNOWN


def _home(model: Model, name: str) -> str:
    if model.wrapper:
        return f"peft.{_PEFT_HOMES.get(name, 'PeftModel')}.{name}"
    return f"transformers.{'GenerationMixin' if name == 'generate' else 'PreTrainedModel'}.{name}"


def _note_state(event: Event, model: Model) -> None:
    event.facts["device"] = model.body.device
    event.facts["moved"] = Const(model.body.moved)
    event.facts["training"] = Const(model.body.training)
    event.facts["evaluated"] = Const(model.body.train_event is not None and model.body.train_event.short == "eval")
    event.facts["active"] = Const(model.active)
    event.facts["wrapped"] = Const(len(model.body.wrapped))
    for argument in event.arguments:
        for option in options(argument.value):
            if isinstance(option, Batch):
                event.facts["batch"] = option
                event.facts["batch_device"] = option.device
                event.facts["side"] = Const(option.side)


def _generate(event: Event, model: Model) -> Value:
    _note_state(event, model)
    prompt = next(
        (
            option
            for argument in event.arguments
            if argument.name in (None, "**", "input_ids", "inputs")
            for option in options(argument.value)
            if isinstance(option, Batch)
        ),
        UNKNOWN,
    )
    return Output(event, model, prompt=prompt)


def _adapter_name(event: Event, position: int) -> str:
    """What an adapter is called; `?` where that is not known."""
    known = event.constant("adapter_name", position)
    return str(known or "?") if event.given("adapter_name", position) is not None else "default"


def _load_adapter(event: Event, model: Model) -> None:
    path = text_of(event.value("model_id" if model.wrapper else "peft_model_id", 0))
    paths = texts_of(event.value("model_id" if model.wrapper else "peft_model_id", 0))
    trainable = event.constant("is_trainable") is True
    adapter = Adapter(_adapter_name(event, 1), path, None, None, event, trainable, False, paths)
    if not model.wrapper:
        model.active = adapter.name  # transformers makes it the active one, peft does not
    model.adapters.append(adapter)
    model.body.wrapped.append(adapter)


def tokenizer_method(event: Event, tokenizer: Tokenizer, name: str) -> Value:
    """A method of a tokenizer."""
    event.name = f"transformers.PreTrainedTokenizerBase.{name}"
    event.facts["tokenizer"] = Items([tokenizer])
    match name:
        case "__call__" | "encode" | "encode_plus" | "batch_encode_plus":
            text = event.value("text", 0)
            padding = event.given("padding")
            padded = padding is not None and constant(padding.value) not in (False, None, "do_not_pad")
            side = event.constant("padding_side")
            return Batch(
                event, tokenizer, padded, methods.many_texts(text), methods.prompts_of(text), Device("cpu"),
                event.given("return_tensors") is not None, "input_ids" if name == "encode" else "",
                side if isinstance(side, str) else tokenizer.side,
            )  # fmt: skip
        case "apply_chat_template":
            if event.constant("tokenize") is False:
                return Templated(event)
            whole = event.constant("return_dict")
            return Batch(
                event, tokenizer, bool(event.constant("padding")), False, [Templated(event)], Device("cpu"),
                event.given("return_tensors") is not None, "" if whole is not False else "input_ids", tokenizer.side,
            )  # fmt: skip
        case "pad":
            return Batch(event, tokenizer, True, True, [], Device("cpu"), True, side=tokenizer.side)
        case "add_tokens" | "add_special_tokens":
            tokenizer.added = event
            given = event.value("special_tokens_dict", 0)
            table = getattr(given, "items", None)
            if isinstance(table, dict) and "pad_token" in table:
                methods.set_tokenizer(tokenizer, "pad_token", table["pad_token"], event.order)
                if set(table) == {"pad_token"}:
                    tokenizer.added = None if tokenizer.pad_is_eos else event
            return UNKNOWN
        case _:
            return UNKNOWN
