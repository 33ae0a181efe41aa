"""What the calls of transformers, peft and their kin do to the values that flow through a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astrarium.explain.index.library import library
from astrarium.explain.values import (
    UNKNOWN,
    Adapter,
    Batch,
    Body,
    Const,
    Device,
    Downloaded,
    Either,
    Items,
    Model,
    Named,
    Output,
    Settings,
    Templated,
    Text,
    Tokenizer,
    Trainer,
    Value,
    constant,
    options,
    text_of,
)  # fmt: skip

if TYPE_CHECKING:
    from astrarium.explain.events import Event

_MODEL_CLASS = re.compile(r"^(AutoModel\w*|AutoPeftModel\w*|\w+(?:For[A-Z]\w+|LMHeadModel|Model))$")
_TOKENIZER_CLASS = re.compile(r"^\w*Tokenizer(?:Fast)?$")
_TRAINER_CLASS = re.compile(r"^\w*Trainer$")
_DOWNLOADS = re.compile(
    r"^(huggingface_hub\.)?(hf_hub_download|snapshot_download|cached_download)$|^requests\.get$|^httpx\.get$"
    r"|urlretrieve$|urlopen$|^wget\.download$|^gdown\.download$|download_url_to_file$|^transformers\.cached_file$"
)
METHOD_OF_CONFIG = {
    "LoraConfig": "LORA", "IA3Config": "IA3", "AdaLoraConfig": "ADALORA", "LoHaConfig": "LOHA", "LoKrConfig": "LOKR",
    "PromptTuningConfig": "PROMPT_TUNING", "PromptEncoderConfig": "P_TUNING", "PrefixTuningConfig": "PREFIX_TUNING",
    "MultitaskPromptTuningConfig": "MULTITASK_PROMPT_TUNING", "CPTConfig": "CPT", "VeraConfig": "VERA",
    "OFTConfig": "OFT", "BOFTConfig": "BOFT", "RoadConfig": "ROAD", "BottleneckConfig": "BOTTLENECK",
    "AdaptionPromptConfig": "ADAPTION_PROMPT", "LNTuningConfig": "LN_TUNING", "XLoraConfig": "XLORA",
}  # fmt: skip


def exported(package: str, name: str) -> bool:
    """Whether `from package import *` may bring a name."""
    found = library(package) if package in ("transformers", "peft") else None
    return found is not None and found.has(name)


# -- devices


def device_of(value: Value) -> Device:
    """A value as a device; one that is not known has no place."""
    if isinstance(value, Device):
        return value
    if isinstance(value, Either):
        places = {device_of(option).where for option in value.options}
        if None in places:
            return Device(None)
        fast = sorted(place for place in places if place not in ("cpu", None))
        return Device(f"{fast[0].rstrip('?')}?" if fast and fast[0] else "cpu")
    known = constant(value)
    if isinstance(known, bool) or known is None:
        return Device(None)
    if isinstance(known, int):
        return Device("cuda")
    if isinstance(known, str):
        place = known.split(":")[0]
        return Device(place if place in ("cpu", "cuda", "mps", "xpu", "npu", "tpu", "hpu") else None)
    return Device(None)


def first_device(event: Event) -> Device | None:
    """The device among the arguments of `.to(…)`; None where it only changes the type."""
    for argument in event.arguments:
        if argument.name in (None, "device"):
            if isinstance(argument.value, Named) and argument.value.name.startswith("torch."):
                continue
            known = constant(argument.value)
            if isinstance(known, str) and known in ("float16", "bfloat16", "float32"):
                continue
            return device_of(argument.value)
    return None


# -- calls of names


def call(event: Event) -> Value:
    """What a call of a library's name gives."""
    name, short = event.name, event.short
    owner = name.split(".")[-2] if "." in name else ""
    if name.startswith("peft.") or owner.startswith(("PeftModel", "AutoPeftModel")):
        return _peft(event, owner, short)
    if short in ("from_pretrained", "from_config"):
        return _loaded(event, owner, short)
    if name.startswith("transformers."):
        return _transformers(event, short)
    if name.startswith("trl."):
        if _TRAINER_CLASS.match(short):
            return _trainer(event, short)
        return _settings(event, short) if short.endswith("Config") else UNKNOWN
    if short == "device" and name.startswith("torch"):
        return device_of(event.value("device", 0))
    if _DOWNLOADS.search(name):
        if name.endswith("urlretrieve"):
            return Items([Downloaded(event), UNKNOWN])
        return Downloaded(event)
    if name in ("copy.deepcopy", "deepcopy"):
        return _copied(event)
    return loose(event, "")


def _settings(event: Event, short: str) -> Settings:
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    first = event.given("", 0)
    if first is not None and short.endswith("TrainingArguments"):
        given.setdefault("output_dir", first.value)
    return Settings(short, given, event)


def _trainer(event: Event, short: str) -> Trainer:
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    for position, key in enumerate(("model", "args", "data_collator")):
        found = event.given(key, position)
        if found is not None:
            given.setdefault(key, found.value)
    trainer = Trainer(short, given, event)
    model = one_model(given.get("model", UNKNOWN))
    if model is not None:
        model.uses.append(event)
    return trainer


def _transformers(event: Event, short: str) -> Value:
    if short in ("TrainingArguments", "Seq2SeqTrainingArguments", "GenerationConfig", "BitsAndBytesConfig"):
        return _settings(event, short)
    if _TRAINER_CLASS.match(short):
        return _trainer(event, short)
    if short == "pipeline":
        model = one_model(event.value("model", 1))
        if model is not None:
            model.uses.append(event)
        return _settings(event, "pipeline")
    if short.startswith("DataCollator") or short.endswith("Config"):
        return _settings(event, short)
    if _MODEL_CLASS.match(short) and event.arguments:
        body = Body(None, event, short, {}, scratch=True)
        return Model(body, event)
    return UNKNOWN


def _loaded(event: Event, owner: str, short: str) -> Value:
    base = text_of(event.value("pretrained_model_name_or_path", 0))
    if _TOKENIZER_CLASS.match(owner):
        tokenizer = Tokenizer(base, event)
        side = event.constant("padding_side")
        tokenizer.side = side if isinstance(side, str) else None
        return tokenizer
    if owner.endswith("Config"):
        return Settings(owner, {"path": event.value("pretrained_model_name_or_path", 0)}, event)
    if owner == "FastLanguageModel":
        return Items(
            [Model(Body(None, event, "AutoModelForCausalLM", {}, prepared=True), event), Tokenizer(base, event)]
        )
    if not _MODEL_CLASS.match(owner):
        return UNKNOWN
    given = {one.name: one.value for one in event.arguments if one.name not in (None, "*", "**")}
    body = Body(base, event, owner, given, scratch=short == "from_config")
    body.quantised = _quantised(event)
    if "device_map" in given and constant(given["device_map"]) is not False:
        place = given["device_map"]
        known = constant(place)
        body.mapped = not (isinstance(place, Const) and place.value is None)
        if body.mapped:
            body.moved = True
            body.device = Device("cuda?") if known in ("auto", "balanced", "sequential") else device_of(place)
    elif body.quantised is not None:
        body.moved, body.device = True, Device("cuda?")
    return Model(body, event)


def _quantised(event: Event) -> str | None:
    for option in options(event.value("quantization_config")):
        if isinstance(option, Settings):
            if option.get("load_in_4bit") is True:
                return "4bit"
            if option.get("load_in_8bit") is True:
                return "8bit"
            return "other" if option.name != "BitsAndBytesConfig" else None
    for bits in ("4bit", "8bit"):
        if event.constant(f"load_in_{bits}") is True:
            return bits
    return None


# -- peft


def _peft(event: Event, owner: str, short: str) -> Value:
    if short == "get_peft_model":
        return _wrapped(event, fresh=True)
    if short == "from_pretrained" and owner.startswith("PeftModel"):
        return _wrapped(event, fresh=False)
    if short == "from_pretrained" and owner.startswith("AutoPeftModel"):
        return _auto_peft(event, owner)
    if short == "prepare_model_for_kbit_training":
        model = one_model(event.value("model", 0))
        if model is not None:
            model.body.prepared = True
            model.uses.append(event)
        return event.value("model", 0)
    if short == "from_pretrained":
        return Settings(owner, {"path": event.value("pretrained_model_name_or_path", 0)}, event)
    if short.endswith("Config"):
        return _settings(event, short)
    return UNKNOWN


def _wrapped(event: Event, *, fresh: bool) -> Value:
    given = event.value("model", 0)
    inner = one_model(given)
    config = event.value("peft_config", 1) if fresh else event.value("config")
    settings = next((option for option in options(config) if isinstance(option, Settings)), None)
    path = None if fresh else text_of(event.value("model_id", 1))
    name = event.constant("adapter_name", 2)
    adapter = Adapter(
        name if isinstance(name, str) else "default",
        path,
        METHOD_OF_CONFIG.get(settings.name) if settings is not None else None,
        settings,
        event,
        fresh or event.constant("is_trainable", 3) is True,
        fresh,
    )
    if inner is None:
        body = Body(None, None, "", {}, device=Device(None), moved=True, guessed=True)
        return Model(body, event, [adapter], wrapper=True)
    event.facts["model"] = Items([inner])
    event.facts["wrapped"] = Const(bool(inner.adapters) or inner.wrapper)
    event.facts["quantised"] = Const(inner.body.quantised)
    event.facts["prepared"] = Const(inner.body.prepared)
    inner.uses.append(event)
    inner.body.wrapped.append(adapter)
    model = Model(inner.body, event, [*inner.adapters, adapter], wrapper=True, inner=inner)
    model.active = adapter.name
    if fresh:
        model.body.training = model.body.training
    else:
        model.body.training = event.constant("is_trainable", 3) is True and model.body.training
    return model


def _auto_peft(event: Event, owner: str) -> Value:
    path = text_of(event.value("pretrained_model_name_or_path", 0))
    loaded = _loaded(event, owner, "from_pretrained")
    if not isinstance(loaded, Model):
        return UNKNOWN
    trainable = event.constant("is_trainable") is True
    adapter = Adapter("default", path, None, None, event, trainable, fresh=False)
    loaded.adapters, loaded.wrapper = [adapter], True
    loaded.body.base = None
    loaded.body.wrapped.append(adapter)
    return loaded


def _copied(event: Event) -> Value:
    model = one_model(event.value("x", 0))
    if model is None:
        return event.value("x", 0)
    old = model.body
    body = Body(
        old.base, old.event, old.auto_class, old.given, old.quantised, old.device, old.moved, old.mapped, old.training,
        scratch=old.scratch, guessed=old.guessed,
    )  # fmt: skip
    model.uses.append(event)
    return Model(body, event, list(model.adapters), model.wrapper)


def one_model(value: Value) -> Model | None:
    """The model that a value is, or may be."""
    return next((option for option in options(value) if isinstance(option, Model)), None)


# -- methods


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
        case Output():
            event.name = f"torch.Tensor.{name}"
            return receiver
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
        case Const() | Text():
            event.name = f"str.{name}"
            return _text_method(event, receiver, name)
        case _:
            return None


def _text_method(event: Event, receiver: Value, name: str) -> Value:
    text = text_of(receiver)
    if text is None:
        return UNKNOWN
    if name == "format":
        return Text(re.sub(r"\{[^{}]*\}", "\0", text))
    if name in ("strip", "lstrip", "rstrip", "lower", "replace"):
        return receiver if name != "strip" else Const(text.strip()) if "\0" not in text else receiver
    return UNKNOWN


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
        return Items([], Items([UNKNOWN, receiver]))
    return receiver if name in ("unsqueeze", "clone", "copy", "long", "repeat", "contiguous", "values") else UNKNOWN


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
    return UNKNOWN


def attribute(value: Value, name: str) -> Value:
    """An attribute of a value that is followed."""
    match value:
        case Model():
            if name == "device":
                return Device(None, value.body)
            if name in ("base_model", "model") and value.wrapper:
                return Model(value.body, value.event, wrapper=False, inner=value)
            return UNKNOWN
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
            return UNKNOWN


_PARTS = ("input_ids", "attention_mask", "token_type_ids", "labels")


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
            # A path joined to a downloaded one, a file opened at it, its bytes
            if isinstance(option, Downloaded) and (
                event.short in ("join", "open", "Path", "BytesIO", "str", "load_file", "glob") or attribute_name
            ):
                return option
    if event.name == "zip":
        elements = []
        for value in carried:
            elements.append(value if isinstance(value, Batch | Output) else UNKNOWN)
        return Items([], Items(elements))
    if event.name == "enumerate" and carried:
        inner = carried[0]
        return Items([], Items([UNKNOWN, inner if isinstance(inner, Batch | Output) else UNKNOWN]))
    if event.name in ("list", "tuple", "sorted") and carried:
        return carried[0]
    if event.name in ("range",):
        return Items([], UNKNOWN)
    return UNKNOWN
