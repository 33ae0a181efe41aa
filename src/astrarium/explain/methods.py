"""What methods and attributes of the values that are followed give."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from astrarium.explain.command_lines import parser_method
from astrarium.explain.places import first_device
from astrarium.explain.sequences import iterated, kept
from astrarium.explain.tables import made, table_method
from astrarium.explain.texts import text_method
from astrarium.explain.values import (
    UNKNOWN,
    Batch,
    Const,
    Device,
    Downloaded,
    Items,
    Model,
    Named,
    Output,
    Parser,
    Settings,
    Table,
    Templated,
    Tensor,
    Text,
    Tokenizer,
    Trainer,
    Value,
    Work,
    constant,
    one_model,
    options,
    text_of,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event


def method(event: Event, receiver: Value, name: str) -> Value | None:
    """What a method of a value gives; None where the value is not one that is followed."""
    match receiver:
        case Model():
            from astrarium.explain.model_methods import model_method

            return model_method(event, receiver, name)
        case Tokenizer():
            from astrarium.explain.model_methods import tokenizer_method

            return tokenizer_method(event, receiver, name)
        case Batch():
            return _batch_method(event, receiver, name)
        case Trainer():
            return _trainer_method(event, receiver, name)
        case Parser():
            return parser_method(event, receiver, name)
        case Output():
            event.name = f"torch.Tensor.{name}"
            return receiver
        case Tensor():
            event.name = f"torch.Tensor.{name}"
            return receiver if name in _SAME_TENSOR else UNKNOWN
        case Settings():
            event.name = f"transformers.{receiver.name}.{name}"
            return _settings_call(event, receiver, name)
        case Templated() | Downloaded():
            event.name = f"?.{name}"
            return receiver
        case Items():
            event.name = f"list.{name}"
            if name == "append" and event.arguments:
                receiver.rest = event.arguments[0].value
            return UNKNOWN
        case Table():
            return table_method(event, receiver, name)
        case Const() | Text():
            event.name = f"str.{name}"
            return text_method(event, receiver, name)
        case _:
            return None


def _settings_call(event: Event, receiver: Settings, name: str) -> Value:
    if receiver.name == "pipeline" and name == "__call__":
        event.name = "transformers.Pipeline.__call__"
    return UNKNOWN


def _batch_method(event: Event, receiver: Batch, name: str) -> Value:
    event.name = f"transformers.BatchEncoding.{name}" if not receiver.part else f"torch.Tensor.{name}"
    if name in ("to", "cuda", "cpu"):
        place = Device(name) if name != "to" else first_device(event)
        if place is None:
            return receiver
        if not receiver.part:
            receiver.device, receiver.added_device = place, True  # BatchEncoding.to changes itself
            return receiver
        return Batch(
            receiver.event, receiver.tokenizer, receiver.padded, receiver.many, receiver.prompts, place,
            receiver.tensors, receiver.part, receiver.side, True,
        )  # fmt: skip
    if name == "items":
        return Items([], Items([UNKNOWN, replace(receiver, part=receiver.part or "*")]))
    return receiver if name in (*_SAME_TENSOR, "copy", "values") else UNKNOWN


def _trainer_method(event: Event, receiver: Trainer, name: str) -> Value:
    event.name = f"transformers.Trainer.{name}" if "SFT" not in receiver.name else f"trl.{receiver.name}.{name}"
    model = one_model(receiver.given.get("model", UNKNOWN))
    if name == "train":
        receiver.trained = True
        if model is not None:
            event.facts["model"] = Items([model])
            model.body.trained = True
            model.body.training, model.body.train_event = True, event
            model.body.device, model.body.moved = Device(None), True  # the Trainer moves it
    elif name in ("evaluate", "predict") and model is not None:
        model.body.training = False  # the Trainer's loop of evaluation calls eval()
    return UNKNOWN


def attribute(value: Value, name: str) -> Value:
    """An attribute of a value that is followed."""
    match value:
        case Model():
            if name == "device":
                return Device(None, value.body)
            if name in ("base_model", "model") and value.wrapper:
                return Model(value.body, value.event, wrapper=False, inner=value)
            if name == "model" and value.inner is not None and value.inner.wrapper:
                return value  # what the wrapper holds holds the base
            if name in ("module", "_orig_mod"):
                return value
            return Work(value, name) if name in ("generate", "forward") else UNKNOWN
        case Tokenizer():
            if name in ("eos_token", "eos_token_id", "pad_token", "pad_token_id", "bos_token", "unk_token"):
                return Named(f"tokenizer.{name}")
            return Text("\0") if name.endswith("_token") else UNKNOWN
        case Batch():
            return part_of(value, name) if name in _PARTS else Device(None) if name == "device" else UNKNOWN
        case Output():
            return (
                Output(value.event, value.model, value.whole, prompt=value.prompt) if name == "sequences" else UNKNOWN
            )
        case Trainer():
            return value.given.get(name, UNKNOWN)
        case Settings():
            return value.given.get(name, UNKNOWN)
        case Downloaded() | Templated():
            return value
        case _:
            return tensor_of(name) if type(value) is Value else UNKNOWN


_PARTS = ("input_ids", "attention_mask", "token_type_ids", "labels")
_SAME_TENSOR = ("unsqueeze", "clone", "long", "repeat", "contiguous", "to", "cuda", "cpu")


def tensor_of(key: object) -> Value:
    """What an item or attribute of an unknown value is, by its name."""
    return Tensor() if key in _PARTS else UNKNOWN


def part_of(batch: Batch, key: str) -> Value:
    """One tensor of a batch."""
    if key not in _PARTS:
        return UNKNOWN
    return Batch(
        batch.event, batch.tokenizer, batch.padded, batch.many, batch.prompts, batch.device, batch.tensors, key,
        batch.side, batch.added_device,
    )  # fmt: skip


def set_tokenizer(tokenizer: Tokenizer, path: str, value: Value, order: int) -> None:
    """`tokenizer.path = value`."""
    if path == "padding_side":
        known = constant(value)
        tokenizer.side = known if isinstance(known, str) else "?"
    elif path in ("pad_token", "pad_token_id"):
        kind = path.removeprefix("pad_")
        text = text_of(value)
        tokenizer.pad_is_eos = any(
            isinstance(option, Named) and option.name == f"tokenizer.eos_{kind}" for option in options(value)
        ) or text in ("</s>", "<|endoftext|>")
        tokenizer.pad_event = order


def many_texts(value: Value) -> bool:
    """Whether a value holds several texts."""
    return any(
        isinstance(option, Items) and (len(option.items) > 1 or option.rest is not None) for option in options(value)
    )


def prompts_of(value: Value) -> list[Value]:
    """The texts in a value."""
    found: list[Value] = []
    for option in options(value):
        if isinstance(option, Items):
            found += [*option.items, *([option.rest] if option.rest is not None else [])]
        else:
            found.append(option)
    return found


def loose(event: Event, attribute_name: str) -> Value:
    """What a call of something that is not followed may still give."""
    carried = [argument.value for argument in event.arguments]
    if event.receiver is not None:
        carried.append(event.receiver)
    for value in carried:
        for option in options(value):
            if isinstance(option, Model):
                option.uses.append(event)
            if isinstance(option, Work):
                option.model.uses.append(event)
            # A path joined to a downloaded one, a file opened at it, its bytes
            if isinstance(option, Downloaded) and (
                event.short in ("join", "open", "Path", "BytesIO", "str", "load_file", "glob") or attribute_name
            ):
                return option
    found = iterated(event, carried)
    if found is not None:
        return found
    if event.name == "dict":
        return made(event)
    return kept(event, carried)
